#include "proxy/lending/statement_changes.hpp"

#include "proxy/lending/statement_reader.hpp"
#include "proxy/statement/use_statement.hpp"

#include <algorithm>
#include <string>

namespace mysqlproxy::lending {
namespace changes {

// SET STATEMENT a = 1 FOR …: what is behind FOR is what the classifier speaks of. The variables are
// as they were when it is done.
void StatementReader::skip_set_statement() {
  if (what_.kind == StatementKind::set || !current_.is(k_SET)) return;
  while (!at_end() && !current_.is(k_FOR)) take();
  sql_ = sql_.substr(std::min(lexer_.offset(), sql_.size()));
  restart();
}

void StatementReader::read() {
  skip_set_statement();
  bool all_variables = false;
  switch (what_.kind) {
    case StatementKind::set:
      set();
      restart();
      break;
    case StatementKind::use:
      changes_.schema = schema_of_use(sql_, dialect_);
      changes_.explained = true;
      if (!changes_.schema) changes_.lasting.add(Pin::unknown_change);
      break;
    case StatementKind::create:
    case StatementKind::alter:
    case StatementKind::drop:
    case StatementKind::rename:
    case StatementKind::truncate:
      define();
      restart();
      break;
    case StatementKind::handler: handler(); break;
    case StatementKind::prepare:
    case StatementKind::deallocate: prepare(); break;
    case StatementKind::xa: xa(); break;
    case StatementKind::lock_tables: lock("LOCK"); break;
    case StatementKind::unlock_tables: lock("UNLOCK"); break;
    case StatementKind::admin: administer(); break;
    case StatementKind::call:
      changes_.lasting.add(Pin::call);
      all_variables = true;
      break;
    case StatementKind::execute:
    case StatementKind::unknown:
      changes_.lasting.add(Pin::unknown_change);
      all_variables = true;
      break;
    case StatementKind::load_data:
    case StatementKind::signal: all_variables = true; break;
    case StatementKind::account:
      // SET ROLE is a SET to the classifier; what is here is about accounts, not about sessions.
      changes_.explained = true;
      break;
    case StatementKind::select:
    case StatementKind::do_:
      user_locks();
      restart();
      break;
    default: break;
  }
  if (what_.has(Effect::calls)) changes_.lasting.add(Pin::call);
  scan(all_variables);
}

// CREATE, ALTER, DROP, RENAME, TRUNCATE.
void StatementReader::define() {
  changes_.defines = true;
  if (what_.kind == StatementKind::create) return create();
  if (what_.kind == StatementKind::drop) {
    take();
    accept("TEMPORARY");
    if (accept("TABLE") || accept("TABLES")) drop_tables();
    return;
  }
  changes_.renames = what_.kind == StatementKind::rename;
  for (; !at_end() && !changes_.renames; take()) changes_.renames = current_.is(k_RENAME);
}

void StatementReader::create() {
  take();
  if (accept("OR")) take();
  const bool temporary = accept("TEMPORARY");
  if (!accept("TABLE")) {
    if (temporary) hold(HeldChange::Kind::take, Pin::temporary_table, {});
    return;
  }
  if (accept("IF")) {
    accept("NOT");
    accept("EXISTS");
  }
  if (temporary) {
    changes_.explained = true;
    hold(HeldChange::Kind::take_once, Pin::temporary_table, table_name());
  }
  call_of_select();
}

// CREATE TABLE … SELECT: the classifier takes what it calls for columns and indexes.
void StatementReader::call_of_select() {
  while (!at_end() && !current_.is(k_SELECT) && !current_.is(k_WITH) && !current_.is(k_VALUES)) {
    take();
  }
  if (at_end() || !current_.is(k_SELECT)) return;
  const auto from = static_cast<std::size_t>(current_.text.data() - sql_.data());
  if (mysqlwire::sql::classify(sql_.substr(from), dialect_).has(Effect::calls))
    changes_.lasting.add(Pin::call);
}

// With its schema; empty when that can't be told.
std::string StatementReader::table_name() {
  const auto part = [](const Token& token) {
    return token.kind == TokenKind::quoted_identifier
               ? std::string(token.text.substr(1, token.text.size() - 2))
               : std::string(token.text);
  };
  std::string first = part(current_);
  take();
  if (!current_.is('.')) {
    const std::string_view schema = changes_.schema ? *changes_.schema : schema_;
    return schema.empty() ? std::string() : std::string(schema) + '.' + first;
  }
  take();
  std::string second = part(current_);
  take();
  return first + '.' + second;
}

void StatementReader::drop_tables() {
  changes_.explained = true;
  if (accept("IF")) accept("EXISTS");
  while (!at_end()) {
    const std::string name = table_name();
    if (!name.empty()) hold(HeldChange::Kind::release, Pin::temporary_table, name);
    if (!current_.is(',')) break;
    take();
  }
}

// HANDLER t OPEN [[AS] alias]; HANDLER t CLOSE: by the alias, which is the table's name otherwise.
void StatementReader::handler() {
  take();
  std::string name(current_.text);
  take();
  while (current_.is('.')) {
    take();
    name = current_.text;
    take();
  }
  if (accept("CLOSE")) return hold(HeldChange::Kind::release, Pin::handler, lower(name));
  if (!accept("OPEN")) return;
  accept("AS");
  if (!at_end()) name = current_.text;
  hold(HeldChange::Kind::take_once, Pin::handler, lower(name));
}

// PREPARE name FROM …, and {DEALLOCATE | DROP} PREPARE name.
void StatementReader::prepare() {
  changes_.explained = true;
  take();
  const bool gone = what_.kind == StatementKind::deallocate;
  if (gone) accept("PREPARE");
  hold(gone ? HeldChange::Kind::release : HeldChange::Kind::take_once, Pin::text_prepare,
       lower(current_.text));
}

// By the text of the transaction's name: one that is written otherwise is another one here.
void StatementReader::xa() {
  take();
  const bool begins = at("START") || at("BEGIN");
  const bool ends = at("COMMIT") || at("ROLLBACK");
  take();
  if (!begins && !ends) return;
  std::string name;
  for (; !at_end(); take()) {
    if (at("ONE") || at("JOIN") || at("RESUME")) break;
    name += current_.text;
  }
  hold(begins ? HeldChange::Kind::take_once : HeldChange::Kind::release, Pin::xa, name);
}

void StatementReader::lock(std::string_view first_word) {
  const bool locks = first_word == "LOCK";
  take();
  const bool tables = at("TABLE") || at("TABLES");
  const auto kind = locks ? HeldChange::Kind::take_once : HeldChange::Kind::release;
  if (tables) return hold(kind, Pin::lock_tables, "tables");
  if (at("INSTANCE")) return hold(kind, Pin::lock_tables, "instance");
  if (locks) hold(HeldChange::Kind::take, Pin::lock_tables, {});
}

// FLUSH TABLES … WITH READ LOCK | FOR EXPORT; BACKUP LOCK t, BACKUP UNLOCK, BACKUP STAGE.
void StatementReader::administer() {
  changes_.explained = true;
  const bool flush = at("FLUSH");
  const bool backup = at("BACKUP");
  take();
  if (backup) {
    if (accept("UNLOCK")) return hold(HeldChange::Kind::release, Pin::lock_tables, "backup lock");
    if (accept("LOCK")) return hold(HeldChange::Kind::take_once, Pin::lock_tables, "backup lock");
    if (!accept("STAGE")) return;
    return hold(at("END") ? HeldChange::Kind::release : HeldChange::Kind::take_once,
                Pin::lock_tables, "backup stage");
  }
  for (; flush && !at_end(); take()) {
    if (current_.is(k_WITH) || current_.is(k_FOR)) {
      hold(HeldChange::Kind::take_once, Pin::lock_tables, "tables");
      return;
    }
  }
}

// Behind the parenthesis of a call that is the whole statement: an alias may follow.
bool StatementReader::plain_call_end() noexcept {
  if (!current_.is(')')) return false;
  take();
  if (accept("AS") || current_.is_identifier() || current_.kind == TokenKind::string) take();
  return at_end();
}

// SELECT GET_LOCK('name', 1), and the same with DO, RELEASE_LOCK() and RELEASE_ALL_LOCKS(): done
// exactly once. Anywhere else it can't be told how often, and which.
void StatementReader::user_locks() {
  take();
  const Keyword function = function_of(current_);
  if (function != k_GET_LOCK && function != k_RELEASE_LOCK && function != k_RELEASE_ALL_LOCKS)
    return;
  take();
  if (!current_.is('(')) return;
  take();
  if (function == k_RELEASE_ALL_LOCKS) {
    if (plain_call_end()) hold(HeldChange::Kind::release_all, Pin::user_lock, {});
    return;
  }
  if (current_.kind != TokenKind::string) return;
  const auto name = plain_content(current_);
  if (!name || name->empty()) return;
  take();
  if (function == k_GET_LOCK) {
    if (!current_.is(',')) return;
    take();
    if (current_.is('-')) take();
    if (!current_.is_literal() && current_.kind != TokenKind::parameter) return;
    take();
    takes_lock_ = plain_call_end();
    if (takes_lock_) hold(HeldChange::Kind::take, Pin::user_lock, *name);
  } else if (plain_call_end()) {
    hold(HeldChange::Kind::release, Pin::user_lock, *name);
  }
}

}  // namespace changes

namespace {

using namespace changes;

// A text of more statements than that is not followed.
constexpr std::size_t most_statements = 64;

// Whether what follows is read by other rules from here on.
bool changes_reading(const StatementChanges& changes) noexcept {
  return changes.charset ||
         std::any_of(changes.variables.begin(), changes.variables.end(), [](const auto& variable) {
           return variable.name == "sql_mode" || variable.name == "character_set_client";
         });
}

// No tracker has anything to say of it.
bool leaves_session(const Classification& what) noexcept {
  switch (what.kind) {
    case StatementKind::begin:
    case StatementKind::commit:
    case StatementKind::rollback:
    case StatementKind::savepoint: return true;
    case StatementKind::select: return what.table_count == 0 && !what.has(Effect::calls);
    default: return false;
  }
}

}  // namespace

void read_changes(std::string_view sql, const Classification& what, const Dialect& dialect,
                  std::string_view schema, StatementChanges& changes) {
  if (!what.has(Effect::several))
    return StatementReader(sql, what, dialect, schema, changes).read();
  changes.several = true;
  bool explained = true;
  std::size_t count = 0;
  for (std::string_view rest = sql; !rest.empty(); ++count) {
    const auto [statement, more] = mysqlwire::sql::split(rest, dialect);
    const auto its = mysqlwire::sql::classify(statement, dialect);
    if (its.kind == StatementKind::empty) {
      rest = more;
      continue;
    }
    if (count >= most_statements || changes_reading(changes)) {
      changes.lasting.add(Pin::unknown_change);
      return;
    }
    changes.explained = false;
    StatementReader(statement, its, dialect, schema, changes).read();
    explained = explained && (changes.explained || leaves_session(its));
    rest = more;
  }
  changes.explained = explained;
}

bool reads_last_statement(std::string_view sql, const Dialect& dialect) {
  Lexer lexer(sql, dialect);
  const Token verb = lexer.next();
  Token token = lexer.next();
  if (verb.is(k_SHOW)) {
    while (token.kind != TokenKind::end) {
      if (token.keyword == k_WARNINGS || token.keyword == k_ERRORS || token.keyword == k_PROFILE ||
          token.keyword == k_PROFILES)
        return true;
      token = lexer.next();
    }
    return false;
  }
  if (verb.is(k_GET)) return true;
  for (Token last = verb; last.kind != TokenKind::end; last = token, token = lexer.next()) {
    if (token.is('(') && (function_of(last) == k_FOUND_ROWS || function_of(last) == k_ROW_COUNT))
      return true;
    if (last.kind == TokenKind::at_at || last.is('.')) {
      if (is_word(token, "WARNING_COUNT") || is_word(token, "ERROR_COUNT")) return true;
    }
  }
  return false;
}

}  // namespace mysqlproxy::lending
