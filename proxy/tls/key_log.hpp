// The secrets of TLS sessions, for Wireshark, when the operator asks for them.
#pragma once

#include <string>
#include <string_view>

namespace mysqlproxy {

/// An NSS key log: a file that lines are appended to. Whoever reads it can decrypt the traffic.
/// Any thread.
class KeyLog {
 public:
  /// Opens or creates `path`, readable by its owner only. Throws std::system_error.
  explicit KeyLog(const std::string& path);
  ~KeyLog();
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;

  /// Appends one line, given without its newline. A line that can't be written is lost.
  void append(std::string_view line) noexcept;

 private:
  int descriptor_;
};

}  // namespace mysqlproxy
