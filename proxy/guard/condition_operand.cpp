#include "proxy/guard/condition_reader.hpp"

#include <string>

namespace mysqlproxy {

using mysqlwire::sql::Keyword;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;

namespace {

/// Words that end an expression; any other can be a name.
bool ends_expression(const Token& token) noexcept {
  return is_one_of(
      token, {Keyword::k_FROM,      Keyword::k_WHERE,     Keyword::k_GROUP, Keyword::k_HAVING,
              Keyword::k_ORDER,     Keyword::k_LIMIT,     Keyword::k_UNION, Keyword::k_EXCEPT,
              Keyword::k_INTERSECT, Keyword::k_FOR,       Keyword::k_LOCK,  Keyword::k_INTO,
              Keyword::k_PROCEDURE, Keyword::k_WINDOW,    Keyword::k_AND,   Keyword::k_OR,
              Keyword::k_XOR,       Keyword::k_AS,        Keyword::k_ON,    Keyword::k_USING,
              Keyword::k_THEN,      Keyword::k_ELSE,      Keyword::k_END,   Keyword::k_WHEN,
              Keyword::k_SET,       Keyword::k_RETURNING, Keyword::k_ASC,   Keyword::k_DESC,
              Keyword::k_BY,        Keyword::k_JOIN,      Keyword::k_INNER, Keyword::k_NATURAL,
              Keyword::k_CROSS,     Keyword::k_SELECT,    Keyword::k_IN,    Keyword::k_LIKE,
              Keyword::k_IS,        Keyword::k_BETWEEN,   Keyword::k_RLIKE, Keyword::k_REGEXP,
              Keyword::k_ESCAPE,    Keyword::k_COLLATE,   Keyword::k_WITH,  Keyword::k_PARTITION});
}

int precedence(const Token& token, bool concat) noexcept {
  switch (token.kind) {
    case TokenKind::shift_left:
    case TokenKind::shift_right: return 3;
    case TokenKind::or_or: return concat ? 7 : 0;
    default: break;
  }
  if (token.is('|')) return 1;
  if (token.is('&')) return 2;
  if (token.is('+') || token.is('-')) return 4;
  if (token.is('*') || token.is('/') || token.is('%')) return 5;
  if (is_one_of(token, {Keyword::k_DIV, Keyword::k_MOD})) return 5;
  return token.is('^') ? 6 : 0;
}

Value computed(const Token& sign, const Value& left, const Value& right) {
  if (!left.is_constant() || !right.is_constant()) return {};
  if (left.kind == Value::Kind::null || right.kind == Value::Kind::null)
    return {Value::Kind::null, 0, {}, false};
  const bool known = left.kind != Value::Kind::constant && right.kind != Value::Kind::constant;
  if (known && sign.is('+')) return number_value(number_of(left) + number_of(right));
  if (known && sign.is('-')) return number_value(number_of(left) - number_of(right));
  if (known && sign.is('*')) return number_value(number_of(left) * number_of(right));
  return {Value::Kind::constant, 0, {}, false};
}

}  // namespace

Value ConditionReader::arithmetic(std::size_t depth, int least) {
  if (depth > deepest_condition) {
    result_.too_complex = true;
    at_ = tokens_.size();
    return {};
  }
  Value left = unary(depth);
  for (;;) {
    const Token sign = now();
    const int strength = precedence(sign, dialect_.pipes_as_concat);
    if (strength == 0 || strength <= least) return left;
    ++at_;
    left = computed(sign, left, arithmetic(depth + 1, strength));
  }
}

Value ConditionReader::unary(std::size_t depth) {
  bool minus = false;
  bool invert = false;
  bool opaque = false;
  bool any_not = false;
  for (;; ++at_) {
    if (now().is('-')) {
      minus = !minus;
    } else if (now().is('!')) {
      invert = !invert;
      any_not = true;
    } else if (now().is('~')) {
      opaque = true;
    } else if (!now().is('+') && !now().is(Keyword::k_BINARY)) {
      break;
    }
  }
  Value value = primary(depth);
  if (!value.is_constant()) return {};
  if (opaque) return {Value::Kind::constant, 0, {}, false};
  if (minus && value.kind != Value::Kind::null && value.kind != Value::Kind::constant)
    value = number_value(-number_of(value));
  if (any_not) value = invert ? negated(value) : negated(negated(value));
  return value;
}

bool ConditionReader::is_subquery(std::size_t open) const noexcept {
  while (peek(open).is('(')) ++open;
  return is_one_of(peek(open), {Keyword::k_SELECT, Keyword::k_WITH});
}

Value ConditionReader::primary(std::size_t depth) {
  Value value = operand(depth);
  for (;;) {
    if (take(Keyword::k_COLLATE)) {
      ++at_;
    } else if (now().kind == TokenKind::arrow || now().kind == TokenKind::arrow_text) {
      at_ += 2;
      value = {};
    } else {
      at_ = std::min(at_, tokens_.size());
      return value;
    }
  }
}

Value ConditionReader::operand(std::size_t depth) {
  const Token token = now();
  switch (token.kind) {
    case TokenKind::integer:
    case TokenKind::decimal:
    case TokenKind::floating:
      ++at_;
      return number_value(number_of({Value::Kind::text, 0, std::string(token.text), false}));
    case TokenKind::hex: ++at_; return {Value::Kind::text, 0, hex_text(token.text), false};
    case TokenKind::bits: ++at_; return number_value(bits_number(token.text));
    case TokenKind::null_escape: ++at_; return {Value::Kind::null, 0, {}, false};
    case TokenKind::introducer: ++at_; return operand(depth);
    case TokenKind::string: return strings();
    case TokenKind::at:
    case TokenKind::at_at: return variable(depth);
    case TokenKind::symbol: return symbol(depth);
    case TokenKind::keyword:
    case TokenKind::identifier:
    case TokenKind::quoted_identifier: return word(depth);
    case TokenKind::end: return {};
    default: ++at_; return {};
  }
}

Value ConditionReader::strings() {
  Value value{Value::Kind::text, 0, {}, false};
  for (; now().kind == TokenKind::string; ++at_)
    value.text += string_value(now().text, !dialect_.no_backslash_escapes);
  return value;
}

Value ConditionReader::variable(std::size_t depth) {
  ++at_;
  while (now().is('.') || now().kind == TokenKind::at_name || now().is_identifier() ||
         (now().kind == TokenKind::keyword && !ends_expression(now())))
    ++at_;
  if (now().kind == TokenKind::assign) {
    ++at_;
    expression(depth + 1);
  }
  return {};
}

Value ConditionReader::symbol(std::size_t depth) {
  const std::size_t open = at_;
  if (!now().is('(')) {
    // A `*` stands for columns; the others end the expression.
    if (now().is('*')) ++at_;
    return {};
  }
  if (is_subquery(open)) {
    leave(open);
    return {};
  }
  ++at_;
  Value value = expression(depth + 1);
  while (take(',') && !result_.too_complex) {
    expression(depth + 1);
    value = {};
  }
  leave(open);
  return value;
}

Value ConditionReader::word(std::size_t depth) {
  const Token token = now();
  if (token.kind == TokenKind::keyword && peek(at_ + 1).text != "(") {
    if (token.is(Keyword::k_NULL)) {
      ++at_;
      return {Value::Kind::null, 0, {}, false};
    }
    if (is_one_of(token, {Keyword::k_TRUE, Keyword::k_FALSE})) {
      ++at_;
      return number_value(token.is(Keyword::k_TRUE) ? 1 : 0);
    }
    if (token.is(Keyword::k_INTERVAL)) return interval(depth);
    if (is_one_of(token, {Keyword::k_DISTINCT, Keyword::k_ALL, Keyword::k_DISTINCTROW})) {
      ++at_;
      return expression(depth + 1);
    }
  }
  if (token.is(Keyword::k_CASE)) return cases(depth);
  if (ends_expression(token)) return {};
  ++at_;
  while (now().is('.')) at_ += 2;
  at_ = std::min(at_, tokens_.size());
  return now().is('(') ? call(depth) : Value{};
}

Value ConditionReader::call(std::size_t depth) {
  const std::size_t open = at_;
  const bool exists = peek(open - 1).is(Keyword::k_EXISTS);
  if (exists || is_subquery(open) || peek(open + 1).is(')')) {
    leave(open);
    return {};
  }
  const std::size_t end = std::min(partner_[open], tokens_.size());
  ++at_;
  bool constant = true;
  while (at_ < end && !result_.too_complex) {
    const std::size_t before = at_;
    constant = expression(depth + 1).is_constant() && constant;
    // AS CHAR, FROM 2, SEPARATOR ',', ORDER BY …: what is no comma is stepped over.
    if (!take(',') && at_ < end) {
      ++at_;
      constant = constant && !peek(at_ - 1).is(Keyword::k_SELECT);
    }
    if (at_ == before) break;
  }
  leave(open);
  const bool random = peek(open - 1).keyword == Keyword::k_RAND;
  return constant && !random ? Value{Value::Kind::constant, 0, {}, false} : Value{};
}

Value ConditionReader::interval(std::size_t depth) {
  ++at_;
  arithmetic(depth + 1, 0);
  if (now().kind == TokenKind::keyword && !ends_expression(now())) ++at_;  // DAY, HOUR …
  return {};
}

Value ConditionReader::cases(std::size_t depth) {
  ++at_;
  while (at_ < tokens_.size() && !take(Keyword::k_END) && !result_.too_complex) {
    const bool when = now().is(Keyword::k_WHEN);
    const std::size_t before = at_;
    if (is_one_of(now(), {Keyword::k_WHEN, Keyword::k_THEN, Keyword::k_ELSE})) ++at_;
    const Value value = expression(depth + 1);
    if (when) note_operand(value);
    if (at_ == before) return {};
  }
  return {};
}

}  // namespace mysqlproxy
