#include "proxy/config/user.hpp"

#include <fmt/format.h>

namespace mysqlproxy {
namespace {

constexpr std::size_t longest_name = 512;  // 128 characters (MariaDB's limit; MySQL's is 32)

}  // namespace

std::string user_name_fault(std::string_view name) {
  if (name.empty()) return "a user's name is not empty";
  if (name.find('\0') != name.npos) return "a user's name has no NUL byte";
  if (name.size() > longest_name) {
    return fmt::format("a user's name has {} bytes at most, this one {}", longest_name,
                       name.size());
  }
  return {};
}

std::string hash_fault(std::string_view text, const mysqlwire::Error& error) {
  if (text.empty()) {
    return "expected 40 hex digits, found an empty string; an account without a password can't be "
           "used through the proxy, give it one";
  }
  constexpr std::string_view wanted = "expected 40 hex digits, with or without a leading *";
  switch (error.code) {
    case mysqlwire::errc::unsupported: return fmt::format("can't be used: {}", error.message);
    case mysqlwire::errc::truncated:
    case mysqlwire::errc::too_long:
      return fmt::format("{}, found {} of them", wanted, text.size() - (text[0] == '*' ? 1 : 0));
    default: return fmt::format("{}; byte {} is none", wanted, error.offset + 1);
  }
}

}  // namespace mysqlproxy
