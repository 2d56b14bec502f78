// Values that stand in a statement, as the servers compute with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// What an expression comes to.
struct Value {
  enum class Kind : std::uint8_t {
    unknown,   ///< it takes a row, a variable or a subquery
    null,      ///< constant, as the others are
    number,    ///< `number`
    text,      ///< `text`
    constant,  ///< computed by the server only
  };
  Kind kind = Kind::unknown;
  double number = 0;
  std::string text;
  bool compared = false;  ///< by an operator that was looked at already

  bool is_constant() const noexcept { return kind != Kind::unknown; }
};

Value number_value(double number);
Value truth_value(bool truth);

/// As the server converts a text: what number it begins with, else 0.
double number_of(const Value& value);
/// True, false, or nothing where that is not known; NULL is not true.
std::optional<bool> truth(const Value& value);
/// NOT of it, compared as it was.
Value negated(const Value& value);
/// Below 0, 0 or above. Texts compare as most collations have it: case and blanks at the end don't
/// count.
int compare(const Value& a, const Value& b);

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// The bytes of the token 0x616263 or x'616263'.
std::string hex_text(std::string_view token);
/// The number of the token 0b101 or b'101'.
double bits_number(std::string_view token);
/// The bytes between a string token's quotes as the server has them; `escapes`: a backslash is one.
std::string string_value(std::string_view token, bool escapes);

}  // namespace mysqlproxy
