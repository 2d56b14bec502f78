#include "proxy/guard/constant.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace mysqlproxy {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int compare_texts(std::string a, std::string b) {
  for (std::string* text : {&a, &b}) {
    text->erase(text->find_last_not_of(' ') + 1);
    std::ranges::transform(*text, text->begin(), lower);
  }
  return a.compare(b);
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

Value number_value(double number) { return {Value::Kind::number, number, {}, false}; }
Value truth_value(bool truth) { return {Value::Kind::number, truth ? 1.0 : 0.0, {}, true}; }

double number_of(const Value& value) {
  if (value.kind == Value::Kind::number) return value.number;
  std::string_view text = value.text;
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc{} && std::isfinite(number) ? number : 0;
}

std::optional<bool> truth(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null: return false;
    case Value::Kind::number:
    case Value::Kind::text: return number_of(value) != 0;
    default: return std::nullopt;
  }
}

Value negated(const Value& value) {
  if (value.kind == Value::Kind::null) return value;
  const auto known = truth(value);
  if (!known) return value;
  Value result = truth_value(!*known);
  result.compared = value.compared;
  return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

int compare(const Value& a, const Value& b) {
  if (a.kind == Value::Kind::text && b.kind == Value::Kind::text)
    return compare_texts(a.text, b.text);
  const double x = number_of(a);
  const double y = number_of(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

std::string hex_text(std::string_view token) {
  std::string_view digits = token.substr(2);
  if (digits.ends_with('\'')) digits.remove_suffix(1);
  std::string bytes;
  int high = digits.size() % 2 == 0 ? -1 : 0;
  for (const char c : digits) {
    if (high < 0) {
      high = hex_digit(c);
    } else {
      bytes += static_cast<char>(high * 16 + hex_digit(c));
      high = -1;
    }
  }
  return bytes;
}

double bits_number(std::string_view token) {
  double number = 0;
  for (const char c : token.substr(2))
    if (c == '0' || c == '1') number = number * 2 + (c - '0');
  return number;
}

std::string string_value(std::string_view token, bool escapes) {
  if (!token.empty() && lower(token.front()) == 'n') token.remove_prefix(1);
  if (token.size() < 2) return {};
  const char quote = token.front();
  const std::string_view inside = token.substr(1, token.size() - 2);
  std::string value;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    char c = inside[i];
    const bool more = i + 1 < inside.size();
    if (c == quote && more) {
      ++i;  // doubled
    } else if (c == '\\' && escapes && more) {
      c = inside[++i];
      constexpr std::string_view from = "0bnrtZ";
      constexpr std::string_view to("\0\b\n\r\t\x1a", 6);
      if (const std::size_t at = from.find(c); at != from.npos) c = to[at];
    }
    value += c;
  }
  return value;
}

}  // namespace mysqlproxy
