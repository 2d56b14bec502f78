// What a statement does to the session, once it is known whether it has succeeded.
#include "proxy/lending/ascii.hpp"
#include "proxy/lending/session_follower.hpp"
#include "proxy/lending/user_values.hpp"
#include "proxy/lending/variables.hpp"

#include <algorithm>
#include <utility>

namespace mysqlproxy::lending {

using mysqlwire::Flavor;

namespace {

// As value of a variable: one in which a literal of ASCII has the bytes of ASCII, and a collation.
bool is_plain_charset(std::string_view charset) noexcept {
  return !charset.starts_with("'ucs2") && !charset.starts_with("'utf16") &&
         !charset.starts_with("'utf32") && charset != "'binary'" && charset.size() > 2;
}

// The statement was not understood: it has done nothing.
bool is_not_understood(std::uint16_t code) noexcept {
  return code == 1064 || code == 1149;  // ER_PARSE_ERROR, ER_SYNTAX_ERROR
}

// What it asks for, its tables or the rights to them were missing: it has done nothing itself.
bool lacks_something(std::uint16_t code) noexcept {
  switch (code) {
    case 1044:  // ER_DBACCESS_DENIED_ERROR
    case 1046:  // ER_NO_DB_ERROR
    case 1115:  // ER_UNKNOWN_CHARACTER_SET
    case 1142:  // ER_TABLEACCESS_DENIED_ERROR
    case 1146:  // ER_NO_SUCH_TABLE
    case 1193:  // ER_UNKNOWN_SYSTEM_VARIABLE
    case 1227:  // ER_SPECIFIC_ACCESS_DENIED_ERROR
    case 1243:  // ER_UNKNOWN_STMT_HANDLER
    case 1253:  // ER_COLLATION_CHARSET_MISMATCH
    case 1273:  // ER_UNKNOWN_COLLATION
    case 1305:  // ER_SP_DOES_NOT_EXIST
      return true;
    default: return false;
  }
}

}  // namespace

// A routine or a trigger may have done something before it met with the error, and routines can
// have statements of which nothing is known before they run.
bool SessionFollower::did_nothing(std::uint16_t code) const noexcept {
  if (calls_ || (pending_ && pending_->several)) return false;
  return is_not_understood(code) || (!may_trigger_ && lacks_something(code));
}

// Some of it may have happened nevertheless: what is taken is taken, nothing is given up.
void SessionFollower::fail(std::uint16_t code) {
  if (!did_nothing(code)) {
    settle(false);
    // An ERR says nothing of the session.
    in_doubt_ = in_doubt_ || (may_trigger_ && server_.tracks);
  }
  settle_statement(true);
  publish();
}

void SessionFollower::settle(bool succeeded) {
  if (inserts_ && !succeeded) unknown().last_insert_id = true;
  if (!pending_) return;
  lasting_.add(pending_->lasting);
  settle_held(succeeded);
  settle_schema(succeeded);
  settle_variables(succeeded);
  settle_user_variables(succeeded);
  if (pending_->last_insert_id) unknown().last_insert_id = true;
}

void SessionFollower::settle_held(bool succeeded) {
  using Kind = StatementChanges::HeldChange::Kind;
  if (pending_->renames && held_.pins().has(Pin::temporary_table))
    held_.take(Pin::temporary_table, {});
  for (const auto& change : pending_->held) {
    // A table is there as a whole or not at all.
    const bool made = succeeded || pending_->several || change.pin != Pin::temporary_table;
    switch (change.kind) {
      case Kind::take:
        if (made) held_.take(change.pin, change.name);
        break;
      case Kind::take_once:
        if (made) held_.take_once(change.pin, change.name);
        break;
      case Kind::release:
        if (succeeded && !pending_->several) held_.release(change.pin, change.name);
        break;
      case Kind::release_all:
        if (succeeded && !pending_->several) held_.release_all(change.pin);
        break;
    }
  }
}

void SessionFollower::settle_schema(bool succeeded) {
  if (!pending_->schema) return;
  if (!succeeded) {
    // A single USE has done it or has not.
    if (pending_->several) unknown().schema = true;
    return;
  }
  if (!is_printable_ascii(*pending_->schema) || pending_->several || server_.tracks)
    unknown().schema = true;
  draft().schema = *pending_->schema;
}

void SessionFollower::settle_variables(bool succeeded) {
  if (pending_->charset && (!succeeded || !was_reported("character_set_client"))) {
    for (const std::string_view name : charset_variables) unknown().variables.emplace(name);
  }
  if (pending_->session_transaction && (!succeeded || !server_.tracks)) {
    const bool mysql = server_.flavor == Flavor::mysql;
    const bool new_names = server_.version >= (mysql ? 50720U : 110101U);
    unknown().variables.emplace(new_names ? "transaction_isolation" : "tx_isolation");
    unknown().variables.emplace(new_names ? "transaction_read_only" : "tx_read_only");
  }
  for (const auto& variable : pending_->variables) settle_variable(variable, succeeded);
  settle_names(succeeded);
  if (pending_->one_shot_transaction) {
    one_shot_transaction_ = true;
    one_shot_in_use_ = false;
  }
}

// The collation of column definitions, which no variable has.
void SessionFollower::settle_names(bool succeeded) {
  const auto names = [&](std::initializer_list<std::string_view> wanted) {
    return std::any_of(
        pending_->variables.begin(), pending_->variables.end(), [&](const auto& variable) {
          return std::find(wanted.begin(), wanted.end(), variable.name) != wanted.end();
        });
  };
  const bool connection = names({"character_set_connection", "collation_connection"});
  const bool results = names({"character_set_results"});
  // What was to be found out by the collation can't be any more.
  if (connection && (asked().names || pending_->default_charset)) lasting_.add(Pin::unknown_change);
  if (!pending_->charset && !results) return;
  const bool certain = succeeded && !pending_->several && !(pending_->charset && results);
  if (!certain) lasting_.add(Pin::unknown_change);
  draft().variables.erase("names");
  const bool by_default = pending_->charset && pending_->default_charset;
  if (by_default || unknown_) unknown().names = by_default;
  if (by_default) unknown().variables.emplace("collation_connection");
  if (pending_->names_collation) set_variable("names", quoted_text(*pending_->names_collation));
}

void SessionFollower::settle_variable(const StatementChanges::Variable& variable, bool succeeded) {
  switch (use_of(variable.name)) {
    case VariableUse::noise:
    case VariableUse::last_gtid: return;
    case VariableUse::last_insert_id: unknown().last_insert_id = true; return;
    case VariableUse::one_shot: lasting_.add(Pin::one_shot); return;
    case VariableUse::not_carried: lasting_.add(Pin::unknown_change); return;
    case VariableUse::tracking: lasting_.add(Pin::tracking); return;
    case VariableUse::by_text: return settle_timestamp(variable, succeeded);
    case VariableUse::carried: break;
  }
  const std::string_view other = other_name_of(variable.name);
  if (succeeded && (was_reported(variable.name) || (!other.empty() && was_reported(other)))) return;
  unknown().variables.insert(variable.name);
  for (const std::string_view name : charset_variables) {
    if (variable.name == name)
      unknown().variables.insert(charset_variables, std::end(charset_variables));
  }
}

// What time it is for the session, which only the text tells.
void SessionFollower::settle_timestamp(const StatementChanges::Variable& variable, bool succeeded) {
  const bool is_zero = variable.number.find_first_not_of("0.") == std::string::npos;
  if (!succeeded || pending_->several || (variable.number.empty() && !variable.to_default)) {
    lasting_.add(Pin::one_shot);
  } else if (variable.to_default || is_zero) {
    draft().variables.erase(variable.name);
  } else {
    set_variable(variable.name, variable.number);
  }
}

void SessionFollower::settle_user_variables(bool succeeded) {
  for (const auto& variable : pending_->user_variables) {
    std::optional<std::string> value;
    if (succeeded && !pending_->several) {
      value = variable.number;
      if (variable.text) value = text_literal(*variable.text);
      // NULL keeps the type that the variable has.
      if (value == "NULL" && (asked().user_variables.contains(variable.name) ||
                              image_->user_variables.contains(variable.name)))
        value.reset();
    }
    if (!value) {
      unknown().user_variables.insert(variable.name);
      continue;
    }
    if (unknown_) unknown_->user_variables.erase(variable.name);
    set_user_variable(variable.name, std::move(*value));
  }
}

// A string as the connection's literals are; nothing where that can't be said.
std::optional<std::string> SessionFollower::text_literal(std::string_view text) const {
  // The image is still that of before the statement, whose literals are meant.
  const auto& variables = image_->variables;
  const auto charset = variables.find("character_set_connection");
  const auto collation = variables.find("collation_connection");
  if (charset == variables.end() || collation == variables.end() ||
      !is_plain_charset(charset->second) || asked().variables.contains(charset->first) ||
      asked().variables.contains(collation->first) || text.size() > longest_value)
    return std::nullopt;
  const auto bare = [](const std::string& quoted) { return quoted.substr(1, quoted.size() - 2); };
  return text_value(bare(charset->second), bare(collation->second), to_hex(text));
}

}  // namespace mysqlproxy::lending
