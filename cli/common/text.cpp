#include "cli/common/text.hpp"

#include <mysqlwire/capture/utf8.hpp>
#include <mysqlwire/wire/collation.hpp>

#include <array>
#include <charconv>

namespace cli {

using namespace mysqlwire;

namespace {

// The apostrophe of "doesn't", as servers write it.
bool is_apostrophe(std::string_view text, std::size_t at) {
  return at != 0 && text[at - 1] == 'n' && text.substr(at).starts_with("'t ");
}

constexpr char hex_digits[] = "0123456789abcdef";

// Latin1 is Windows-1252 to MySQL. What 0x80 to 0x9f stand for there; its five unused places map
// to themselves.
constexpr std::array<std::uint16_t, 32> windows_1252{
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};

void append_code_point(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// Characters that stand for themselves in JSON and on a terminal alike.
constexpr auto plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

}  // namespace

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_signed(std::string& out, std::int64_t value) {
  char digits[21];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_hex(std::string& out, Bytes bytes) {
  for (const std::uint8_t byte : bytes) {
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 0x0f];
  }
}

void append_seconds(std::string& out, std::int64_t nanoseconds, unsigned digits) {
  constexpr std::int64_t second = 1'000'000'000;
  std::int64_t whole = nanoseconds / second;
  std::int64_t part = nanoseconds % second;
  if (part < 0) {
    part += second;
    --whole;
  }
  append_signed(out, whole);
  char text[10] = {'.'};
  for (unsigned i = 9; i > 0; --i, part /= 10) text[i] = static_cast<char>('0' + part % 10);
  out.append(text, digits + 1);
}

void append_milliseconds(std::string& out, std::int64_t nanoseconds) {
  if (nanoseconds < 0) {
    out += '-';
    nanoseconds = -nanoseconds;
  }
  append_signed(out, nanoseconds / 1'000'000);
  std::int64_t part = nanoseconds % 1'000'000;
  if (part == 0) return;
  char text[7] = {'.'};
  for (unsigned i = 6; i > 0; --i, part /= 10) text[i] = static_cast<char>('0' + part % 10);
  std::size_t size = sizeof text;
  while (text[size - 1] == '0') --size;
  out.append(text, size);
}

void append_printable(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t run = 0;
    while (run < text.size() && (plain[static_cast<unsigned char>(text[run])] || text[run] == '"'))
      ++run;
    out.append(text.data(), run);
    text.remove_prefix(run);
    if (text.empty()) break;
    const auto c = static_cast<unsigned char>(text[0]);
    unsigned length = capture::utf8_length(text);
    // U+0080 to U+009F are control characters too.
    const bool is_control = c < 0x20 || c == 0x7f || length == 0 ||
                            (c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0);
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (is_control) {
      length = length == 0 ? 1 : length;
      for (unsigned i = 0; i < length; ++i) {
        out += "\\x";
        append_hex(out, as_bytes(text.substr(i, 1)));
      }
    } else {
      out.append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

std::string to_printable(std::string_view text) {
  std::string out;
  append_printable(out, text);
  return out;
}

std::string without_quoted(std::string_view message) {
  constexpr std::size_t longest = 511;  // servers cut what is longer
  std::size_t first = message.size(), last = 0;
  for (std::size_t i = 0; i < message.size(); ++i) {
    if ((message[i] != '\'' && message[i] != '"') || is_apostrophe(message, i)) continue;
    first = std::min(first, i);
    last = i;
  }
  if (first == message.size()) return std::string(message);
  const bool has_end = last != first && message.size() < longest;
  return std::string(message.substr(0, first)) + "'?'" +
         std::string(has_end ? message.substr(last + 1) : "");
}

bool is_ascii(std::string_view text) noexcept {
  // Without a branch, so that it is done by vectors.
  unsigned char bits = 0;
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  return bits < 0x80;
}

std::string_view as_utf8(std::string_view value, const capture::ColumnType& column,
                         std::string& converted, bool& is_text) {
  is_text = true;
  switch (column.type.type) {
    case FieldType::bit:
    case FieldType::geometry:
    case FieldType::vector: is_text = false; return value;
    case FieldType::tiny_blob:
    case FieldType::medium_blob:
    case FieldType::long_blob:
    case FieldType::blob:
    case FieldType::var_string:
    case FieldType::string:
    case FieldType::varchar: break;
    default: is_text = capture::is_utf8(value); return value;  // digits, dates, JSON
  }
  if (is_binary(column.character_set)) {
    is_text = false;
    return value;
  }
  if (is_ascii(value)) return value;
  const std::string_view charset = charset_name(column.character_set);
  if (charset == "latin1") {
    converted.clear();
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      append_code_point(converted, byte >= 0x80 && byte < 0xa0 ? windows_1252[byte - 0x80U] : byte);
    }
    return converted;
  }
  is_text = (charset.starts_with("utf8") || charset.empty()) && capture::is_utf8(value);
  return value;
}

std::string command_name(Command command) {
  const std::string_view name = to_string(command);
  if (!name.empty()) return std::string(name);
  std::string text = "COM_0x";
  const auto byte = static_cast<std::uint8_t>(command);
  append_hex(text, Bytes(&byte, 1));
  return text;
}

std::string_view message_name(const capture::SeenMessage& message) {
  switch (message.kind) {
    case PacketKind::greeting: return "HandshakeV10";
    case PacketKind::ssl_request: return "SSLRequest";
    case PacketKind::handshake_response: return "HandshakeResponse";
    case PacketKind::old_auth_switch_request: return "OldAuthSwitchRequest";
    case PacketKind::auth_switch_request: return "AuthSwitchRequest";
    case PacketKind::auth_more_data: return "AuthMoreData";
    case PacketKind::auth_next_factor: return "AuthNextFactor";
    case PacketKind::auth_raw_data: return "AuthData";
    case PacketKind::auth_response: return "AuthSwitchResponse";
    case PacketKind::ok: return "OK_Packet";
    case PacketKind::err: return "ERR_Packet";
    case PacketKind::eof: return "EOF_Packet";
    case PacketKind::progress: return "ProgressReport";
    case PacketKind::column_count: return "ColumnCount";
    case PacketKind::column_definition:
    case PacketKind::parameter_definition:
    case PacketKind::field_list_definition: return "ColumnDefinition";
    case PacketKind::text_row: return "TextResultsetRow";
    case PacketKind::binary_row: return "BinaryResultsetRow";
    case PacketKind::result_end:
    case PacketKind::field_list_end:
      return message.length < 7 ? std::string_view("EOF_Packet") : std::string_view("OK_Packet");
    case PacketKind::local_infile_request: return "LOCAL_INFILE_Request";
    case PacketKind::prepare_ok: return "COM_STMT_PREPARE_OK";
    case PacketKind::statistics: return "Statistics";
    case PacketKind::binlog_event: return "BinlogEvent";
    case PacketKind::binlog_end: return "EOF_Packet";
    case PacketKind::command: {
      const std::string_view name = to_string(*message.command);
      return name.empty() ? std::string_view("COM_UNKNOWN") : name;
    }
    case PacketKind::infile_data:
    case PacketKind::infile_end: return "LOCAL_INFILE_Data";
    case PacketKind::semi_sync_ack: return "SemiSyncAck";
    case PacketKind::unexpected: return "Unexpected";
  }
  return "";
}

std::string_view direction_name(Direction direction) {
  return direction == Direction::to_server ? "c2s" : "s2c";
}

std::string_view outcome_name(capture::Outcome outcome) {
  switch (outcome) {
    case capture::Outcome::none: return "none";
    case capture::Outcome::ok: return "ok";
    case capture::Outcome::rows: return "rows";
    case capture::Outcome::error: return "error";
  }
  return "";
}

std::string_view end_name(capture::TcpStream::End end) {
  switch (end) {
    case capture::TcpStream::End::open: return "eof";
    case capture::TcpStream::End::fin: return "fin";
    case capture::TcpStream::End::rst: return "rst";
  }
  return "";
}

std::string_view compression_name(capture::Compression compression) {
  switch (compression) {
    case capture::Compression::none: return "none";
    case capture::Compression::zlib: return "zlib";
    case capture::Compression::zstd: return "zstd";
  }
  return "";
}

}  // namespace cli
