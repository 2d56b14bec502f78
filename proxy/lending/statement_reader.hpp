// Reads what one statement may change in its session. Only for statement_changes*.cpp.
#pragma once

#include "proxy/lending/statement_changes.hpp"

#include <mysqlwire/sql/keyword.hpp>
#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/wire/ascii_detail.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy::lending::changes {

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

inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

inline bool is_word(const Token& token, std::string_view upper) noexcept {
  return equal_ignoring_case(token.text, upper);
}

// The function's name where a parenthesis follows: to some servers some of them are keywords.
inline Keyword function_of(const Token& token) noexcept {
  return token.kind == TokenKind::identifier || token.kind == TokenKind::keyword ? token.keyword
                                                                                 : Keyword::none;
}

// What stands between the quotes, where it stands for itself there: plain ASCII, nothing escaped.
inline std::optional<std::string_view> plain_content(const Token& token) noexcept {
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
class StatementReader {
 public:
  StatementReader(std::string_view sql, const Classification& what, const Dialect& dialect,
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

}  // namespace mysqlproxy::lending::changes
