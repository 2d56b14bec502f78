// A configuration from flags alone.
#include "proxy/config/load.hpp"
#include "proxy/config/user.hpp"

#include <fmt/format.h>

#include <charconv>

namespace mysqlproxy {
namespace {

constexpr std::string_view weight_mark = ",weight=";

class Flags {
 public:
  LoadResult load(const SimpleSetup& setup) {
    config_.listeners.push_back(
        {.name = "main", .bind = {}, .server_version = {}, .tls = {}, .proxy_protocol_from = {}});
    config_.pools.push_back({.name = "main", .servers = {}, .load_users = {}});
    for (const auto& text : setup.listen) listen(text);
    for (const auto& text : setup.server) server(text);
    for (const auto& text : setup.user) user(text);
    if (setup.listen.empty()) fault("--listen", "is missing: the proxy would listen nowhere");
    if (setup.server.empty()) fault("--server", "is missing: there is nothing to connect to");
    if (setup.user.empty()) fault("--user", "is missing: nobody could log in");
    if (result_.errors.empty()) result_.config = std::move(config_);
    return std::move(result_);
  }

 private:
  void fault(std::string_view flag, std::string text) {
    result_.errors.push_back({std::string(flag), std::move(text)});
  }

  std::optional<Endpoint> endpoint(std::string_view flag, std::string_view text) {
    std::string why;
    auto endpoint = parse_endpoint(text, &why);
    if (!endpoint) {
      const std::string_view port = flag == "--listen" ? "6446" : "3306";
      fault(flag, fmt::format("expected an address such as \"127.0.0.1:{}\", found {:?}: {}", port,
                              text, why));
    }
    return endpoint;
  }

  void listen(std::string_view text) {
    const auto bind = endpoint("--listen", text);
    if (!bind) return;
    for (const Endpoint& other : config_.listeners.front().bind) {
      if (!binds_clash(*bind, other)) continue;
      return fault("--listen", fmt::format("{:?} is taken by --listen {}", text, to_string(other)));
    }
    config_.listeners.front().bind.push_back(*bind);
  }

  void server(std::string_view text) {
    ServerConfig server{
        .name = fmt::format("server{}", config_.servers.size() + 1), .address = {}, .tls = {}};
    const std::size_t mark = text.rfind(weight_mark);
    if (mark != text.npos) {
      const std::string_view digits = text.substr(mark + weight_mark.size());
      const auto [end, code] =
          std::from_chars(digits.data(), digits.data() + digits.size(), server.weight);
      if (code != std::errc{} || end != digits.data() + digits.size() || server.weight < 1 ||
          server.weight > 1'000) {
        fault("--server", fmt::format("expected a weight from 1 to 1000, found {:?}", digits));
      }
    }
    if (const auto address = endpoint("--server", text.substr(0, mark))) {
      if (address->kind == Endpoint::Kind::tcp && address->port == 0) {
        fault("--server", fmt::format("a server's port is not 0: {:?}", text));
      }
      server.address = *address;
    }
    config_.pools.front().servers.push_back(server.name);
    config_.servers.push_back(std::move(server));
  }

  void user(std::string_view text) {
    const std::size_t colon = colon_of(text);
    if (colon == text.npos) {
      return fault("--user", "expected NAME:HASH, found no colon");
    }
    UserConfig user{.name = std::string(text.substr(0, colon)), .pool = "main"};
    const std::string_view hash = text.substr(colon + 1);
    if (const auto why = user_name_fault(user.name); !why.empty()) fault("--user", why);
    if (const auto why = add_hash(hash, user.hashes); !why.empty()) {
      return fault("--user", fmt::format("{:?}: {}", user.name, why));
    }
    if (config_.find_user(user.name) != nullptr) {
      return fault("--user", fmt::format("{:?} is given twice", user.name));
    }
    config_.users.push_back(std::move(user));
  }

  /// The colon between name and hash: the last one, but for a parsec hash, which has two itself.
  static std::size_t colon_of(std::string_view text) {
    const std::size_t parsec = text.rfind(":P");
    const std::size_t last = text.rfind(':');
    return parsec != text.npos && last > parsec + 2 ? parsec : last;
  }

  Config config_;
  LoadResult result_;
};

}  // namespace

LoadResult load_simple(const SimpleSetup& setup) { return Flags().load(setup); }

}  // namespace mysqlproxy
