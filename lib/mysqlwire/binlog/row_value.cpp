#include <mysqlwire/binlog/row_value.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string_view>

namespace mysqlwire::binlog {

namespace {

std::uint64_t little_endian(Reader& reader, unsigned size, const char* field) noexcept {
  std::uint64_t value = 0;
  unsigned shift = 0;
  for (const std::uint8_t byte : reader.bytes(size, field)) {
    value |= std::uint64_t{byte} << shift;
    shift += 8;
  }
  return value;
}

std::uint64_t big_endian(Reader& reader, unsigned size, const char* field) noexcept {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : reader.bytes(size, field)) value = value << 8 | byte;
  return value;
}

Value integer(Reader& reader, unsigned size, bool is_unsigned, const char* field) noexcept {
  const std::uint64_t value = little_endian(reader, size, field);
  if (is_unsigned) return value;
  const unsigned unused = 64 - 8 * size;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

// --- decimals ------------------------------------------------------------------------------------

constexpr unsigned group_digits = 9;
constexpr unsigned group_bytes = 4;
constexpr std::uint8_t bytes_of_digits[group_digits + 1] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

// Writes groups of digits one after the other, without leading zeros in front of the point.
class DecimalWriter {
 public:
  DecimalWriter(Reader& reader, DecimalText& out, std::uint8_t flip, const char* field) noexcept
      : reader_(reader), out_(out), flip_(flip), field_(field) {}

  void put(char c) noexcept { out_[size_++] = c; }

  void group(unsigned digits, bool keep_zeros) noexcept {
    if (digits == 0) return;
    const std::uint64_t at = reader_.offset();
    std::uint32_t value = 0;
    for (const std::uint8_t byte : reader_.bytes(bytes_of_digits[digits], field_)) {
      const auto plain = static_cast<std::uint8_t>(byte ^ flip_ ^ first_);
      first_ = 0;
      value = value << 8 | plain;
    }
    char text[group_digits];
    for (unsigned i = digits; i-- != 0; value /= 10) text[i] = static_cast<char>('0' + value % 10);
    if (value != 0) reader_.fail_at(errc::bad_value, field_, at);
    for (unsigned i = 0; i < digits; ++i) {
      if (!keep_zeros && !any_ && text[i] == '0') continue;
      any_ = true;
      put(text[i]);
    }
  }

  bool any() const noexcept { return any_; }
  std::string_view text() const noexcept { return {out_.data(), size_}; }

 private:
  Reader& reader_;
  DecimalText& out_;
  std::size_t size_ = 0;
  std::uint8_t flip_;
  std::uint8_t first_ = 0x80;  // inverted in the first byte
  bool any_ = false;
  const char* field_;
};

Value decimal(Reader& reader, unsigned precision, unsigned scale, DecimalText& scratch,
              const char* field) noexcept {
  const unsigned whole = precision - scale;
  const bool is_negative = !reader.at_end() && (*reader.peek() & 0x80) == 0;
  DecimalWriter writer(reader, scratch, is_negative ? 0xff : 0, field);
  if (is_negative) writer.put('-');
  writer.group(whole % group_digits, false);
  for (unsigned i = 0; i < whole / group_digits; ++i) writer.group(group_digits, false);
  if (!writer.any()) writer.put('0');
  if (scale != 0) {
    writer.put('.');
    for (unsigned i = 0; i < scale / group_digits; ++i) writer.group(group_digits, true);
    writer.group(scale % group_digits, true);
  }
  if (!reader.ok()) return {};
  return writer.text();
}

// --- dates and times -----------------------------------------------------------------------------

constexpr unsigned fraction_bytes(unsigned digits) noexcept { return (digits + 1) / 2; }

// A fraction of so many bytes counts hundredths, ten-thousandths or millionths.
std::uint32_t microseconds(std::uint64_t fraction, unsigned bytes) noexcept {
  static constexpr std::uint32_t units[] = {0, 10000, 100, 1};
  return static_cast<std::uint32_t>(fraction * units[bytes]);
}

constexpr bool is_leap(unsigned year) noexcept {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// The day that many days behind 1 January 1970: 2106 at most.
Date civil_day(std::uint32_t days) noexcept {
  static constexpr std::uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  unsigned year = 1970;
  for (unsigned length = 365; days >= length; length = is_leap(year) ? 366 : 365) {
    days -= length;
    ++year;
  }
  unsigned month = 0;
  const auto length_of = [&] { return lengths[month] + (month == 1 && is_leap(year) ? 1U : 0U); };
  while (days >= length_of()) {
    days -= length_of();
    ++month;
  }
  return {static_cast<std::uint16_t>(year), static_cast<std::uint8_t>(month + 1),
          static_cast<std::uint8_t>(days + 1)};
}

DateTime timestamp(std::uint32_t seconds, std::uint32_t microsecond) noexcept {
  DateTime time;
  if (seconds == 0 && microsecond == 0) return time;  // "0000-00-00 00:00:00"
  constexpr std::uint32_t day_seconds = 86400;
  const Date date = civil_day(seconds / day_seconds);
  const std::uint32_t rest = seconds % day_seconds;
  time.year = date.year;
  time.month = date.month;
  time.day = date.day;
  time.hour = static_cast<std::uint8_t>(rest / 3600);
  time.minute = static_cast<std::uint8_t>(rest / 60 % 60);
  time.second = static_cast<std::uint8_t>(rest % 60);
  time.microsecond = microsecond;
  time.utc_offset = std::int16_t{0};
  return time;
}

DateTime datetime2(std::uint64_t packed, std::uint32_t microsecond) noexcept {
  constexpr std::uint64_t sign = std::uint64_t{1} << 39;
  packed &= sign - 1;
  const auto months = static_cast<std::uint32_t>(packed >> 22);
  DateTime time;
  time.year = static_cast<std::uint16_t>(months / 13);
  time.month = static_cast<std::uint8_t>(months % 13);
  time.day = static_cast<std::uint8_t>(packed >> 17 & 31);
  time.hour = static_cast<std::uint8_t>(packed >> 12 & 31);
  time.minute = static_cast<std::uint8_t>(packed >> 6 & 63);
  time.second = static_cast<std::uint8_t>(packed & 63);
  time.microsecond = microsecond;
  return time;
}

Time time_of(bool negative, std::uint32_t hours, std::uint32_t minute, std::uint32_t second,
             std::uint32_t microsecond) noexcept {
  Time time;
  time.negative = negative;
  time.days = hours / 24;
  time.hour = static_cast<std::uint8_t>(hours % 24);
  time.minute = static_cast<std::uint8_t>(minute);
  time.second = static_cast<std::uint8_t>(second);
  time.microsecond = microsecond;
  return time;
}

// Whole and fraction are one number with an offset, so that they sort as bytes.
Time time2(Reader& reader, unsigned digits, const char* field) noexcept {
  const unsigned bytes = fraction_bytes(digits);
  const std::uint64_t raw = big_endian(reader, 3 + bytes, field);
  const std::uint64_t zero = std::uint64_t{0x800000} << (8 * bytes);
  const bool negative = raw < zero;
  const std::uint64_t span = negative ? zero - raw : raw - zero;
  const auto whole = static_cast<std::uint32_t>(span >> (8 * bytes));
  const std::uint64_t fraction = span & ((std::uint64_t{1} << (8 * bytes)) - 1);
  return time_of(negative, whole >> 12 & 1023, whole >> 6 & 63, whole & 63,
                 microseconds(fraction, bytes));
}

Value old_time(Reader& reader, const char* field) noexcept {
  const auto packed = std::get<std::int64_t>(integer(reader, 3, false, field));
  const auto span = static_cast<std::uint32_t>(packed < 0 ? -packed : packed);
  return time_of(packed < 0, span / 10000, span / 100 % 100, span % 100, 0);
}

Value old_datetime(Reader& reader, const char* field) noexcept {
  const std::uint64_t packed = little_endian(reader, 8, field);
  const std::uint64_t date = packed / 1000000;
  const std::uint64_t clock = packed % 1000000;
  DateTime time;
  time.year = static_cast<std::uint16_t>(date / 10000);
  time.month = static_cast<std::uint8_t>(date / 100 % 100);
  time.day = static_cast<std::uint8_t>(date % 100);
  time.hour = static_cast<std::uint8_t>(clock / 10000);
  time.minute = static_cast<std::uint8_t>(clock / 100 % 100);
  time.second = static_cast<std::uint8_t>(clock % 100);
  return time;
}

Value date_of(Reader& reader, const char* field) noexcept {
  const std::uint32_t packed = reader.u24(field);
  Date date;
  date.day = static_cast<std::uint8_t>(packed & 31);
  date.month = static_cast<std::uint8_t>(packed >> 5 & 15);
  date.year = static_cast<std::uint16_t>(packed >> 9);
  return date;
}

// --- byte ranges ---------------------------------------------------------------------------------

Value prefixed(Reader& reader, unsigned length_bytes, const char* field) noexcept {
  return as_text(reader.bytes(little_endian(reader, length_bytes, field), field));
}

Value read(Reader& reader, const ColumnLayout& column, DecimalText& scratch,
           const char* field) noexcept {
  const unsigned metadata = column.metadata;
  switch (column.type) {
    case FieldType::tiny: return integer(reader, 1, column.is_unsigned, field);
    case FieldType::short_: return integer(reader, 2, column.is_unsigned, field);
    case FieldType::int24: return integer(reader, 3, column.is_unsigned, field);
    case FieldType::long_: return integer(reader, 4, column.is_unsigned, field);
    case FieldType::longlong: return integer(reader, 8, column.is_unsigned, field);
    case FieldType::float_: return std::bit_cast<float>(reader.u32(field));
    case FieldType::double_: return std::bit_cast<double>(reader.u64(field));
    case FieldType::newdecimal:
      return decimal(reader, metadata >> 8, metadata & 0xff, scratch, field);
    case FieldType::year: {
      const std::uint64_t year = reader.u8(field);
      return year == 0 ? year : year + 1900;
    }
    case FieldType::date:
    case FieldType::newdate: return date_of(reader, field);
    case FieldType::time: return old_time(reader, field);
    case FieldType::datetime: return old_datetime(reader, field);
    case FieldType::timestamp: return timestamp(reader.u32(field), 0);
    case FieldType::time2: return time2(reader, metadata, field);
    case FieldType::datetime2: {
      const std::uint64_t packed = big_endian(reader, 5, field);
      const unsigned bytes = fraction_bytes(metadata);
      return datetime2(packed, microseconds(big_endian(reader, bytes, field), bytes));
    }
    case FieldType::timestamp2: {
      const auto seconds = static_cast<std::uint32_t>(big_endian(reader, 4, field));
      const unsigned bytes = fraction_bytes(metadata);
      return timestamp(seconds, microseconds(big_endian(reader, bytes, field), bytes));
    }
    case FieldType::bit: return as_text(reader.bytes((metadata + 7) / 8, field));
    case FieldType::enum_:
    case FieldType::set: return little_endian(reader, metadata, field);
    case FieldType::string:
    case FieldType::varchar:
    case FieldType::var_string:
    case FieldType::varchar_compressed: return prefixed(reader, metadata < 256 ? 1 : 2, field);
    case FieldType::tiny_blob:
    case FieldType::medium_blob:
    case FieldType::long_blob:
    case FieldType::blob:
    case FieldType::blob_compressed:
    case FieldType::json:
    case FieldType::geometry:
    case FieldType::vector: return prefixed(reader, metadata, field);
    case FieldType::null: return {};
    default: reader.fail(errc::unsupported, field); return {};
  }
}

}  // namespace

Value read_row_value(Reader& reader, const ColumnLayout& column, DecimalText& scratch,
                     const char* field) noexcept {
  const Value value = read(reader, column, scratch, field);
  return reader.ok() ? value : Value{};
}

}  // namespace mysqlwire::binlog
