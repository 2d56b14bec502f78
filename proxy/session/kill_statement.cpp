#include "proxy/session/kill_statement.hpp"

namespace mysqlproxy {
namespace {

using mysqlwire::sql::Dialect;

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The newest server there can be, so that the inside of every version comment is read: the server
// decides by its own version whether it runs, and a KILL that does not run does no harm with
// another number in it.
constexpr Dialect newest(mysqlwire::Flavor flavor) noexcept {
  Dialect dialect;
  dialect.flavor = flavor;
  dialect.version = 999999;
  return dialect;
}

}  // namespace

bool may_be_kill(std::string_view start) noexcept {
  constexpr std::string_view kill = "KILL";
  for (std::size_t i = 0; i < start.size() && i < kill.size(); ++i) {
    const char c = start[i];
    if (i == 0 && (is_space(c) || c == '/' || c == '#' || c == '-')) return true;
    if (c != kill[i] && c != kill[i] - 'A' + 'a') return false;
  }
  return true;
}

std::optional<KillStatement> parse_kill(std::string_view sql) noexcept {
  for (const auto flavor : {mysqlwire::Flavor::mysql, mysqlwire::Flavor::mariadb}) {
    const auto kill = mysqlwire::sql::parse_kill(sql, newest(flavor));
    if (kill && kill->target == KillStatement::Target::connection_id) return kill;
  }
  return std::nullopt;
}

}  // namespace mysqlproxy
