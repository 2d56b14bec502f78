#include "cli/mysqlprobe/target.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace mysqlprobe {

namespace {

constexpr std::array<std::string_view, 5> mode_names{"disabled", "preferred", "required",
                                                     "verify-ca", "verify-identity"};

bool is_v6(const std::string& text) {
  in6_addr parsed{};
  return ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size() ||
      value == 0 || value > 0xffff)
    return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// %41 is A. Nothing for a % that is not followed by two hex digits.
std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
      return std::nullopt;
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

bool set_path(Target& target, std::string_view path, std::string& why) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path) ||
      path.find('\0') != std::string_view::npos) {
    why = path.empty() ? "a path is missing behind unix:" : "the path is too long for a socket";
    return false;
  }
  target.kind = Target::Kind::unix_socket;
  target.path = path;
  return true;
}

// Never quoted: of a password that is not escaped a part stands there.
constexpr const char* no_port = "what stands behind the : is no port, which is a number to 65535";
constexpr const char* unescaped =
    "an @ stands behind the first / or ?; within a user, password or schema / ? # @ : and % are "
    "written as %2F %3F %23 %40 %3A %25";

bool set_host(Target& target, std::string_view text, std::string& why) {
  if (text.find('@') != std::string_view::npos)
    return why = "a user is given by --user, or in a URL: mysql://user@host", false;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return why = "a ] is missing", false;
    target.host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!is_v6(target.host))
      return why = fmt::format("{:?} is no IPv6 address", target.host), false;
    if (!rest.empty() && rest[0] != ':') return why = "what stands behind ] is no port", false;
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else if (is_v6(std::string(text))) {
    target.host = text;
  } else {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
      return why = "an IPv6 address stands in brackets: [::1]:3306", false;
    target.host = text.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
  }
  if (target.host.empty()) return why = "a host is missing", false;
  if (target.host.find_first_of(std::string_view("\0 \t\r\n/", 6)) != std::string::npos)
    return why = fmt::format("{:?} is no host", target.host), false;
  if (!has_port) return true;
  const auto number = parse_port(port);
  if (!number) return why = no_port, false;
  target.port = *number;
  return true;
}

bool set_parameters(Target& target, std::string_view query, std::string& why) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view key = pair.substr(0, equals);
    const auto value = unescape(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return why = "a % that is no escape", false;
    if (key == "tls" || key == "ssl-mode" || key == "ssl_mode" || key == "sslmode") {
      target.tls = parse_tls_mode(*value);
      if (!target.tls) return why = fmt::format("{:?} is no TLS mode", *value), false;
    } else if (key == "socket") {
      if (!set_path(target, *value, why)) return false;
    } else {
      return why = fmt::format("unknown parameter {:?}; known are tls and socket", key), false;
    }
  }
  return true;
}

bool set_user(Target& target, std::string_view text, std::string& why) {
  const std::size_t colon = text.find(':');
  const auto user = unescape(text.substr(0, colon));
  if (!user) return why = "a % that is no escape", false;
  if (!user->empty()) target.user = *user;
  if (colon == std::string_view::npos) return true;
  auto password = unescape(text.substr(colon + 1));
  if (!password) return why = "a % that is no escape", false;
  target.password =
      std::make_shared<const mysqlwire::crypto::SecretBytes>(mysqlwire::as_bytes(*password));
  mysqlwire::crypto::cleanse({reinterpret_cast<std::uint8_t*>(password->data()), password->size()});
  return true;
}

std::optional<Target> parse_url(std::string_view rest, std::string& why) {
  Target target;
  const std::size_t question = rest.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view() : rest.substr(question + 1);
  rest = rest.substr(0, question);
  const std::size_t slash = rest.find('/');
  const std::string_view path =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  std::string_view authority = rest.substr(0, slash);
  if (path.find('@') != std::string_view::npos || query.find('@') != std::string_view::npos)
    return why = unescaped, std::nullopt;
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos && !set_user(target, authority.substr(0, at), why))
    return std::nullopt;
  if (at != std::string_view::npos) authority.remove_prefix(at + 1);
  if (authority.empty())
    target.host = "localhost";
  else if (!set_host(target, authority, why))
    return std::nullopt;
  const auto database = unescape(path);
  if (!database) return why = "a % that is no escape", std::nullopt;
  if (!database->empty()) target.database = *database;
  if (!set_parameters(target, query, why)) return std::nullopt;
  if (target.kind == Target::Kind::unix_socket)
    target.text = "unix:" + target.path;
  else
    target.text = fmt::format("{}:{}", is_v6(target.host) ? "[" + target.host + "]" : target.host,
                              target.port);
  return target;
}

}  // namespace

std::optional<TlsMode> parse_tls_mode(std::string_view text) {
  std::string name(text);
  for (char& c : name) c = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (std::size_t i = 0; i < mode_names.size(); ++i)
    if (mode_names[i] == name) return static_cast<TlsMode>(i);
  return std::nullopt;
}

std::string_view to_string(TlsMode mode) noexcept {
  return mode_names[static_cast<std::size_t>(mode)];
}

std::optional<Target> parse_target(std::string_view text, std::string& why) {
  for (const std::string_view scheme : {"mysql://", "mariadb://"})
    if (text.starts_with(scheme)) return parse_url(text.substr(scheme.size()), why);
  if (const std::size_t scheme = text.find("://");
      scheme != std::string_view::npos &&
      text.substr(0, scheme).find('@') == std::string_view::npos)
    return why = fmt::format("unknown scheme {:?}; known is mysql://", text.substr(0, scheme)),
           std::nullopt;
  Target target;
  const bool is_path = text.starts_with("unix:") || text.starts_with('/');
  const bool good = is_path ? set_path(target, text.starts_with('/') ? text : text.substr(5), why)
                            : set_host(target, text, why);
  if (!good) return std::nullopt;
  target.text =
      is_path ? "unix:" + target.path
              : fmt::format("{}:{}", is_v6(target.host) ? "[" + target.host + "]" : target.host,
                            target.port);
  return target;
}

}  // namespace mysqlprobe
