#include "cli/common/output.hpp"

namespace cli {

void Output::flush() {
  if (full_ && kept_ <= buffer_.size()) buffer_.resize(kept_);
  if (!buffer_.empty() && std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size())
    failed_ = true;
  buffer_.clear();
  kept_ = 0;
  if (std::fflush(file_) != 0) failed_ = true;
}

}  // namespace cli
