// SET, and what statements do to variables on the way.
#include "proxy/lending/statement_reader.hpp"
#include "proxy/lending/variables.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace mysqlproxy::lending::changes {

void StatementReader::set() {
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
bool StatementReader::set_special() {
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
void StatementReader::set_names() {
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

void StatementReader::assignment() {
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

void StatementReader::assign_system_variable(bool bare, std::string_view scope,
                                             const std::string& name) {
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

void StatementReader::assign_user_variable() {
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
std::optional<std::string> StatementReader::literal_value(std::optional<std::string>& text) {
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

void StatementReader::skip_value() noexcept {
  for (std::size_t depth = 0; !at_end(); take()) {
    if (current_.is('(')) ++depth;
    if (current_.is(')') && depth > 0) --depth;
    if (current_.is(',') && depth == 0) return;
  }
}

void StatementReader::write_user_variable(const Token& name) {
  const auto content = plain_content(name);
  if (!content) {
    // Which variable it is depends on the client's character set, or on escapes.
    changes_.lasting.add(Pin::unknown_change);
    return;
  }
  changes_.user_variables.push_back({lower(*content), {}, {}});
}

// What expressions do, wherever they stand.
void StatementReader::scan(bool all_variables) {
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
void StatementReader::scan_call(Keyword function) {
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
void StatementReader::scan_user_variable(bool written) {
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

}  // namespace mysqlproxy::lending::changes
