#include "proxy/lending/difference.hpp"

#include "proxy/lending/ascii.hpp"
#include "proxy/lending/variables.hpp"

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/command.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace mysqlproxy::lending {

using mysqlwire::Buffer;
using mysqlwire::Capability;
using mysqlwire::Command;
using mysqlwire::Flavor;

namespace {

constexpr std::size_t results_place = 1;  // in charset_variables

bool is_charset(std::string_view name) noexcept {
  return name == "names" || std::find(std::begin(charset_variables), std::end(charset_variables),
                                      name) != std::end(charset_variables);
}

Buffer command(Command code, std::string_view argument = {}) {
  Buffer payload;
  mysqlwire::Writer writer(payload);
  writer.u8(static_cast<std::uint8_t>(code));
  writer.text(argument);
  return payload;
}

// A SET that is being written.
class Assignments {
 public:
  void variable(std::string_view name, std::string_view value) {
    begin();
    sql_ += "@@session.";
    sql_ += name;
    sql_ += '=';
    sql_ += value;
  }
  void user_variable(std::string_view name, std::string_view value) {
    begin();
    sql_ += "@`";
    sql_ += name;
    sql_ += "`=";
    sql_ += value;
  }
  void names(std::string_view charset, std::string_view collation) {
    begin();
    sql_ += "NAMES ";
    sql_ += charset;
    sql_ += " COLLATE ";
    sql_ += collation;
  }
  void more(std::string_view statement) { sql_ = statement; }
  const std::string& sql() const noexcept { return sql_; }

 private:
  void begin() { sql_ += sql_.empty() ? "SET " : ", "; }

  std::string sql_;
};

// Another spelling of the same variable is set already.
bool has_other_name(const SessionImage& image, std::string_view name) {
  const std::string_view other = other_name_of(name);
  return !other.empty() && image.variables.contains(other);
}

std::string_view value_of(const SessionImage& image, std::string_view name) {
  const auto known = image.variables.find(name);
  return known == image.variables.end() ? std::string_view() : std::string_view(known->second);
}

// The variables of the character set, and behind them what column definitions say.
void set_charset(const SessionImage& has, const SessionImage& wanted, bool all, Assignments& set) {
  std::array<std::string_view, std::size(charset_variables)> now;
  for (std::size_t i = 0; i < now.size(); ++i)
    now[i] = all ? std::string_view() : value_of(has, charset_variables[i]);
  const std::string_view names = value_of(wanted, "names");
  const std::string_view results = value_of(wanted, charset_variables[results_place]);
  const bool same_names = !all && value_of(has, "names") == names;
  if (!names.empty() && (!same_names || now[results_place] != results)) {
    set.names(results, names);
    now = {results, results, results, names};
  } else if (!same_names) {
    now[results_place] = {};
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    const std::string_view value = value_of(wanted, charset_variables[i]);
    if (value.empty() || value == now[i]) continue;
    set.variable(charset_variables[i], value);
    // It takes the collation along.
    if (charset_variables[i] == "character_set_connection") now[i + 1] = {};
  }
}

// MySQL 8.0 takes DEFAULT for OFF where a variable is a bit that is set when it is off.
std::string_view default_of(std::string_view name) noexcept {
  if (name == "foreign_key_checks") return "@@global.foreign_key_checks";
  if (name == "unique_checks") return "@@global.unique_checks";
  return "DEFAULT";
}

void set_variables(const SessionImage& has, const SessionImage& wanted, bool all_charsets,
                   Assignments& set) {
  for (const auto& [name, value] : has.variables) {
    if (!is_charset(name) && !wanted.variables.contains(name) && !has_other_name(wanted, name))
      set.variable(name, default_of(name));
  }
  for (const auto& [name, value] : wanted.variables) {
    if (is_charset(name)) continue;
    const auto known = has.variables.find(name);
    if (known == has.variables.end() || known->second != value) set.variable(name, value);
  }
  set_charset(has, wanted, all_charsets, set);
}

// What there is to do beside a reset and the schema.
void set_the_rest(const SessionImage& has, const SessionImage& wanted, bool all_charsets,
                  Assignments& set) {
  set_variables(has, wanted, all_charsets, set);
  for (const auto& [name, value] : wanted.user_variables) {
    const auto known = has.user_variables.find(name);
    if (known == has.user_variables.end() || known->second != value) set.user_variable(name, value);
  }
  if (has.last_insert_id != wanted.last_insert_id)
    set.variable("last_insert_id", std::to_string(wanted.last_insert_id));
}

// MySQL 8.0 warns of three-byte UTF-8, by all its names.
bool names_utf8mb3(std::string_view sql) noexcept {
  constexpr std::string_view utf8 = "utf8";
  for (std::size_t at = sql.find(utf8); at != std::string_view::npos; at = sql.find(utf8, at + 1)) {
    if (!sql.substr(at + utf8.size()).starts_with("mb4")) return true;
  }
  return false;
}

Plan plan(const SessionImage& has, const SessionImage& wanted, const ServerTraits& server,
          bool reset) {
  Plan plan;
  plan.resets = reset;
  plan.possible = !has.schema.empty() && wanted.schema.empty() ? false : true;
  if (reset) {
    const bool mysql = server.flavor == Flavor::mysql;
    if (server.version < (mysql ? 50703U : 100204U)) plan.possible = false;
  }
  if (!plan.possible) return plan;
  if (reset) plan.commands.push_back(command(Command::com_reset_connection));
  const bool other_schema = has.schema != wanted.schema;
  // COM_INIT_DB takes the name in the client's character set.
  const bool in_utf8 = other_schema && !is_printable_ascii(wanted.schema);
  if (in_utf8) plan.commands.push_back(command(Command::com_query, "SET NAMES utf8"));
  if (other_schema) plan.commands.push_back(command(Command::com_init_db, wanted.schema));
  Assignments set;
  if (reset) {
    set.more(tracking_statement(server));
    set_the_rest({}, wanted, true, set);
  } else {
    set_the_rest(has, wanted, in_utf8, set);
  }
  if (!set.sql().empty()) plan.commands.push_back(command(Command::com_query, set.sql()));
  if (in_utf8 || names_utf8mb3(set.sql()))
    plan.commands.push_back(command(Command::com_query, clearing_statement()));
  return plan;
}

// Servers before these versions call three-byte UTF-8 by its old name.
bool says_utf8(const ServerTraits& server) noexcept {
  return server.version < (server.flavor == Flavor::mysql ? 80030U : 100600U);
}

std::string server_name(std::string_view name, const ServerTraits& server) {
  constexpr std::string_view utf8mb3 = "utf8mb3";
  std::string result(name);
  if (says_utf8(server) && name.starts_with(utf8mb3)) result.replace(0, utf8mb3.size(), "utf8");
  return result;
}

}  // namespace

Plan difference(const SessionImage& has, const SessionImage& wanted, const ServerTraits& server) {
  // Set to NULL a variable is still there, with a type.
  const bool reset =
      std::any_of(has.user_variables.begin(), has.user_variables.end(),
                  [&](const auto& entry) { return !wanted.user_variables.contains(entry.first); });
  return plan(has, wanted, server, reset);
}

Plan reset_and_difference(const SessionImage& has, const SessionImage& wanted,
                          const ServerTraits& server) {
  return plan(has, wanted, server, true);
}

SessionImage initial_image(std::uint16_t collation, std::string_view schema,
                           mysqlwire::Capabilities capabilities, const ServerTraits& server) {
  SessionImage image;
  image.schema = schema;
  if (capabilities.has(Capability::ignore_space))
    image.variables.emplace("sql_mode",
                            "CONCAT_WS(',', NULLIF(@@global.sql_mode, ''), 'IGNORE_SPACE')");
  if (capabilities.has(Capability::interactive))
    image.variables.emplace("wait_timeout", "@@global.interactive_timeout");
  const auto all = mysqlwire::all_collations();
  const bool known = std::any_of(all.begin(), all.end(), [&](const mysqlwire::CollationInfo& info) {
    return info.id == collation &&
           (server.flavor == Flavor::mysql ? info.in_mysql : info.in_mariadb);
  });
  if (!known || !mysqlwire::is_client_collation(collation)) return image;
  const std::string charset = quoted_text(server_name(mysqlwire::charset_name(collation), server));
  for (const std::string_view name : charset_variables) image.variables.emplace(name, charset);
  const std::string name =
      quoted_text(server_name(mysqlwire::collation_name(collation, server.flavor), server));
  image.variables["collation_connection"] = name;
  image.variables["names"] = name;
  return image;
}

std::string_view clearing_statement() noexcept { return "SELECT 1 FROM (SELECT 1) AS nothing"; }

std::string tracking_statement(const ServerTraits& server) {
  const bool mysql = server.flavor == Flavor::mysql;
  if (server.version < (mysql ? 50708U : 100202U)) return {};
  std::string sql =
      "SET @@session.session_track_schema=1, @@session.session_track_state_change=1, "
      "@@session.session_track_system_variables='*', "
      "@@session.session_track_transaction_info='CHARACTERISTICS'";
  // MariaDB tells of last_gtid among the variables.
  if (mysql) sql += ", @@session.session_track_gtids='OWN_GTID'";
  return sql;
}

}  // namespace mysqlproxy::lending
