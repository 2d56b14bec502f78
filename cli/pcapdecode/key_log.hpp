// The secrets of TLS connections, as programs log them for those who are allowed to look.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace pcapdecode {

/// Lines of "LABEL CLIENT_RANDOM SECRET", the last two in hex.
///
/// Source: https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-00.html
class KeyLog {
 public:
  /// Adds the lines of `text`; comments and lines that are none are skipped.
  void add(std::string_view text);
  /// The secret with that label, or nullptr.
  const mysqlwire::Buffer* find(std::string_view label, mysqlwire::Bytes client_random) const;
  bool empty() const noexcept { return secrets_.empty(); }

 private:
  std::map<std::pair<std::string, mysqlwire::Buffer>, mysqlwire::Buffer> secrets_;
};

}  // namespace pcapdecode
