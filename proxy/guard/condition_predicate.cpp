#include "proxy/guard/condition_reader.hpp"

#include <string>

namespace mysqlproxy {

using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;

namespace {

/// A name without its quotes.
std::string_view bare(const Token& token) noexcept {
  std::string_view text = token.text;
  if (token.kind == TokenKind::quoted_identifier && text.size() >= 2)
    return text.substr(1, text.size() - 2);
  return text;
}

bool is_comparison(const Token& token) noexcept {
  switch (token.kind) {
    case TokenKind::equal_null:
    case TokenKind::not_equal:
    case TokenKind::less_equal:
    case TokenKind::greater_equal: return true;
    default: return token.is('=') || token.is('<') || token.is('>');
  }
}

bool holds(const Token& sign, int order) noexcept {
  switch (sign.kind) {
    case TokenKind::equal_null: return order == 0;
    case TokenKind::not_equal: return order != 0;
    case TokenKind::less_equal: return order <= 0;
    case TokenKind::greater_equal: return order >= 0;
    default: return sign.is('=') ? order == 0 : sign.is('<') ? order < 0 : order > 0;
  }
}

}  // namespace

Value ConditionReader::predicate(std::size_t depth) {
  std::size_t from = at_;
  Value left = arithmetic(depth, 0);
  while (!result_.too_complex) {
    const std::size_t to = at_;
    if (is_comparison(now())) {
      left = comparison(left, from, to, depth);
    } else if (take(Keyword::k_IS)) {
      left = is_test(left);
    } else {
      const bool negative = now().is(Keyword::k_NOT);
      if (negative) ++at_;
      std::optional<Value> value = other_predicate(left, from, to, depth);
      if (!value) {
        at_ = to;
        return left;
      }
      left = negative ? negated(*value) : *value;
    }
    from = to;
  }
  return left;
}

Value ConditionReader::comparison(const Value& left, std::size_t from, std::size_t to,
                                  std::size_t depth) {
  const Token sign = now();
  const std::size_t right_from = ++at_;
  if (is_one_of(now(), {Keyword::k_ALL, Keyword::k_ANY, Keyword::k_SOME})) ++at_;
  const Value right = arithmetic(depth, 0);
  if (left.is_constant() && right.is_constant()) return compare_constants(sign, left, right);
  if (!same(from, to, right_from, at_)) return {};
  if (holds(sign, 0)) result_.tautology = true;
  return truth_value(holds(sign, 0));
}

Value ConditionReader::compare_constants(const Token& sign, const Value& left, const Value& right) {
  const bool null = left.kind == Value::Kind::null || right.kind == Value::Kind::null;
  if (null && sign.kind == TokenKind::equal_null) return compared(left.kind == right.kind);
  if (null) return compared(false);
  if (left.kind == Value::Kind::constant || right.kind == Value::Kind::constant)
    return compared(std::nullopt);
  return compared(holds(sign, compare(left, right)));
}

Value ConditionReader::is_test(const Value& left) {
  const bool negative = take(Keyword::k_NOT);
  const Token what = now();
  if (!is_one_of(what, {Keyword::k_NULL, Keyword::k_TRUE, Keyword::k_FALSE, Keyword::k_UNKNOWN}))
    return {};
  ++at_;
  if (!left.is_constant()) return {};
  if (left.kind == Value::Kind::constant) return compared(std::nullopt);
  const bool null = left.kind == Value::Kind::null;
  const bool is = is_one_of(what, {Keyword::k_NULL, Keyword::k_UNKNOWN})
                      ? null
                      : !null && truth(left) == what.is(Keyword::k_TRUE);
  return compared(is != negative);
}

std::optional<Value> ConditionReader::other_predicate(const Value& left, std::size_t from,
                                                      std::size_t to, std::size_t depth) {
  if (take(Keyword::k_IN)) return in_list(left, from, to, depth);
  if (take(Keyword::k_BETWEEN)) return between(left, from, to, depth);
  take(Keyword::k_SOUNDS);
  const bool like = now().is(Keyword::k_LIKE);
  if (!is_one_of(now(), {Keyword::k_LIKE, Keyword::k_RLIKE, Keyword::k_REGEXP}))
    return std::nullopt;
  const std::size_t right_from = ++at_;
  const Value right = arithmetic(depth, 0);
  const std::size_t right_to = at_;
  if (take(Keyword::k_ESCAPE)) primary(depth);
  if (left.is_constant() && right.is_constant()) return like_constants(like, left, right);
  if (like && right.kind == Value::Kind::text) {
    result_.depends_on_values = true;
    // Every text is like '%', but NULL.
    if (!right.text.empty() && right.text.find_first_not_of('%') == std::string::npos)
      return truth_value(true);
  }
  if (!like || !same(from, to, right_from, right_to)) return Value{};
  result_.tautology = true;
  return truth_value(true);
}

Value ConditionReader::like_constants(bool like, const Value& left, const Value& right) {
  const bool texts = left.kind == Value::Kind::text && right.kind == Value::Kind::text;
  const bool plain = texts && right.text.find_first_of("%_\\") == std::string::npos;
  if (!like || !plain) return compared(std::nullopt);
  return compared(compare(left, right) == 0);
}

Value ConditionReader::in_list(const Value& left, std::size_t from, std::size_t to,
                               std::size_t depth) {
  const std::size_t open = at_;
  if (!now().is('(') || is_subquery(open)) {
    primary(depth);
    return {};
  }
  ++at_;
  bool found = false;
  bool constants = left.is_constant();
  bool certain = true;
  do {
    const std::size_t right_from = at_;
    const Value right = expression(depth + 1);
    constants = constants && right.is_constant();
    certain = certain && right.kind != Value::Kind::constant;
    found = found || (!left.is_constant() && same(from, to, right_from, at_));
    if (left.is_constant() && right.is_constant() && left.kind != Value::Kind::constant &&
        right.kind != Value::Kind::constant && left.kind != Value::Kind::null &&
        right.kind != Value::Kind::null)
      found = found || compare(left, right) == 0;
  } while (take(',') && !result_.too_complex);
  leave(open);
  if (left.kind == Value::Kind::constant) certain = false;
  if (constants) return compared(found || certain ? std::optional(found) : std::nullopt);
  if (!found) return {};
  result_.tautology = true;
  return truth_value(true);
}

Value ConditionReader::between(const Value& left, std::size_t from, std::size_t to,
                               std::size_t depth) {
  const std::size_t low_from = at_;
  const Value low = arithmetic(depth, 0);
  const std::size_t low_to = at_;
  if (!take(Keyword::k_AND)) return {};
  const std::size_t high_from = at_;
  const Value high = arithmetic(depth, 0);
  if (left.is_constant() && low.is_constant() && high.is_constant()) {
    for (const Value* one : {&left, &low, &high}) {
      if (one->kind == Value::Kind::constant) return compared(std::nullopt);
      if (one->kind == Value::Kind::null) return compared(false);
    }
    return compared(compare(left, low) >= 0 && compare(left, high) <= 0);
  }
  if (!same(from, to, low_from, low_to) || !same(from, to, high_from, at_)) return {};
  result_.tautology = true;
  return truth_value(true);
}

bool ConditionReader::same(std::size_t a, std::size_t a_end, std::size_t b, std::size_t b_end) {
  if (outer_where_) {
    // `t.id = id`: there is one table, or the server would not know which is meant.
    if (a_end - a == 1 && b_end - b == 3 && peek(b + 1).is('.')) b += 2;
    if (b_end - b == 1 && a_end - a == 3 && peek(a + 1).is('.')) a += 2;
  }
  if (a_end <= a || a_end - a != b_end - b) return false;
  for (; a < a_end; ++a, ++b) {
    const Token& x = tokens_[a];
    const Token& y = tokens_[b];
    if (x.kind == TokenKind::parameter || x.keyword == Keyword::k_RAND) return false;
    // `5` in quotes is a name, and no 5.
    if (x.is_literal() != y.is_literal()) return false;
    // Of another statement with the same digest they may differ.
    if (x.is_literal()) result_.depends_on_values = true;
    const bool names = x.kind != TokenKind::string && y.kind != TokenKind::string;
    if (!(names ? equal_ignoring_case(bare(x), bare(y)) : x.text == y.text)) return false;
  }
  return true;
}

}  // namespace mysqlproxy
