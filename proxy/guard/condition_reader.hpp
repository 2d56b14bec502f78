// How read_conditions() reads: by precedence, in three files. condition.cpp has the logic,
// condition_predicate.cpp what compares, condition_operand.cpp what is compared.
#pragma once

#include "proxy/guard/condition.hpp"
#include "proxy/guard/constant.hpp"

#include <mysqlwire/sql/lexer.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

namespace mysqlproxy {

inline bool is_one_of(const mysqlwire::sql::Token& token,
                      std::initializer_list<mysqlwire::sql::Keyword> words) noexcept {
  return token.kind == mysqlwire::sql::TokenKind::keyword &&
         std::ranges::find(words, token.keyword) != words.end();
}

/// Reads expressions by precedence. It takes what the servers take, and more: what it can't make
/// sense of is unknown, and reading goes on behind it.
class ConditionReader {
 public:
  ConditionReader(std::string_view sql, const mysqlwire::sql::Dialect& dialect);
  Conditions read();

 private:
  using Keyword = mysqlwire::sql::Keyword;
  using Token = mysqlwire::sql::Token;

  void match_parentheses();
  bool begins_expression(std::size_t i) const noexcept;
  const Token& peek(std::size_t i) const noexcept;
  const Token& now() const noexcept { return peek(at_); }
  bool take(Keyword word) noexcept {
    if (!now().is(word)) return false;
    ++at_;
    return true;
  }
  bool take(char symbol) noexcept {
    if (!now().is(symbol)) return false;
    ++at_;
    return true;
  }

  // What joins conditions: condition.cpp.
  /// A constant in the place of a condition.
  void note_operand(const Value& value);
  /// Constants that were compared, with what came of it; nothing: the server knows.
  Value compared(std::optional<bool> outcome);
  /// The expressions of a list, for what is compared inside of them.
  void read_list();
  Value expression(std::size_t depth);
  Value exclusive(std::size_t depth);
  Value conjunction(std::size_t depth);
  Value negation(std::size_t depth);

  // What compares: condition_predicate.cpp.
  Value predicate(std::size_t depth);
  Value comparison(const Value& left, std::size_t from, std::size_t to, std::size_t depth);
  Value compare_constants(const Token& sign, const Value& left, const Value& right);
  Value is_test(const Value& left);
  /// IN, LIKE, REGEXP, BETWEEN, SOUNDS LIKE; nothing when it is none of these.
  std::optional<Value> other_predicate(const Value& left, std::size_t from, std::size_t to,
                                       std::size_t depth);
  Value like_constants(bool like, const Value& left, const Value& right);
  Value in_list(const Value& left, std::size_t from, std::size_t to, std::size_t depth);
  Value between(const Value& left, std::size_t from, std::size_t to, std::size_t depth);
  /// Whether two stretches of tokens are the same expression, which is no constant.
  bool same(std::size_t a, std::size_t a_end, std::size_t b, std::size_t b_end);

  // What is compared: condition_operand.cpp.
  Value arithmetic(std::size_t depth, int least);
  Value unary(std::size_t depth);
  /// Goes behind the parenthesis that `open` begins.
  void leave(std::size_t open) noexcept { at_ = std::min(partner_[open] + 1, tokens_.size()); }
  bool is_subquery(std::size_t open) const noexcept;
  Value primary(std::size_t depth);
  Value operand(std::size_t depth);
  Value strings();
  Value variable(std::size_t depth);
  Value symbol(std::size_t depth);
  Value word(std::size_t depth);
  /// A function's value is a constant when its arguments are; without any it may be a clock.
  Value call(std::size_t depth);
  Value interval(std::size_t depth);
  Value cases(std::size_t depth);

  const mysqlwire::sql::Dialect& dialect_;
  std::vector<Token> tokens_;
  std::vector<std::size_t> partner_;  // of a '(', where its ')' is; else behind all tokens
  std::size_t at_ = 0;
  bool outer_where_ = false;
  Conditions result_;
};

}  // namespace mysqlproxy
