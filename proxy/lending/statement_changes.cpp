#include "proxy/lending/statement_changes.hpp"

#include "proxy/lending/variables.hpp"
#include "proxy/statement/use_statement.hpp"

#include <mysqlwire/sql/keyword.hpp>
#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/wire/ascii_detail.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace mysqlproxy::lending {
namespace {

using mysqlwire::detail::equal_ignoring_case;
using mysqlwire::sql::Classification;
using mysqlwire::sql::Dialect;
using mysqlwire::sql::Effect;
using mysqlwire::sql::Keyword;
using mysqlwire::sql::Lexer;
using mysqlwire::sql::StatementKind;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;
using enum mysqlwire::sql::Keyword;
using HeldChange = StatementChanges::HeldChange;

// A text of more statements than that is not followed.
constexpr std::size_t most_statements = 64;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_word(const Token& token, std::string_view upper) noexcept {
  return equal_ignoring_case(token.text, upper);
}

// The function's name where a parenthesis follows: to some servers some of them are keywords.
Keyword function_of(const Token& token) noexcept {
  return token.kind == TokenKind::identifier || token.kind == TokenKind::keyword ? token.keyword
                                                                                 : Keyword::none;
}

// What stands between the quotes, where it stands for itself there: plain ASCII, nothing escaped.
std::optional<std::string_view> plain_content(const Token& token) noexcept {
  std::string_view text = token.text;
  const bool quoted = token.kind == TokenKind::string || token.kind == TokenKind::quoted_identifier;
  if (quoted) {
    if (text.size() < 2 || text.front() == 'N' || text.front() == 'n') return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }
  for (const char c : text) {
    if (c < ' ' || c > '~') return std::nullopt;
    if (quoted && (c == '\\' || c == '\'' || c == '"' || c == '`')) return std::nullopt;
  }
  return text;
}

// Reads one statement. Each function starts at current() and leaves it behind what it has read.
class Reader {
 public:
  Reader(std::string_view sql, const Classification& what, const Dialect& dialect,
         std::string_view schema, StatementChanges& changes)
      : sql_(sql), what_(what), dialect_(dialect), schema_(schema), changes_(changes) {
    restart();
  }

  void read();

 private:
  void restart() {
    lexer_ = Lexer(sql_, dialect_);
    take();
  }
  const Token& current() const noexcept { return current_; }
  void take() noexcept { lexer_.read(current_); }
  bool at_end() const noexcept { return current_.kind == TokenKind::end || current_.is(';'); }
  bool at(std::string_view upper) const noexcept {
    return current_.kind != TokenKind::string && is_word(current_, upper);
  }
  bool accept(std::string_view upper) noexcept {
    if (!at(upper)) return false;
    take();
    return true;
  }

  void hold(HeldChange::Kind kind, Pin pin, std::string_view name) {
    changes_.held.push_back({kind, pin, std::string(name)});
  }
  void skip_set_statement();
  void define();
  void create();
  std::string table_name();
  void drop_tables();
  void handler();
  void prepare();
  void xa();
  void lock(std::string_view first_word);
  void administer();
  void call_of_select();
  void user_locks();
  bool plain_call_end() noexcept;

  void set();
  bool set_special();
  void set_names();
  void assignment();
  void assign_user_variable();
  void assign_system_variable(bool bare, std::string_view scope, const std::string& name);
  void skip_value() noexcept;
  std::optional<std::string> literal_value(std::optional<std::string>& text);

  void scan(bool all_variables);
  void scan_user_variable(bool written);
  void scan_call(Keyword function);
  void write_user_variable(const Token& name);

  std::string_view sql_;
  const Classification& what_;
  Dialect dialect_;
  std::string_view schema_;
  StatementChanges& changes_;
  Lexer lexer_{{}};
  Token current_;
  bool takes_lock_ = false;  // the statement is nothing but GET_LOCK()
};

// SET STATEMENT a = 1 FOR …: what is behind FOR is what the classifier speaks of. The variables are
// as they were when it is done.
void Reader::skip_set_statement() {
  if (what_.kind == StatementKind::set || !current_.is(k_SET)) return;
  while (!at_end() && !current_.is(k_FOR)) take();
  sql_ = sql_.substr(std::min(lexer_.offset(), sql_.size()));
  restart();
}

void Reader::read() {
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
void Reader::define() {
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

void Reader::create() {
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
void Reader::call_of_select() {
  while (!at_end() && !current_.is(k_SELECT) && !current_.is(k_WITH) && !current_.is(k_VALUES)) {
    take();
  }
  if (at_end() || !current_.is(k_SELECT)) return;
  const auto from = static_cast<std::size_t>(current_.text.data() - sql_.data());
  if (mysqlwire::sql::classify(sql_.substr(from), dialect_).has(Effect::calls))
    changes_.lasting.add(Pin::call);
}

// With its schema; empty when that can't be told.
std::string Reader::table_name() {
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

void Reader::drop_tables() {
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
void Reader::handler() {
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
void Reader::prepare() {
  changes_.explained = true;
  take();
  const bool gone = what_.kind == StatementKind::deallocate;
  if (gone) accept("PREPARE");
  hold(gone ? HeldChange::Kind::release : HeldChange::Kind::take_once, Pin::text_prepare,
       lower(current_.text));
}

// By the text of the transaction's name: one that is written otherwise is another one here.
void Reader::xa() {
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

void Reader::lock(std::string_view first_word) {
  const bool locks = first_word == "LOCK";
  take();
  const bool tables = at("TABLE") || at("TABLES");
  const auto kind = locks ? HeldChange::Kind::take_once : HeldChange::Kind::release;
  if (tables) return hold(kind, Pin::lock_tables, "tables");
  if (at("INSTANCE")) return hold(kind, Pin::lock_tables, "instance");
  if (locks) hold(HeldChange::Kind::take, Pin::lock_tables, {});
}

// FLUSH TABLES … WITH READ LOCK | FOR EXPORT; BACKUP LOCK t, BACKUP UNLOCK, BACKUP STAGE.
void Reader::administer() {
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
bool Reader::plain_call_end() noexcept {
  if (!current_.is(')')) return false;
  take();
  if (accept("AS") || current_.is_identifier() || current_.kind == TokenKind::string) take();
  return at_end();
}

// SELECT GET_LOCK('name', 1), and the same with DO, RELEASE_LOCK() and RELEASE_ALL_LOCKS(): done
// exactly once. Anywhere else it can't be told how often, and which.
void Reader::user_locks() {
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

void Reader::set() {
  changes_.explained = true;
  take();
  if (set_special()) return;
  while (!at_end()) {
    assignment();
    if (!current_.is(',')) break;
    take();
  }
}

// What is no list of assignments.
bool Reader::set_special() {
  Lexer ahead = lexer_;
  const Token next = ahead.next();
  if (at("TRANSACTION") && !next.is('=') && next.kind != TokenKind::assign) {
    changes_.one_shot_transaction = true;
    return true;
  }
  const bool session = at("SESSION") || at("LOCAL");
  if ((session || at("GLOBAL")) && is_word(next, "TRANSACTION")) {
    if (session) changes_.session_transaction = true;
    return true;
  }
  if (at("ROLE") || (at("RESOURCE") && is_word(next, "GROUP"))) {
    changes_.lasting.add(Pin::unknown_change);
    return true;
  }
  return false;
}

// NAMES x [COLLATE y], CHARACTER SET x, CHARSET x.
void Reader::set_names() {
  changes_.charset = true;
  changes_.names_collation.reset();
  if (accept("CHARACTER"))
    accept("SET");
  else
    take();
  changes_.default_charset = at("DEFAULT");
  take();
  if (accept("COLLATE")) {
    const auto collation = plain_content(current_);
    if (!collation || at("DEFAULT"))
      changes_.default_charset = true;
    else
      changes_.names_collation = lower(*collation);
  }
  skip_value();
}

void Reader::assignment() {
  if (current_.kind == TokenKind::at) return assign_user_variable();
  const bool charset = at("CHARSET") || at("CHARACTER");
  if (at("NAMES") || charset) {
    return set_names();
  }
  const bool marked = current_.kind == TokenKind::at_at;
  if (marked) take();
  std::string scope;
  for (const std::string_view word : {"SESSION", "LOCAL", "GLOBAL", "PERSIST", "PERSIST_ONLY"}) {
    if (at(word)) scope = word;
  }
  if (!scope.empty()) {
    take();
    if (current_.is('.')) take();
  }
  const auto name = plain_content(current_);
  std::string lowered = name ? lower(*name) : std::string();
  take();
  const bool sign = current_.is('=') || current_.kind == TokenKind::assign;
  if (sign && !lowered.empty()) {
    take();
    return assign_system_variable(marked && scope.empty(), scope, lowered);
  }
  // A variable with a dot in its name, and whatever there may be.
  if (scope.empty() || scope == "SESSION" || scope == "LOCAL")
    changes_.lasting.add(Pin::unknown_change);
  skip_value();
}

void Reader::assign_system_variable(bool bare, std::string_view scope, const std::string& name) {
  if (!scope.empty() && scope != "SESSION" && scope != "LOCAL") return skip_value();
  // @@transaction_isolation without a scope is that of the next transaction.
  const bool of_transaction = name == "transaction_isolation" || name == "tx_isolation" ||
                              name == "transaction_read_only" || name == "tx_read_only";
  if (bare && of_transaction) {
    changes_.one_shot_transaction = true;
    return skip_value();
  }
  StatementChanges::Variable variable{name, false, {}};
  if (at("DEFAULT")) {
    variable.to_default = true;
    take();
  } else {
    std::optional<std::string> text;
    if (auto number = literal_value(text); number && *number != "NULL") variable.number = *number;
  }
  changes_.variables.push_back(std::move(variable));
  skip_value();
}

void Reader::assign_user_variable() {
  take();
  const Token name = current_;
  take();
  const bool sign = current_.is('=') || current_.kind == TokenKind::assign;
  const auto content = plain_content(name);
  if (!sign || !content) {
    changes_.lasting.add(Pin::unknown_change);
    return skip_value();
  }
  take();
  StatementChanges::UserVariable variable{lower(*content), {}, {}};
  variable.number = literal_value(variable.text);
  std::erase_if(changes_.user_variables, [&](const auto& v) { return v.name == variable.name; });
  changes_.user_variables.push_back(std::move(variable));
  skip_value();
}

// A number, NULL or a plain string that is all of an assignment's value. The number is returned, a
// string goes to `text`; neither for anything else.
std::optional<std::string> Reader::literal_value(std::optional<std::string>& text) {
  std::string number;
  if (current_.is('-')) {
    number = "-";
    take();
  }
  const Token value = current_;
  const bool null = value.is(k_NULL) && number.empty();
  const bool integer = (value.kind == TokenKind::integer || value.kind == TokenKind::decimal) &&
                       value.text.size() <= 18 && value.text.front() != '.' &&
                       (value.text.front() != '0' || value.text.size() == 1);
  const bool string = value.kind == TokenKind::string && number.empty();
  if (!null && !integer && !string) return std::nullopt;
  take();
  if (!at_end() && !current_.is(',')) return std::nullopt;
  if (null) return "NULL";
  if (integer) {
    number += value.text;
    return is_plain_number(number) ? std::optional(std::move(number)) : std::nullopt;
  }
  if (const auto content = plain_content(value)) text = std::string(*content);
  return std::nullopt;
}

void Reader::skip_value() noexcept {
  for (std::size_t depth = 0; !at_end(); take()) {
    if (current_.is('(')) ++depth;
    if (current_.is(')') && depth > 0) --depth;
    if (current_.is(',') && depth == 0) return;
  }
}

void Reader::write_user_variable(const Token& name) {
  const auto content = plain_content(name);
  if (!content) {
    // Which variable it is depends on the client's character set, or on escapes.
    changes_.lasting.add(Pin::unknown_change);
    return;
  }
  changes_.user_variables.push_back({lower(*content), {}, {}});
}

// What expressions do, wherever they stand.
void Reader::scan(bool all_variables) {
  bool into = false;
  bool behind_point = false;
  while (current_.kind != TokenKind::end) {
    const Token token = current_;
    if (token.kind == TokenKind::at) {
      scan_user_variable(all_variables || into);
      continue;
    }
    if (!token.is(',')) into = token.is(k_INTO);
    if (token.is(k_SQL_CALC_FOUND_ROWS)) changes_.found_rows = true;
    if (behind_point && is_word(token, "NEXTVAL"))
      changes_.lasting.add(Pin::sequence);  // sequence.NEXTVAL, of Oracle
    behind_point = token.is('.');
    take();
    if (token.is(k_NEXT) && at("VALUE")) changes_.lasting.add(Pin::sequence);
    if (current_.is('(') && function_of(token) != Keyword::none) scan_call(function_of(token));
  }
}

// At the parenthesis behind a function's name.
void Reader::scan_call(Keyword function) {
  take();
  switch (function) {
    case k_LAST_INSERT_ID:
      if (!current_.is(')')) changes_.last_insert_id = true;
      break;
    case k_NEXTVAL:
    case k_SETVAL: changes_.lasting.add(Pin::sequence); break;
    case k_GET_LOCK:
      // Unless it is the one that user_locks() has seen.
      if (!takes_lock_) hold(HeldChange::Kind::take, Pin::user_lock, {});
      break;
    default: break;
  }
}

// At an @. It is read, unless an assignment follows, or `written` says otherwise.
void Reader::scan_user_variable(bool written) {
  take();
  const Token name = current_;
  take();
  if (current_.kind != TokenKind::assign && !written) return;
  // What SET found out of its value holds no longer; or this is the same assignment, by := instead
  // of =.
  const auto content = plain_content(name);
  const std::string lowered = content ? lower(*content) : std::string();
  for (StatementChanges::UserVariable& variable : changes_.user_variables) {
    if (!content || variable.name != lowered) continue;
    variable.number.reset();
    variable.text.reset();
    return;
  }
  write_user_variable(name);
}

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
  if (!what.has(Effect::several)) return Reader(sql, what, dialect, schema, changes).read();
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
    Reader(statement, its, dialect, schema, changes).read();
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
