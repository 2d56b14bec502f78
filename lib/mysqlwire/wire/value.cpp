#include <mysqlwire/wire/value.hpp>

#include <array>
#include <bit>
#include <limits>

namespace mysqlwire {
namespace {

template <class T>
bool date_in_range(const T& value) noexcept {
  return value.month <= 12 && value.day <= 31;
}

template <class T>
bool clock_in_range(const T& value) noexcept {
  return value.hour <= 23 && value.minute <= 59 && value.second <= 59 &&
         value.microsecond <= 999'999;
}

bool is_datetime_size(std::uint8_t size) noexcept {
  return size == 0 || size == 4 || size == 7 || size == 11 || size == 13;
}

bool is_time_size(std::uint8_t size) noexcept { return size == 0 || size == 8 || size == 12; }

/// The length byte of a date or time, checked against what is allowed and against what is left.
std::uint8_t temporal_size(Reader& reader, bool (*allowed)(std::uint8_t) noexcept,
                           const char* field) noexcept {
  const auto start = reader.offset();
  const std::uint8_t size = reader.u8(field);  // 0, which is allowed, after a failure
  if (allowed(size) && size <= reader.left()) return size;
  reader.fail_at(allowed(size) ? errc::truncated : errc::bad_value, field, start);
  return 0;
}

/// Reads as a Reader does from bytes that are known to be there, and tells nobody.
class Known {
 public:
  explicit Known(Bytes bytes) noexcept : cursor_(bytes.data()) {}
  std::uint8_t u8(const char*) noexcept { return *cursor_++; }
  std::uint16_t u16(const char*) noexcept { return static_cast<std::uint16_t>(take(2)); }
  std::uint32_t u32(const char*) noexcept { return take(4); }

 private:
  std::uint32_t take(unsigned size) noexcept {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i) value |= std::uint32_t{*cursor_++} << (8 * i);
    return value;
  }
  const std::uint8_t* cursor_;
};

template <class Source>
void take_datetime(Source& source, std::uint8_t size, const char* field, DateTime& value) noexcept {
  if (size >= 4) {
    value.year = source.u16(field);
    value.month = source.u8(field);
    value.day = source.u8(field);
  }
  if (size >= 7) {
    value.hour = source.u8(field);
    value.minute = source.u8(field);
    value.second = source.u8(field);
  }
  if (size >= 11) value.microsecond = source.u32(field);
  if (size == 13) value.utc_offset = static_cast<std::int16_t>(source.u16(field));
}

bool in_range(const DateTime& value) noexcept {
  return date_in_range(value) && clock_in_range(value);
}

/// Notes a part that is out of its range. False when that is a failure.
[[gnu::cold, gnu::noinline]] bool note_range(Reader& reader, const char* field) noexcept {
  reader.note(errc::bad_value, field);
  return reader.ok();
}

[[gnu::noinline]] bool read_told_datetime(Reader& reader, const char* field,
                                          DateTime& value) noexcept {
  take_datetime(reader, temporal_size(reader, is_datetime_size, field), field, value);
  return in_range(value) ? reader.ok() : note_range(reader, field);
}

/// `value` is all zero before.
[[gnu::noinline]] bool read_datetime(Reader& reader, const char* field, DateTime& value) noexcept {
  Bytes bytes;
  if (!is_datetime_size(reader.peek().value_or(0xff)) || !reader.short_lenenc_bytes(bytes))
    return read_told_datetime(reader, field, value);
  Known known(bytes);
  take_datetime(known, static_cast<std::uint8_t>(bytes.size()), field, value);
  return in_range(value) || note_range(reader, field);
}

// Apart from the values of every row: with room of their own for what is read, reading a number
// would begin with making that room.
[[gnu::noinline]] bool read_date(Reader& reader, const char* field, Value& into) noexcept {
  DateTime whole;
  (void)read_datetime(reader, field, whole);
  const Date date{whole.year, whole.month, whole.day};
  if (whole != DateTime{date.year, date.month, date.day}) reader.note(errc::bad_value, field);
  into = date;
  return reader.ok();
}

[[gnu::noinline]] bool read_time(Reader& reader, const char* field, Value& into) noexcept {
  const auto size = temporal_size(reader, is_time_size, field);
  Time value;
  if (size >= 8) {
    const std::uint8_t sign = reader.u8(field);
    if (sign > 1) reader.note(errc::bad_value, field);
    value.negative = sign != 0;
    value.days = reader.u32(field);
    value.hour = reader.u8(field);
    value.minute = reader.u8(field);
    value.second = reader.u8(field);
  }
  if (size == 12) value.microsecond = reader.u32(field);
  into = value;
  return clock_in_range(value) ? reader.ok() : note_range(reader, field);
}

constexpr ValueShape find_shape(FieldType type) noexcept {
  switch (type) {
    case FieldType::null: return ValueShape::none;
    case FieldType::tiny: return ValueShape::int8;
    case FieldType::short_:
    case FieldType::year: return ValueShape::int16;
    case FieldType::long_:
    case FieldType::int24: return ValueShape::int32;
    case FieldType::longlong: return ValueShape::int64;
    case FieldType::float_: return ValueShape::float32;
    case FieldType::double_: return ValueShape::float64;
    case FieldType::date: return ValueShape::date;
    case FieldType::timestamp:
    case FieldType::datetime: return ValueShape::datetime;
    case FieldType::time: return ValueShape::time;
    case FieldType::decimal:
    case FieldType::varchar:
    case FieldType::bit:
    case FieldType::vector:
    case FieldType::json:
    case FieldType::newdecimal:
    case FieldType::enum_:
    case FieldType::set:
    case FieldType::tiny_blob:
    case FieldType::medium_blob:
    case FieldType::long_blob:
    case FieldType::blob:
    case FieldType::var_string:
    case FieldType::string:
    case FieldType::geometry: return ValueShape::bytes;
    default: return ValueShape::invalid;
  }
}

// Looked up for each value of each row.
constexpr std::array<ValueShape, 256> shapes = [] {
  std::array<ValueShape, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) table[i] = find_shape(static_cast<FieldType>(i));
  return table;
}();

/// Whom a reader tells of what it reads.
enum class Told { nobody, whoever };

/// The number of `size` bytes that is next. False if only a reader that tells whoever can say more.
template <Told told, unsigned size>
[[gnu::always_inline]] inline bool read_number(Reader& reader, const char* field,
                                               std::uint64_t& bits) noexcept {
  if constexpr (told == Told::nobody) return reader.untold_int(size, bits);
  bits = size == 1   ? reader.u8(field)
         : size == 2 ? reader.u16(field)
         : size == 4 ? reader.u32(field)
                     : reader.u64(field);
  return true;
}

template <Told told>
[[gnu::always_inline]] inline bool read_text(Reader& reader, const char* field,
                                             Bytes& bytes) noexcept {
  if constexpr (told == Told::nobody) return reader.short_lenenc_bytes(bytes);
  bytes = reader.lenenc_bytes(field);
  return true;
}

/// An integer of Signed's width, widened by its own sign.
template <class Signed, Told told>
[[gnu::always_inline]] inline bool read_integer(Reader& reader, bool is_unsigned, const char* field,
                                                Value& into) noexcept {
  std::uint64_t bits = 0;
  if (!read_number<told, sizeof(Signed)>(reader, field, bits)) return false;
  if (is_unsigned)
    into.emplace<std::uint64_t>(bits);
  else
    into.emplace<std::int64_t>(static_cast<Signed>(bits));
  return true;
}

template <class Float, class Bits, Told told>
[[gnu::always_inline]] inline bool read_float(Reader& reader, const char* field,
                                              Value& into) noexcept {
  std::uint64_t bits = 0;
  if (!read_number<told, sizeof(Bits)>(reader, field, bits)) return false;
  into.emplace<Float>(std::bit_cast<Float>(static_cast<Bits>(bits)));
  return true;
}

template <Told told>
bool read_value(Reader& reader, ValueType type, const char* field, Value& into) noexcept;

/// What is rare, apart: a long string, a value that is cut short, a reader that tells of its
/// fields.
[[gnu::noinline]] bool read_told_value(Reader& reader, ValueType type, const char* field,
                                       Value& into) noexcept {
  return read_value<Told::whoever>(reader, type, field, into);
}

/// Almost every value is a number or a short string that is whole and that nobody is told of. So
/// the first look, Told::nobody, has nothing to keep for what comes after a call: it ends with one.
template <Told told>
bool read_value(Reader& reader, ValueType type, const char* field, Value& into) noexcept {
  const bool is_unsigned = type.is_unsigned;
  bool is_read = true;
  switch (shapes[static_cast<std::uint8_t>(type.type)]) {
    case ValueShape::none: into.emplace<std::monostate>(); return reader.ok();
    case ValueShape::int8:
      is_read = read_integer<std::int8_t, told>(reader, is_unsigned, field, into);
      break;
    case ValueShape::int16:
      is_read = read_integer<std::int16_t, told>(
          reader, is_unsigned || type.type == FieldType::year, field, into);
      break;
    case ValueShape::int32:
      is_read = read_integer<std::int32_t, told>(reader, is_unsigned, field, into);
      break;
    case ValueShape::int64:
      is_read = read_integer<std::int64_t, told>(reader, is_unsigned, field, into);
      break;
    case ValueShape::float32:
      is_read = read_float<float, std::uint32_t, told>(reader, field, into);
      break;
    case ValueShape::float64:
      is_read = read_float<double, std::uint64_t, told>(reader, field, into);
      break;
    case ValueShape::date: return read_date(reader, field, into);
    case ValueShape::datetime: return read_datetime(reader, field, into.emplace<DateTime>());
    case ValueShape::time: return read_time(reader, field, into);
    case ValueShape::bytes: {
      Bytes bytes;
      is_read = read_text<told>(reader, field, bytes);
      if (is_read) into.emplace<std::string_view>(as_text(bytes));
      break;
    }
    case ValueShape::invalid:
      into.emplace<std::monostate>();
      reader.fail(errc::bad_value, field);
      return false;
    default: __builtin_unreachable();  // the table has no others, and need not be asked for them
  }
  if constexpr (told == Told::nobody) return is_read || read_told_value(reader, type, field, into);
  return reader.ok();
}

/// The bits of an integer value if it fits a field of `size` bytes, checked before it is cut.
bool integer_bits(const Value& value, unsigned size, bool is_unsigned, std::uint64_t& bits,
                  errc& why) noexcept {
  const std::uint64_t largest =
      std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * size + (is_unsigned ? 0 : 1));
  why = errc::too_long;
  if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    bits = *natural;
    return bits <= largest;
  }
  const auto* integer = std::get_if<std::int64_t>(&value);
  if (integer == nullptr) {
    why = errc::bad_value;
    return false;
  }
  bits = static_cast<std::uint64_t>(*integer);
  if (*integer >= 0) return bits <= largest;
  // ~x of a negative x is -x - 1, so the smallest value is allowed and nothing overflows.
  if (is_unsigned || ~bits > largest) return false;
  bits &= std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * size);
  return true;
}

void write_integer(Writer& writer, const Value& value, unsigned size, bool is_unsigned,
                   const char* field) {
  std::uint64_t bits = 0;
  errc why = errc::ok;
  if (!integer_bits(value, size, is_unsigned, bits, why)) return writer.fail(why, field);
  switch (size) {
    case 1: return writer.u8(bits, field);
    case 2: return writer.u16(bits, field);
    case 4: return writer.u32(bits, field);
    default: return writer.u64(bits, field);
  }
}

void write_datetime(Writer& writer, const DateTime& value, const char* field) {
  const bool has_clock = value.hour != 0 || value.minute != 0 || value.second != 0;
  const unsigned size = value.utc_offset         ? 13
                        : value.microsecond != 0 ? 11
                        : has_clock              ? 7
                        : value != DateTime{}    ? 4
                                                 : 0;
  writer.u8(size, field);
  if (size >= 4) {
    writer.u16(value.year, field);
    writer.u8(value.month, field);
    writer.u8(value.day, field);
  }
  if (size >= 7) {
    writer.u8(value.hour, field);
    writer.u8(value.minute, field);
    writer.u8(value.second, field);
  }
  if (size >= 11) writer.u32(value.microsecond, field);
  if (size == 13) writer.u16(static_cast<std::uint16_t>(*value.utc_offset), field);
}

void write_time(Writer& writer, const Time& value, const char* field) {
  // A zero span has no sign on the wire either, unless somebody sent one: keep it.
  const unsigned size = value.microsecond != 0 ? 12 : value != Time{} ? 8 : 0;
  writer.u8(size, field);
  if (size >= 8) {
    writer.u8(value.negative ? 1 : 0, field);
    writer.u32(value.days, field);
    writer.u8(value.hour, field);
    writer.u8(value.minute, field);
    writer.u8(value.second, field);
  }
  if (size == 12) writer.u32(value.microsecond, field);
}

/// The value's alternative T, or a failure.
template <class T>
const T* expect(Writer& writer, const Value& value, const char* field) noexcept {
  const T* found = std::get_if<T>(&value);
  if (found == nullptr) writer.fail(errc::bad_value, field);
  return found;
}

}  // namespace

ValueShape value_shape(FieldType type) noexcept { return shapes[static_cast<std::uint8_t>(type)]; }

bool read_binary_value(Reader& reader, ValueType type, const char* field, Value& into) noexcept {
  return read_value<Told::nobody>(reader, type, field, into);
}

Value read_binary_value(Reader& reader, ValueType type, const char* field) noexcept {
  Value value;
  (void)read_binary_value(reader, type, field, value);
  return value;
}

void skip_binary_value(Reader& reader, FieldType type, const char* field) noexcept {
  switch (value_shape(type)) {
    case ValueShape::none: return;
    case ValueShape::int8: return reader.skip(1, field);
    case ValueShape::int16: return reader.skip(2, field);
    case ValueShape::int32:
    case ValueShape::float32: return reader.skip(4, field);
    case ValueShape::int64:
    case ValueShape::float64: return reader.skip(8, field);
    case ValueShape::date:
    case ValueShape::datetime:
      return reader.skip(temporal_size(reader, is_datetime_size, field), field);
    case ValueShape::time: return reader.skip(temporal_size(reader, is_time_size, field), field);
    case ValueShape::bytes: return (void)reader.lenenc_bytes(field);
    case ValueShape::invalid: return reader.fail(errc::bad_value, field);
  }
}

void write_binary_value(Writer& writer, const Value& value, ValueType type, const char* field) {
  const ValueShape shape = value_shape(type.type);
  if (is_null(value)) return;  // of any type, as in reading
  if (shape == ValueShape::invalid) return writer.fail(errc::bad_value, field);
  const bool is_unsigned = type.is_unsigned || type.type == FieldType::year;
  switch (shape) {
    case ValueShape::int8: return write_integer(writer, value, 1, is_unsigned, field);
    case ValueShape::int16: return write_integer(writer, value, 2, is_unsigned, field);
    case ValueShape::int32: return write_integer(writer, value, 4, is_unsigned, field);
    case ValueShape::int64: return write_integer(writer, value, 8, is_unsigned, field);
    case ValueShape::float32:
      if (const auto* number = expect<float>(writer, value, field))
        writer.u32(std::bit_cast<std::uint32_t>(*number), field);
      return;
    case ValueShape::float64:
      if (const auto* number = expect<double>(writer, value, field))
        writer.u64(std::bit_cast<std::uint64_t>(*number), field);
      return;
    case ValueShape::date:
      if (const auto* date = expect<Date>(writer, value, field))
        write_datetime(writer, DateTime{date->year, date->month, date->day}, field);
      return;
    case ValueShape::datetime:
      if (const auto* datetime = expect<DateTime>(writer, value, field))
        write_datetime(writer, *datetime, field);
      return;
    case ValueShape::time:
      if (const auto* time = expect<Time>(writer, value, field)) write_time(writer, *time, field);
      return;
    case ValueShape::bytes:
      if (const auto* text = expect<std::string_view>(writer, value, field))
        writer.lenenc_text(*text);
      return;
    case ValueShape::none:
    case ValueShape::invalid: break;
  }
  writer.fail(errc::bad_value, field);  // a value for a column of type NULL
}

}  // namespace mysqlwire
