#include "proxy/guard/condition.hpp"

#include "proxy/guard/constant.hpp"

#include <mysqlwire/sql/lexer.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mysqlproxy {
namespace {

using mysqlwire::sql::Dialect;
using mysqlwire::sql::Keyword;
using mysqlwire::sql::Lexer;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;

/// A name without its quotes.
std::string_view bare(const Token& token) noexcept {
  std::string_view text = token.text;
  if (token.kind == TokenKind::quoted_identifier && text.size() >= 2)
    return text.substr(1, text.size() - 2);
  return text;
}

bool is_one_of(const Token& token, std::initializer_list<Keyword> words) noexcept {
  return token.kind == TokenKind::keyword && std::ranges::find(words, token.keyword) != words.end();
}

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

/// Reads expressions by precedence. It takes what the servers take, and more: what it can't make
/// sense of is unknown, and reading goes on behind it.
class Reader {
 public:
  Reader(std::string_view sql, const Dialect& dialect) : dialect_(dialect) {
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

  Conditions read() {
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

 private:
  void match_parentheses() {
    partner_.assign(tokens_.size(), tokens_.size());
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].is('(')) open.push_back(i);
      if (!tokens_[i].is(')') || open.empty()) continue;
      partner_[open.back()] = i;
      open.pop_back();
    }
  }

  bool begins_expression(std::size_t i) const noexcept {
    const Token& token = tokens_[i];
    if (token.is(Keyword::k_ON)) return !peek(i + 1).is(Keyword::k_DUPLICATE);
    return is_one_of(token,
                     {Keyword::k_WHERE, Keyword::k_HAVING, Keyword::k_SELECT, Keyword::k_BY});
  }

  const Token& peek(std::size_t i) const noexcept {
    static const Token none;
    return i < tokens_.size() ? tokens_[i] : none;
  }
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

  /// A constant in the place of a condition.
  void note_operand(const Value& value) {
    if (!value.is_constant() || value.compared) return;
    result_.depends_on_values = true;
    if (truth(value).value_or(true)) result_.tautology = true;
  }

  /// Constants that were compared, with what came of it; nothing: the server knows.
  Value compared(std::optional<bool> outcome) {
    result_.depends_on_values = true;
    if (outcome.value_or(true)) result_.tautology = true;
    if (outcome) return truth_value(*outcome);
    return {Value::Kind::constant, 0, {}, true};
  }

  /// The expressions of a list, for what is compared inside of them.
  void read_list() {
    while (!result_.too_complex) {
      const std::size_t before = at_;
      if (take(Keyword::k_AS)) ++at_;  // an alias
      if (now().is_identifier() || now().kind == TokenKind::string) ++at_;
      take(Keyword::k_ASC) || take(Keyword::k_DESC);
      if (!take(',') || at_ == before) return;
      expression(0);
    }
  }

  Value expression(std::size_t depth) {
    if (depth > deepest_condition) {
      result_.too_complex = true;
      at_ = tokens_.size();
    }
    Value left = exclusive(depth);
    bool alone = true;
    while (now().is(Keyword::k_OR) ||
           (now().kind == TokenKind::or_or && !dialect_.pipes_as_concat)) {
      ++at_;
      if (std::exchange(alone, false)) note_operand(left);
      const Value right = exclusive(depth);
      note_operand(right);
      left = either(left, right);
    }
    return left;
  }

  static Value either(const Value& a, const Value& b) {
    if (truth(a).value_or(false) || truth(b).value_or(false)) return truth_value(true);
    if (a.is_constant() && b.is_constant())
      return truth(a) && truth(b) ? truth_value(false) : Value{Value::Kind::constant, 0, {}, true};
    return {};
  }

  static Value both(const Value& a, const Value& b) {
    if (!truth(a).value_or(true) || !truth(b).value_or(true)) return truth_value(false);
    if (a.is_constant() && b.is_constant())
      return truth(a) && truth(b) ? truth_value(true) : Value{Value::Kind::constant, 0, {}, true};
    return {};
  }

  Value exclusive(std::size_t depth) {
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

  Value conjunction(std::size_t depth) {
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

  static Value negated(const Value& value) {
    if (value.kind == Value::Kind::null) return value;
    const auto known = truth(value);
    if (!known) return value;
    Value result = truth_value(!*known);
    result.compared = value.compared;
    return result;
  }

  Value negation(std::size_t depth) {
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

  Value predicate(std::size_t depth) {
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

  static bool is_comparison(const Token& token) noexcept {
    switch (token.kind) {
      case TokenKind::equal_null:
      case TokenKind::not_equal:
      case TokenKind::less_equal:
      case TokenKind::greater_equal: return true;
      default: return token.is('=') || token.is('<') || token.is('>');
    }
  }

  static bool holds(const Token& sign, int order) noexcept {
    switch (sign.kind) {
      case TokenKind::equal_null: return order == 0;
      case TokenKind::not_equal: return order != 0;
      case TokenKind::less_equal: return order <= 0;
      case TokenKind::greater_equal: return order >= 0;
      default: return sign.is('=') ? order == 0 : sign.is('<') ? order < 0 : order > 0;
    }
  }

  Value comparison(const Value& left, std::size_t from, std::size_t to, std::size_t depth) {
    const Token sign = now();
    const std::size_t right_from = ++at_;
    if (is_one_of(now(), {Keyword::k_ALL, Keyword::k_ANY, Keyword::k_SOME})) ++at_;
    const Value right = arithmetic(depth, 0);
    if (left.is_constant() && right.is_constant()) return compare_constants(sign, left, right);
    if (!same(from, to, right_from, at_)) return {};
    if (holds(sign, 0)) result_.tautology = true;
    return truth_value(holds(sign, 0));
  }

  Value compare_constants(const Token& sign, const Value& left, const Value& right) {
    const bool null = left.kind == Value::Kind::null || right.kind == Value::Kind::null;
    if (null && sign.kind == TokenKind::equal_null) return compared(left.kind == right.kind);
    if (null) return compared(false);
    if (left.kind == Value::Kind::constant || right.kind == Value::Kind::constant)
      return compared(std::nullopt);
    return compared(holds(sign, compare(left, right)));
  }

  Value is_test(const Value& left) {
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

  /// IN, LIKE, REGEXP, BETWEEN, SOUNDS LIKE; nothing when it is none of these.
  std::optional<Value> other_predicate(const Value& left, std::size_t from, std::size_t to,
                                       std::size_t depth) {
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

  Value like_constants(bool like, const Value& left, const Value& right) {
    const bool texts = left.kind == Value::Kind::text && right.kind == Value::Kind::text;
    const bool plain = texts && right.text.find_first_of("%_\\") == std::string::npos;
    if (!like || !plain) return compared(std::nullopt);
    return compared(compare(left, right) == 0);
  }

  Value in_list(const Value& left, std::size_t from, std::size_t to, std::size_t depth) {
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

  Value between(const Value& left, std::size_t from, std::size_t to, std::size_t depth) {
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

  static int precedence(const Token& token, bool concat) noexcept {
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

  static Value computed(const Token& sign, const Value& left, const Value& right) {
    if (!left.is_constant() || !right.is_constant()) return {};
    if (left.kind == Value::Kind::null || right.kind == Value::Kind::null)
      return {Value::Kind::null, 0, {}, false};
    const bool known = left.kind != Value::Kind::constant && right.kind != Value::Kind::constant;
    if (known && sign.is('+')) return number_value(number_of(left) + number_of(right));
    if (known && sign.is('-')) return number_value(number_of(left) - number_of(right));
    if (known && sign.is('*')) return number_value(number_of(left) * number_of(right));
    return {Value::Kind::constant, 0, {}, false};
  }

  Value arithmetic(std::size_t depth, int least) {
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

  Value unary(std::size_t depth) {
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

  /// Goes behind the parenthesis that `open` begins.
  void leave(std::size_t open) noexcept { at_ = std::min(partner_[open] + 1, tokens_.size()); }

  bool is_subquery(std::size_t open) const noexcept {
    while (peek(open).is('(')) ++open;
    return is_one_of(peek(open), {Keyword::k_SELECT, Keyword::k_WITH});
  }

  Value primary(std::size_t depth) {
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

  Value operand(std::size_t depth) {
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

  Value strings() {
    Value value{Value::Kind::text, 0, {}, false};
    for (; now().kind == TokenKind::string; ++at_)
      value.text += string_value(now().text, !dialect_.no_backslash_escapes);
    return value;
  }

  Value variable(std::size_t depth) {
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

  Value symbol(std::size_t depth) {
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

  Value word(std::size_t depth) {
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

  /// A function's value is a constant when its arguments are; without any it may be a clock.
  Value call(std::size_t depth) {
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

  Value interval(std::size_t depth) {
    ++at_;
    arithmetic(depth + 1, 0);
    if (now().kind == TokenKind::keyword && !ends_expression(now())) ++at_;  // DAY, HOUR …
    return {};
  }

  Value cases(std::size_t depth) {
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

  /// Whether two stretches of tokens are the same expression, which is no constant.
  bool same(std::size_t a, std::size_t a_end, std::size_t b, std::size_t b_end) {
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

  const Dialect& dialect_;
  std::vector<Token> tokens_;
  std::vector<std::size_t> partner_;  // of a '(', where its ')' is; else behind all tokens
  std::size_t at_ = 0;
  bool outer_where_ = false;
  Conditions result_;
};

}  // namespace

Conditions read_conditions(std::string_view sql, const Dialect& dialect) {
  Reader reader(sql, dialect);
  return reader.read();
}

}  // namespace mysqlproxy
