#include "proxy/tls/key_log.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace mysqlproxy {

KeyLog::KeyLog(const std::string& path)
    : descriptor_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), path);
}

KeyLog::~KeyLog() { ::close(descriptor_); }

void KeyLog::append(std::string_view line) noexcept {
  // One call a line: O_APPEND keeps the lines of several threads apart.
  char newline = '\n';
  const iovec parts[] = {{const_cast<char*>(line.data()), line.size()}, {&newline, 1}};
  while (::writev(descriptor_, parts, 2) < 0 && errno == EINTR) {
  }
}

}  // namespace mysqlproxy
