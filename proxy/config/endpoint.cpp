#include "proxy/config/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>

namespace mysqlproxy {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::string_view forms = "\"host:port\", \"[IPv6]:port\" or \"unix:/path\"";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_host_character(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
         c == '_';
}

/// The usual spelling of an IPv6 address, its zone ("fe80::1%eth0") as it is; empty when it is
/// none.
std::string canonical_ipv6(std::string_view text) {
  const std::string address(text.substr(0, text.find('%')));
  const std::string_view zone = text.substr(address.size());
  in6_addr parsed;
  if (inet_pton(AF_INET6, address.c_str(), &parsed) != 1) return {};
  if (!zone.empty() &&
      (zone.size() == 1 || !std::ranges::all_of(zone.substr(1), is_host_character))) {
    return {};
  }
  char canonical[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &parsed, canonical, sizeof(canonical));
  return std::string(canonical).append(zone);
}

/// What is wrong with a host that stands outside brackets; empty when nothing is.
std::string host_fault(std::string_view host) {
  if (host.empty()) return "the host is missing; 0.0.0.0 and [::] stand for every address";
  if (!canonical_ipv6(host).empty()) return "an IPv6 address stands in brackets: \"[::1]:3306\"";
  if (host.size() > 253 || !std::ranges::all_of(host, is_host_character)) {
    return "a host name consists of letters, digits, '.', '-' and '_'";
  }
  // A name whose last label is a number can only be meant as an IPv4 address (RFC 1123, 2.1).
  const std::string_view last = host.substr(host.find_last_of('.') + 1);
  in_addr parsed;
  if (std::ranges::all_of(last, is_digit) &&
      inet_pton(AF_INET, std::string(host).c_str(), &parsed) != 1) {
    return "an IPv4 address has four numbers from 0 to 255";
  }
  return {};
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

/// What is wrong with a path of a UNIX socket; empty when nothing is.
std::string path_fault(std::string_view path) {
  if (!path.starts_with('/')) return "the path of a UNIX socket starts with /";
  if (path.ends_with('/')) return "the path of a UNIX socket names a file, not a folder";
  if (path.find('\0') != path.npos) return "a path has no NUL byte";
  constexpr std::size_t limit = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > limit) {
    return fmt::format("the path of a UNIX socket has {} bytes at most, this one {}", limit,
                       path.size());
  }
  return {};
}

std::optional<Endpoint> parse(std::string_view text, std::string& why) {
  Endpoint endpoint;
  if (text.starts_with(unix_prefix)) {
    endpoint.kind = Endpoint::Kind::unix_socket;
    endpoint.path = text.substr(unix_prefix.size());
    why = path_fault(endpoint.path);
    if (!why.empty()) return std::nullopt;
    return endpoint;
  }
  const std::size_t colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  if (colon == text.npos || (bracketed && text.find(']') == text.npos) || text.ends_with(']')) {
    why = fmt::format("an address is {}", forms);
    return std::nullopt;
  }
  const std::string_view host = text.substr(0, colon);
  if (bracketed) {
    if (host.ends_with(']')) endpoint.host = canonical_ipv6(host.substr(1, host.size() - 2));
    if (endpoint.host.empty()) why = "the brackets do not hold an IPv6 address";
  } else {
    endpoint.host = host;
    why = host_fault(host);
  }
  if (!why.empty()) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) {
    why = "a port is a number from 0 to 65535";
    return std::nullopt;
  }
  endpoint.port = *port;
  return endpoint;
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text, std::string* why) {
  std::string fault;
  auto endpoint = parse(text, fault);
  if (!endpoint && why != nullptr) *why = std::move(fault);
  return endpoint;
}

bool binds_clash(const Endpoint& a, const Endpoint& b) noexcept {
  if (a.kind != b.kind) return false;
  if (a.kind == Endpoint::Kind::unix_socket) return a.path == b.path;
  if (a.port == 0 || a.port != b.port) return false;
  const auto is_ipv6 = [](const Endpoint& end) { return end.host.find(':') != end.host.npos; };
  const auto is_any = [](const Endpoint& end) { return end.host == "0.0.0.0" || end.host == "::"; };
  return a.host == b.host || (is_ipv6(a) == is_ipv6(b) && (is_any(a) || is_any(b)));
}

std::string to_string(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::unix_socket) return fmt::format("unix:{}", endpoint.path);
  const bool ipv6 = endpoint.host.find(':') != endpoint.host.npos;
  return ipv6 ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
              : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

}  // namespace mysqlproxy
