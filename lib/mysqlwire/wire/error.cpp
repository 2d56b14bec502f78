#include <mysqlwire/wire/error.hpp>

namespace mysqlwire {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::ok: return "ok";
    case errc::truncated: return "truncated";
    case errc::too_long: return "too long";
    case errc::bad_value: return "bad value";
    case errc::not_terminated: return "not terminated";
    case errc::trailing_bytes: return "trailing bytes";
    case errc::missing_field: return "missing";
    case errc::unsupported: return "unsupported";
    case errc::packets_out_of_order: return "packets out of order";
    case errc::packet_too_large: return "packet too large";
    case errc::unexpected_packet: return "unexpected packet";
    case errc::limit_exceeded: return "limit exceeded";
  }
  return "unknown";
}

bool is_fatal(errc code) noexcept {
  return code == errc::packets_out_of_order || code == errc::packet_too_large;
}

std::string to_string(const Error& error) {
  std::string text = error.message;
  if (*error.field != '\0') {
    if (!text.empty()) text += '.';
    text += error.field;
  }
  if (!text.empty()) text += ": ";
  text += to_string(error.code);
  text += " at offset ";
  text += std::to_string(error.offset);
  return text;
}

}  // namespace mysqlwire
