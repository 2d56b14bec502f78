#include "cli/common/output.hpp"

#include <cerrno>

namespace cli {

void Output::flush() {
  if (full_ && kept_ <= buffer_.size()) buffer_.resize(kept_);
  errno = 0;
  const bool is_written = std::fwrite(buffer_.data(), 1, buffer_.size(), file_) == buffer_.size() &&
                          std::fflush(file_) == 0;
  if (!is_written && error_ == 0) error_ = errno != 0 ? errno : EIO;
  buffer_.clear();
  kept_ = 0;
}

}  // namespace cli
