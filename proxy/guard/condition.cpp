#include "proxy/guard/condition_reader.hpp"

#include <utility>

namespace mysqlproxy {

using mysqlwire::sql::Dialect;
using mysqlwire::sql::Lexer;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;

namespace {

Value either(const Value& a, const Value& b) {
  if (truth(a).value_or(false) || truth(b).value_or(false)) return truth_value(true);
  if (a.is_constant() && b.is_constant())
    return truth(a) && truth(b) ? truth_value(false) : Value{Value::Kind::constant, 0, {}, true};
  return {};
}

Value both(const Value& a, const Value& b) {
  if (!truth(a).value_or(true) || !truth(b).value_or(true)) return truth_value(false);
  if (a.is_constant() && b.is_constant())
    return truth(a) && truth(b) ? truth_value(true) : Value{Value::Kind::constant, 0, {}, true};
  return {};
}

}  // namespace

ConditionReader::ConditionReader(std::string_view sql, const Dialect& dialect) : dialect_(dialect) {
  Lexer lexer(sql, dialect);
  tokens_.reserve(64);
  for (Token token = lexer.next(); token.kind != TokenKind::end && !token.is(';');
       token = lexer.next()) {
    if (tokens_.size() == most_condition_tokens) {
      result_.too_complex = true;
      return;
    }
    tokens_.push_back(token);
  }
  match_parentheses();
}

Conditions ConditionReader::read() {
  bool where = false;
  std::size_t level = 0;
  for (std::size_t i = 0; i < tokens_.size() && !result_.too_complex; ++i) {
    const Token& token = tokens_[i];
    if (token.is('(')) ++level;
    if (token.is(')') && level > 0) --level;
    if (!begins_expression(i)) continue;
    at_ = i + 1;
    const bool is_where = token.is(Keyword::k_WHERE);
    outer_where_ = is_where && level == 0 && !where;
    const Value value = expression(0);
    const bool condition = is_one_of(token, {Keyword::k_WHERE, Keyword::k_HAVING, Keyword::k_ON});
    if (condition) note_operand(value);
    if (outer_where_) {
      where = true;
      result_.constant_where = value.is_constant();
    }
    if (!condition) read_list();
    outer_where_ = false;
  }
  if (result_.too_complex) return {.too_complex = true};
  return result_;
}

void ConditionReader::match_parentheses() {
  partner_.assign(tokens_.size(), tokens_.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].is('(')) open.push_back(i);
    if (!tokens_[i].is(')') || open.empty()) continue;
    partner_[open.back()] = i;
    open.pop_back();
  }
}

bool ConditionReader::begins_expression(std::size_t i) const noexcept {
  const Token& token = tokens_[i];
  if (token.is(Keyword::k_ON)) return !peek(i + 1).is(Keyword::k_DUPLICATE);
  return is_one_of(token, {Keyword::k_WHERE, Keyword::k_HAVING, Keyword::k_SELECT, Keyword::k_BY});
}

const Token& ConditionReader::peek(std::size_t i) const noexcept {
  static const Token none;
  return i < tokens_.size() ? tokens_[i] : none;
}

void ConditionReader::note_operand(const Value& value) {
  if (!value.is_constant() || value.compared) return;
  result_.depends_on_values = true;
  if (truth(value).value_or(true)) result_.tautology = true;
}

Value ConditionReader::compared(std::optional<bool> outcome) {
  result_.depends_on_values = true;
  if (outcome.value_or(true)) result_.tautology = true;
  if (outcome) return truth_value(*outcome);
  return {Value::Kind::constant, 0, {}, true};
}

void ConditionReader::read_list() {
  while (!result_.too_complex) {
    const std::size_t before = at_;
    if (take(Keyword::k_AS)) ++at_;  // an alias
    if (now().is_identifier() || now().kind == TokenKind::string) ++at_;
    take(Keyword::k_ASC) || take(Keyword::k_DESC);
    if (!take(',') || at_ == before) return;
    expression(0);
  }
}

Value ConditionReader::expression(std::size_t depth) {
  if (depth > deepest_condition) {
    result_.too_complex = true;
    at_ = tokens_.size();
  }
  Value left = exclusive(depth);
  bool alone = true;
  while (now().is(Keyword::k_OR) || (now().kind == TokenKind::or_or && !dialect_.pipes_as_concat)) {
    ++at_;
    if (std::exchange(alone, false)) note_operand(left);
    const Value right = exclusive(depth);
    note_operand(right);
    left = either(left, right);
  }
  return left;
}

Value ConditionReader::exclusive(std::size_t depth) {
  Value left = conjunction(depth);
  while (take(Keyword::k_XOR)) {
    note_operand(left);
    const Value right = conjunction(depth);
    note_operand(right);
    if (!left.is_constant() || !right.is_constant())
      left = {};
    else if (truth(left) && truth(right))
      left = truth_value(*truth(left) != *truth(right));
    else
      left = {Value::Kind::constant, 0, {}, true};
  }
  return left;
}

Value ConditionReader::conjunction(std::size_t depth) {
  Value left = negation(depth);
  bool alone = true;
  while (now().is(Keyword::k_AND) || now().kind == TokenKind::and_and) {
    ++at_;
    if (std::exchange(alone, false)) note_operand(left);
    const Value right = negation(depth);
    note_operand(right);
    left = both(left, right);
  }
  return left;
}

Value ConditionReader::negation(std::size_t depth) {
  bool odd = false;
  bool any = false;
  while (take(Keyword::k_NOT)) {
    odd = !odd;
    any = true;
  }
  Value value = predicate(depth);
  if (!any) return value;
  // What is compared is compared the other way round: NOT 1 = 2 is true.
  value = odd ? negated(value) : value;
  if (value.is_constant() && truth(value).value_or(true)) result_.tautology = true;
  return value;
}

Conditions read_conditions(std::string_view sql, const Dialect& dialect) {
  ConditionReader reader(sql, dialect);
  return reader.read();
}

}  // namespace mysqlproxy
