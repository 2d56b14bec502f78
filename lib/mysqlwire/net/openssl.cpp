#include <mysqlwire/net/openssl.hpp>

#include <openssl/err.h>

#include <cstring>

namespace mysqlwire::net {

std::string take_openssl_error() {
  // The oldest entry is the cause, the later ones are its consequences.
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error";
}

}  // namespace mysqlwire::net
