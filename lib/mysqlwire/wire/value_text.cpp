#include <mysqlwire/wire/value_text.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>
#include <type_traits>

namespace mysqlwire {
namespace {

/// Decimals above this mean "not fixed" for FLOAT and DOUBLE.
constexpr unsigned max_fixed_decimals = 30;
/// The servers print a number without an exponent while its point is at most this far right.
constexpr int max_point_of_plain_form = 15;
constexpr std::uint32_t powers_of_ten[] = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000};

// ---------------------------------------------------------------- printing

/// Appends to a ValueText; what would not fit is cut (nothing that is printed here is that long).
class Printer {
 public:
  explicit Printer(ValueText& out) noexcept : out_(out) {}

  void put(char c) noexcept {
    if (size_ < out_.size()) out_[size_++] = c;
  }
  void put(std::string_view text) noexcept {
    for (const char c : text) put(c);
  }
  void zeros(std::size_t count) noexcept {
    while (count-- > 0) put('0');
  }
  /// At least `width` digits.
  void number(std::uint64_t value, std::size_t width) noexcept {
    char digits[20];
    const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    const auto size = static_cast<std::size_t>(end - digits);
    if (size < width) zeros(width - size);
    put({digits, size});
  }
  std::string_view view() const noexcept { return {out_.data(), size_}; }

 private:
  ValueText& out_;
  std::size_t size_ = 0;
};

void print_date(Printer& out, unsigned year, unsigned month, unsigned day) noexcept {
  out.number(year, 4);
  out.put('-');
  out.number(month, 2);
  out.put('-');
  out.number(day, 2);
}

template <class T>
void print_clock(Printer& out, std::uint64_t hours, const T& value, unsigned decimals) noexcept {
  out.number(hours, 2);
  out.put(':');
  out.number(value.minute, 2);
  out.put(':');
  out.number(value.second, 2);
  if (decimals > 6) decimals = value.microsecond != 0 ? 6 : 0;
  if (decimals == 0) return;
  out.put('.');
  out.number(value.microsecond / powers_of_ten[6 - decimals], decimals);
}

/// As in the literals of MySQL: "+05:30".
void print_utc_offset(Printer& out, int minutes) noexcept {
  out.put(minutes < 0 ? '-' : '+');
  const auto distance = static_cast<unsigned>(minutes < 0 ? -minutes : minutes);
  out.number(distance / 60, 2);
  out.put(':');
  out.number(distance % 60, 2);
}

/// Lays out "d.ddde±x" as the servers do: plain while the point is near, else d.ddde±x without
/// plus and without leading zeros in the exponent.
void print_digits(Printer& out, std::string_view scientific) noexcept {
  if (scientific.front() == '-') {
    out.put('-');
    scientific.remove_prefix(1);
  }
  const auto e = scientific.find('e');
  if (e == std::string_view::npos) return out.put(scientific);  // inf and nan
  char digits[24];
  std::size_t count = 0;
  for (const char c : scientific.substr(0, e)) {
    if (c != '.' && count < sizeof digits) digits[count++] = c;
  }
  while (count > 1 && digits[count - 1] == '0') --count;

  const char* exponent_text = scientific.data() + e + 1;
  if (*exponent_text == '+') ++exponent_text;
  int exponent = 0;
  std::from_chars(exponent_text, scientific.data() + scientific.size(), exponent);

  const std::string_view all(digits, count);
  const int point = exponent + 1;  // how many digits stand before the point
  if (point > max_point_of_plain_form || point <= -max_point_of_plain_form) {
    out.put(all.front());
    if (count > 1) {
      out.put('.');
      out.put(all.substr(1));
    }
    out.put('e');
    if (exponent < 0) out.put('-');
    out.number(static_cast<std::uint64_t>(exponent < 0 ? -exponent : exponent), 1);
  } else if (point <= 0) {
    out.put("0.");
    out.zeros(static_cast<std::size_t>(-point));
    out.put(all);
  } else {
    const auto before = static_cast<std::size_t>(point);
    out.put(all.substr(0, before));
    if (before > count) out.zeros(before - count);
    if (before < count) {
      out.put('.');
      out.put(all.substr(before));
    }
  }
}

template <class T>
void print_floating(Printer& out, T value, unsigned decimals) noexcept {
  // A float is printed by way of double, as the servers do it.
  const auto wide = static_cast<double>(value);
  ValueText text;
  char* const begin = text.data();
  char* const end = begin + text.size();
  if (decimals <= max_fixed_decimals) {
    const auto done =
        std::to_chars(begin, end, wide, std::chars_format::fixed, static_cast<int>(decimals));
    return out.put({begin, done.ptr});
  }
  const auto done = std::is_same_v<T, float>
                        ? std::to_chars(begin, end, wide, std::chars_format::scientific,
                                        std::numeric_limits<float>::digits10 - 1)
                        : std::to_chars(begin, end, wide, std::chars_format::scientific);
  print_digits(out, {begin, done.ptr});
}

/// One overload per alternative of Value.
struct PrintValue {
  Printer& out;
  unsigned decimals;

  void operator()(std::monostate) const noexcept {}
  void operator()(std::int64_t value) const noexcept {
    if (value < 0) out.put('-');
    const auto bits = static_cast<std::uint64_t>(value);
    out.number(value < 0 ? 0 - bits : bits, 1);
  }
  void operator()(std::uint64_t value) const noexcept { out.number(value, 1); }
  void operator()(float value) const noexcept { print_floating(out, value, decimals); }
  void operator()(double value) const noexcept { print_floating(out, value, decimals); }
  void operator()(const Date& date) const noexcept {
    print_date(out, date.year, date.month, date.day);
  }
  void operator()(const DateTime& value) const noexcept {
    print_date(out, value.year, value.month, value.day);
    out.put(' ');
    print_clock(out, value.hour, value, decimals);
    if (value.utc_offset) print_utc_offset(out, *value.utc_offset);
  }
  void operator()(const Time& value) const noexcept {
    if (value.negative) out.put('-');
    print_clock(out, std::uint64_t{value.days} * 24 + value.hour, value, decimals);
  }
  void operator()(std::string_view) const noexcept {}
};

bool is_number(const Value& value) noexcept {
  return std::holds_alternative<std::int64_t>(value) ||
         std::holds_alternative<std::uint64_t>(value) || std::holds_alternative<float>(value) ||
         std::holds_alternative<double>(value);
}

// ---------------------------------------------------------------- reading

/// Walks over a date or time. Sticky: the first thing that is not as expected is kept.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : text_(text) {}

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return position_ == text_.size(); }
  std::size_t position() const noexcept { return position_; }

  bool accept(char c) noexcept {
    if (!ok_ || at_end() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) noexcept {
    if (!accept(c)) ok_ = false;
  }
  /// Between `least` and `most` digits, as many as there are, and not above `limit`.
  std::uint64_t number(std::size_t least, std::size_t most, std::uint64_t limit) noexcept {
    const auto start = position_;
    std::uint64_t value = 0;
    while (ok_ && !at_end() && position_ - start < most && is_digit(text_[position_]))
      value = value * 10 + static_cast<unsigned>(text_[position_++] - '0');
    if (position_ - start < least || value > limit) {
      if (ok_) position_ = start;
      ok_ = false;
    }
    return ok_ ? value : 0;
  }

 private:
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

  std::string_view text_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

Error text_error(errc code, std::size_t offset, const char* field) noexcept {
  return {code, offset, "Value", field};
}

Result<Value> finish(const Scanner& scan, const Value& value, const char* field) noexcept {
  if (!scan.ok() || !scan.at_end()) return text_error(errc::bad_value, scan.position(), field);
  return value;
}

template <class T>
void scan_date(Scanner& scan, T& value) noexcept {
  value.year = static_cast<std::uint16_t>(scan.number(4, 4, 9999));
  scan.expect('-');
  value.month = static_cast<std::uint8_t>(scan.number(2, 2, 12));
  scan.expect('-');
  value.day = static_cast<std::uint8_t>(scan.number(2, 2, 31));
}

/// What follows the hours: ":MM:SS" and a fraction of one to six digits.
template <class T>
void scan_clock(Scanner& scan, T& value) noexcept {
  scan.expect(':');
  value.minute = static_cast<std::uint8_t>(scan.number(2, 2, 59));
  scan.expect(':');
  value.second = static_cast<std::uint8_t>(scan.number(2, 2, 59));
  if (!scan.accept('.')) return;
  const auto start = scan.position();
  const auto fraction = static_cast<std::uint32_t>(scan.number(1, 6, 999'999));
  if (scan.ok()) value.microsecond = fraction * powers_of_ten[6 - (scan.position() - start)];
}

Result<Value> parse_date(std::string_view text) noexcept {
  Scanner scan(text);
  Date value;
  scan_date(scan, value);
  return finish(scan, value, "date");
}

Result<Value> parse_datetime(std::string_view text) noexcept {
  Scanner scan(text);
  DateTime value;
  scan_date(scan, value);
  scan.expect(' ');
  value.hour = static_cast<std::uint8_t>(scan.number(2, 2, 23));
  scan_clock(scan, value);
  return finish(scan, value, "datetime");
}

Result<Value> parse_time(std::string_view text) noexcept {
  constexpr std::uint64_t max_hours =
      std::uint64_t{std::numeric_limits<std::uint32_t>::max()} * 24 + 23;
  Scanner scan(text);
  Time value;
  value.negative = scan.accept('-');
  const std::uint64_t hours = scan.number(2, 12, max_hours);
  value.days = static_cast<std::uint32_t>(hours / 24);
  value.hour = static_cast<std::uint8_t>(hours % 24);
  scan_clock(scan, value);
  return finish(scan, value, "time");
}

template <class T>
Result<T> parse_number(std::string_view text, const char* field) noexcept {
  T value{};
  const char* const end = text.data() + text.size();
  const auto done = std::from_chars(text.data(), end, value);
  const auto offset = static_cast<std::size_t>(done.ptr - text.data());
  if (done.ec == std::errc::result_out_of_range) return text_error(errc::too_long, 0, field);
  if (done.ec != std::errc{} || done.ptr != end) return text_error(errc::bad_value, offset, field);
  return value;
}

/// `Narrow` is the signed integer of the type's binary width.
template <class Narrow>
Result<Value> parse_integer(std::string_view text, bool is_unsigned) noexcept {
  if (is_unsigned) {
    const auto value = parse_number<std::make_unsigned_t<Narrow>>(text, "integer");
    if (!value) return value.error();
    return Value(std::uint64_t{*value});
  }
  const auto value = parse_number<Narrow>(text, "integer");
  if (!value) return value.error();
  return Value(std::int64_t{*value});
}

template <class T>
Result<Value> parse_floating(std::string_view text) noexcept {
  // from_chars also knows "inf" and "nan", which no server prints.
  const auto first = text.find_first_not_of('-');
  if (first == std::string_view::npos ||
      (text[first] != '.' && !(text[first] >= '0' && text[first] <= '9')))
    return text_error(errc::bad_value, 0, "floating_point");
  const auto value = parse_number<T>(text, "floating_point");
  if (!value) return value.error();
  return Value(*value);
}

}  // namespace

std::string_view to_text(const Value& value, const TextFormat& format,
                         ValueText& scratch) noexcept {
  if (const auto* text = std::get_if<std::string_view>(&value)) return *text;
  Printer out(scratch);
  std::visit(PrintValue{out, format.decimals}, value);
  const std::string_view printed = out.view();
  if (!is_number(value) || printed.size() >= format.zerofill) return printed;
  const std::size_t missing = format.zerofill - printed.size();
  std::memmove(scratch.data() + missing, scratch.data(), printed.size());
  std::fill_n(scratch.data(), missing, '0');
  return {scratch.data(), format.zerofill};
}

void append_text(std::string& out, const Value& value, const TextFormat& format) {
  ValueText scratch;
  out += to_text(value, format, scratch);
}

Result<Value> parse_text(std::string_view text, ValueType type) noexcept {
  const ValueShape shape = value_shape(type.type);
  if (shape == ValueShape::bytes) return Value(text);
  if (shape == ValueShape::invalid || shape == ValueShape::none)
    return text_error(errc::bad_value, 0, "type");
  if (text.empty()) return text_error(errc::truncated, 0, "value");
  const bool is_unsigned = type.is_unsigned || type.type == FieldType::year;
  switch (shape) {
    case ValueShape::int8: return parse_integer<std::int8_t>(text, is_unsigned);
    case ValueShape::int16: return parse_integer<std::int16_t>(text, is_unsigned);
    case ValueShape::int32: return parse_integer<std::int32_t>(text, is_unsigned);
    case ValueShape::int64: return parse_integer<std::int64_t>(text, is_unsigned);
    case ValueShape::float32: return parse_floating<float>(text);
    case ValueShape::float64: return parse_floating<double>(text);
    case ValueShape::date: return parse_date(text);
    case ValueShape::datetime: return parse_datetime(text);
    case ValueShape::time: return parse_time(text);
    default: return text_error(errc::bad_value, 0, "type");
  }
}

}  // namespace mysqlwire
