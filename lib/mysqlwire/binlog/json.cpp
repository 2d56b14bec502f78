#include <mysqlwire/binlog/json.hpp>
#include <mysqlwire/binlog/row_value.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/value_text.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace mysqlwire::binlog {

namespace {

enum class Kind : std::uint8_t {
  small_object = 0,
  large_object = 1,
  small_array = 2,
  large_array = 3,
  literal = 4,
  int16 = 5,
  uint16 = 6,
  int32 = 7,
  uint32 = 8,
  int64 = 9,
  uint64 = 10,
  double_ = 11,
  string = 12,
  opaque = 15,
};

constexpr unsigned most_depth = 100;

void append_quoted(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (byte >= 0x20) {
          out += c;
        } else {
          out += "\\u00";
          out += digits[byte >> 4];
          out += digits[byte & 15];
        }
    }
  }
  out += '"';
}

void append_base64(std::string& out, Bytes bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16 |
                                (left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8 : 0U) |
                                (left > 2 ? bytes[i + 2] : 0U);
    out += digits[group >> 18];
    out += digits[group >> 12 & 63];
    out += left > 1 ? digits[group >> 6 & 63] : '=';
    out += left > 2 ? digits[group & 63] : '=';
  }
}

// The form in which the server computes with dates and times: 24 bits of microseconds below hours,
// minutes and seconds, below days and months.
Value unpack_time(FieldType type, std::int64_t packed) noexcept {
  const bool negative = packed < 0;
  const std::uint64_t span =
      negative ? ~static_cast<std::uint64_t>(packed) + 1 : static_cast<std::uint64_t>(packed);
  const auto microsecond = static_cast<std::uint32_t>(span & 0xffffff);
  const auto clock = static_cast<std::uint32_t>(span >> 24 & 0x3ffffff);
  const auto minute = static_cast<std::uint8_t>(clock >> 6 & 63);
  const auto second = static_cast<std::uint8_t>(clock & 63);
  if (type == FieldType::time) {
    const std::uint32_t hours = clock >> 12 & 1023;
    return Time{negative, hours / 24, static_cast<std::uint8_t>(hours % 24),
                minute,   second,     microsecond};
  }
  const auto day = static_cast<std::uint8_t>(span >> 41 & 31);
  const auto months = static_cast<std::uint32_t>(span >> 46 & 0x1ffff);
  const auto year = static_cast<std::uint16_t>(months / 13);
  const auto month = static_cast<std::uint8_t>(months % 13);
  if (type == FieldType::date) return Date{year, month, day};
  return DateTime{year,   month,  day,        static_cast<std::uint8_t>(clock >> 12 & 31),
                  minute, second, microsecond};
}

// Prints a document. Every printed value and every printed byte of text is paid for out of a budget
// of the document's size: in an honest document each takes at least as much of it.
class Printer {
 public:
  Printer(std::string& out, std::size_t budget) : out_(out), budget_(budget) {}

  // Bytes is what follows the type, up to the end of what surrounds it.
  bool value(Kind kind, Bytes bytes, unsigned depth) {
    if (!pay(1)) return false;
    Reader reader(bytes, "JSON", Context{});
    switch (kind) {
      case Kind::small_object: return depth < most_depth && container(bytes, 2, true, depth + 1);
      case Kind::large_object: return depth < most_depth && container(bytes, 4, true, depth + 1);
      case Kind::small_array: return depth < most_depth && container(bytes, 2, false, depth + 1);
      case Kind::large_array: return depth < most_depth && container(bytes, 4, false, depth + 1);
      case Kind::literal: return literal(reader);
      case Kind::int16: print(std::int64_t{static_cast<std::int16_t>(reader.u16("value"))}); break;
      case Kind::uint16: print(std::uint64_t{reader.u16("value")}); break;
      case Kind::int32: print(std::int64_t{static_cast<std::int32_t>(reader.u32("value"))}); break;
      case Kind::uint32: print(std::uint64_t{reader.u32("value")}); break;
      case Kind::int64: print(static_cast<std::int64_t>(reader.u64("value"))); break;
      case Kind::uint64: print(reader.u64("value")); break;
      case Kind::double_: floating(std::bit_cast<double>(reader.u64("value"))); break;
      case Kind::string: {
        const std::string_view text = as_text(reader.bytes(length(reader), "value"));
        if (!reader.ok() || !pay(text.size())) return false;
        append_quoted(out_, text);
        break;
      }
      case Kind::opaque: return opaque(reader);
      default: return false;
    }
    return reader.ok();
  }

 private:
  bool pay(std::size_t amount) noexcept {
    if (amount > budget_) return false;
    budget_ -= amount;
    return true;
  }

  void print(const Value& value) { append_text(out_, value); }

  void floating(double value) {
    const std::size_t start = out_.size();
    print(value);
    // A double that is whole is still told apart from an integer.
    if (out_.find_first_not_of("-0123456789", start) == std::string::npos) out_ += ".0";
  }

  bool literal(Reader& reader) {
    static constexpr std::string_view names[] = {"null", "true", "false"};
    const std::uint8_t which = reader.u8("literal");
    if (!reader.ok() || which >= std::size(names)) return false;
    out_ += names[which];
    return true;
  }

  static std::uint64_t length(Reader& reader) noexcept {
    std::uint64_t size = 0;
    constexpr unsigned most_bytes = 5;
    for (unsigned i = 0; i < most_bytes; ++i) {
      const std::uint8_t byte = reader.u8("length");
      size |= std::uint64_t{byte & 0x7fU} << (7 * i);
      if ((byte & 0x80) == 0) return size;
    }
    reader.fail(errc::bad_value, "length");
    return 0;
  }

  bool opaque(Reader& reader) {
    const auto type = static_cast<FieldType>(reader.u8("type"));
    const Bytes bytes = reader.bytes(length(reader), "value");
    if (!reader.ok() || !pay(bytes.size())) return false;
    Reader inner(bytes, "JSON", Context{});
    switch (type) {
      case FieldType::newdecimal: {
        const std::uint8_t precision = inner.u8("precision");
        const std::uint8_t scale = inner.u8("scale");
        constexpr std::uint8_t most_digits = 65;
        if (!inner.ok() || precision > most_digits || scale > precision) return false;
        DecimalText scratch;
        const ColumnLayout layout{FieldType::newdecimal,
                                  static_cast<std::uint16_t>(precision << 8 | scale), false};
        print(read_row_value(inner, layout, scratch, "value"));
        return inner.ok();
      }
      case FieldType::date:
      case FieldType::time:
      case FieldType::datetime:
      case FieldType::timestamp: {
        const auto packed = static_cast<std::int64_t>(inner.u64("value"));
        if (!inner.ok()) return false;
        out_ += '"';
        append_text(out_, unpack_time(type, packed), {6, 0});
        out_ += '"';
        return true;
      }
      default:
        out_ += "\"base64:type";
        out_ += std::to_string(static_cast<unsigned>(type));
        out_ += ':';
        append_base64(out_, bytes);
        out_ += '"';
        return true;
    }
  }

  // An object or an array, whose offsets count from its own start and are `width` bytes.
  bool container(Bytes bytes, unsigned width, bool is_object, unsigned depth) {
    const auto number = [&](Reader& reader) -> std::uint64_t {
      return width == 2 ? reader.u16("number") : reader.u32("number");
    };
    Reader head(bytes, "JSON", Context{});
    const std::uint64_t count = number(head);
    const std::uint64_t size = number(head);
    if (!head.ok() || size > bytes.size()) return false;
    bytes = bytes.first(static_cast<std::size_t>(size));
    const std::uint64_t key_size = is_object ? width + 2 : 0;
    const std::uint64_t value_size = 1 + width;
    const std::uint64_t keys_at = 2ULL * width;
    if (size < keys_at || count > (size - keys_at) / (key_size + value_size)) return false;
    out_ += is_object ? '{' : '[';
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i != 0) out_ += ", ";
      if (is_object) {
        Reader entry(bytes.subspan(keys_at + i * key_size), "JSON", Context{});
        const std::uint64_t offset = number(entry);
        const std::uint64_t length = entry.u16("length");
        if (offset > size || length > size - offset || !pay(length)) return false;
        append_quoted(out_, as_text(bytes.subspan(offset, length)));
        out_ += ": ";
      }
      Reader entry(bytes.subspan(keys_at + count * key_size + i * value_size), "JSON", Context{});
      const auto kind = static_cast<Kind>(entry.u8("type"));
      const bool fits = kind == Kind::literal || kind == Kind::int16 || kind == Kind::uint16 ||
                        (width == 4 && (kind == Kind::int32 || kind == Kind::uint32));
      const Bytes inlined = entry.remaining();
      const std::uint64_t offset = number(entry);
      if (!fits && offset > size) return false;
      if (!value(kind, fits ? inlined : bytes.subspan(offset), depth)) return false;
    }
    out_ += is_object ? '}' : ']';
    return true;
  }

  std::string& out_;
  std::size_t budget_;
};

}  // namespace

bool append_json_text(std::string& out, Bytes document) {
  if (document.empty()) {
    out += "null";
    return true;
  }
  const std::size_t start = out.size();
  Printer printer(out, document.size());
  if (printer.value(static_cast<Kind>(document[0]), document.subspan(1), 0)) return true;
  out.resize(start);
  return false;
}

}  // namespace mysqlwire::binlog
