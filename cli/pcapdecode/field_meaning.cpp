#include "cli/pcapdecode/field_meaning.hpp"

#include "cli/common/text.hpp"

#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/capture/utf8.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/error_code.hpp>
#include <mysqlwire/wire/field_type.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>
#include <mysqlwire/wire/session_track.hpp>
#include <mysqlwire/wire/status.hpp>
#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/stmt_bulk.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace pcapdecode {

using namespace mysqlwire;
using namespace cli;

namespace {

constexpr std::size_t longest_text = 256;

bool is_any(std::string_view name, std::initializer_list<std::string_view> all) noexcept {
  return std::find(all.begin(), all.end(), name) != all.end();
}

std::string hex_number(std::uint64_t value, unsigned digits) {
  std::string text = "0x";
  for (unsigned i = digits; i-- > 0;) text += "0123456789abcdef"[value >> (4 * i) & 0x0f];
  return text;
}

// Where the lowest bit of a field of capabilities stands among all of them; -1 for other fields.
int capability_shift(const FieldNode& node) noexcept {
  if (is_any(node.name, {"capability_flags_1", "client_flag"})) return 0;
  if (node.name == "capability_flags_2") return 16;
  if (is_any(node.name, {"capability_flags_3", "extended_client_flag"})) return 32;
  return -1;
}

bool is_status(const FieldNode& node) noexcept {
  return node.name == "status_flags" || (node.name == "status" && node.size == 2);
}

// Every flag of a set with its name.
template <class List>
void add_flags(std::vector<std::string>& out, const FieldNode& node, const List& all, int shift) {
  std::uint64_t left = node.value;
  const auto digits = static_cast<unsigned>(2 * node.size);
  for (const auto flag : all) {
    const std::uint64_t bit = static_cast<std::uint64_t>(flag) >> shift;
    const bool is_here =
        (static_cast<std::uint64_t>(flag) >> shift) << shift == static_cast<std::uint64_t>(flag) &&
        bit != 0 && (left & bit) == bit;
    if (!is_here) continue;
    left &= ~bit;
    out.push_back(hex_number(bit, digits) + ' ' + std::string(to_string(flag)));
  }
  if (left != 0) out.push_back(hex_number(left, digits) + " (no name)");
}

using NamedBits = std::pair<std::uint64_t, std::string_view>;

void add_bits(std::vector<std::string>& out, const FieldNode& node,
              std::initializer_list<NamedBits> all) {
  std::uint64_t left = node.value;
  const auto digits = static_cast<unsigned>(2 * node.size);
  for (const auto& [bit, name] : all) {
    if ((left & bit) != bit) continue;
    left &= ~bit;
    out.push_back(hex_number(bit, digits) + ' ' + std::string(name));
  }
  if (left != 0) out.push_back(hex_number(left, digits) + " (no name)");
}

std::string_view name_of_header(const FieldNode& node) noexcept {
  if (node.message == "AuthMoreData") return "AuthMoreData";
  switch (node.value) {
    case 0x00: return node.message == "BinaryResultsetRow" ? "row" : "OK";
    case 0xfb: return "LOCAL INFILE";
    case 0xfe: return node.message == "AuthSwitchRequest" ? "AuthSwitchRequest" : "EOF";
    case 0xff: return "ERR";
    default: return "";
  }
}

// PROXY headers: the one place where numbers are big-endian.
std::string proxy_meaning(const FieldNode& node, Bytes bytes) {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 8)))
    number = number << 8 | byte;
  if (node.name == "command") return number == 0x21 ? "PROXY" : number == 0x20 ? "LOCAL" : "";
  if (is_any(node.name, {"length", "source_port", "destination_port", "tlv_length"}))
    return std::to_string(number);
  if (node.name == "tlv_type") {
    switch (static_cast<ProxyTlvType>(number)) {
      case ProxyTlvType::alpn: return "PP2_TYPE_ALPN";
      case ProxyTlvType::authority: return "PP2_TYPE_AUTHORITY";
      case ProxyTlvType::crc32c: return "PP2_TYPE_CRC32C";
      case ProxyTlvType::noop: return "PP2_TYPE_NOOP";
      case ProxyTlvType::unique_id: return "PP2_TYPE_UNIQUE_ID";
      case ProxyTlvType::ssl: return "PP2_TYPE_SSL";
      case ProxyTlvType::netns: return "PP2_TYPE_NETNS";
    }
    return std::to_string(number);
  }
  const bool is_ip = is_any(node.name, {"source", "destination"}) && bytes.size() <= 16;
  if (!is_ip) return "";
  ProxyAddress address;
  std::copy(bytes.begin(), bytes.end(), address.ip.begin());
  return ip_text(bytes.size() == 4 ? ProxyFamily::tcp4 : ProxyFamily::tcp6, address);
}

// The name of a number; empty for a number that is just one.
std::string name_of(const FieldNode& node, Flavor flavor) {
  const auto number = node.value;
  if (node.name == "command") return command_name(static_cast<Command>(number));
  if (node.name == "header") return std::string(name_of_header(node));
  if (node.name == "character_set")
    return std::string(collation_name(static_cast<std::uint16_t>(number), flavor));
  if (node.name == "parameter_type" ||
      (node.name == "type" && node.message.starts_with("ColumnDefinition")))
    return std::string(to_string(static_cast<FieldType>(number)));
  if (node.name == "type" && node.message == "SessionTrackItem")
    return std::string(to_string(static_cast<SessionTrackType>(number)));
  if (node.name == "type" && node.message == binlog::EventHeader::name)
    return std::string(to_string(static_cast<binlog::EventType>(number)));
  if (node.name == "code")
    return std::string(error_name(static_cast<std::uint16_t>(number), flavor));
  if (node.name == "indicator") {
    static constexpr std::array<std::string_view, 4> names{"a value", "NULL", "DEFAULT", "IGNORE"};
    return number < names.size() ? std::string(names[number]) : "";
  }
  if (node.name == "option") return number == 0 ? "MULTI_STATEMENTS_ON" : "MULTI_STATEMENTS_OFF";
  if (node.name == "metadata_follows") return number == 0 ? "none" : "full";
  if (node.name == "extended_metadata.kind") return number == 0 ? "type" : "format";
  return "";
}

}  // namespace

FieldSecret secret_of(const FieldNode& node) noexcept {
  if (is_any(node.name, {"auth_plugin_data_part1", "auth_plugin_data_part2", "auth_response",
                         "plugin_provided_data", "authentication_method_data", "password"}))
    return node.form == FieldForm::lenenc ? FieldSecret::none : FieldSecret::login;
  const bool is_value =
      is_any(node.name, {"cell", "parameter_value", "query", "file_data", "rows", "payload"}) ||
      (is_any(node.name, {"value", "data"}) &&
       is_any(node.message, {"BinaryResultsetRow", "COM_STMT_BULK_EXECUTE",
                             "COM_STMT_SEND_LONG_DATA", "USER_VAR_EVENT"})) ||
      (node.name == "message" && node.message == "ErrPacket");
  return is_value ? FieldSecret::value : FieldSecret::none;
}

std::vector<std::string> flags_of(const FieldNode& node) {
  std::vector<std::string> flags;
  if (node.form != FieldForm::integer) return flags;
  if (const int shift = capability_shift(node); shift >= 0) {
    add_flags(flags, node, all_capabilities(), shift);
  } else if (is_status(node)) {
    add_flags(flags, node, all_status_flags(), 0);
  } else if (node.name == "parameter_flags") {
    add_bits(flags, node, {{0x80, "UNSIGNED"}});
  } else if (node.name == "flags" && node.message.starts_with("ColumnDefinition")) {
    add_flags(flags, node, all_column_flags(), 0);
  } else if (node.name == "flags" && node.message == ComStmtExecute::name) {
    add_bits(flags, node,
             {{1, "CURSOR_TYPE_READ_ONLY"},
              {2, "CURSOR_TYPE_FOR_UPDATE"},
              {4, "CURSOR_TYPE_SCROLLABLE"},
              {8, "PARAMETER_COUNT_AVAILABLE"}});
  } else if (node.name == "flags" && node.message == ComStmtBulkExecute::name) {
    add_bits(flags, node, {{64, "SEND_UNIT_RESULTS"}, {128, "SEND_TYPES_TO_SERVER"}});
  } else if (node.name == "flags" && node.message.starts_with("COM_BINLOG_DUMP")) {
    add_bits(flags, node, {{1, "BINLOG_DUMP_NON_BLOCK"}, {2, "SEND_ANNOTATE_ROWS"}});
  }
  return flags;
}

void append_meaning(std::string& out, const FieldNode& node, Bytes bytes, Flavor flavor) {
  if (node.message == ProxyHeader::name) {
    if (const std::string meaning = proxy_meaning(node, bytes); !meaning.empty()) {
      out += meaning;
      return;
    }
  }
  switch (node.form) {
    case FieldForm::null: out += "NULL"; return;
    case FieldForm::integer:
    case FieldForm::lenenc: {
      append_number(out, node.value);
      const std::string name = name_of(node, flavor);
      if (!name.empty()) out += ' ' + name;
      return;
    }
    case FieldForm::nul_terminated: bytes = bytes.first(bytes.size() - 1); break;
    case FieldForm::bytes: break;
  }
  const std::string_view text = as_text(bytes);
  const bool is_text = capture::is_utf8(text) &&
                       std::none_of(text.begin(), text.end(), [](char c) { return c == '\0'; });
  if (!is_text || (text.empty() && node.form == FieldForm::bytes && node.name == "filler")) return;
  out += '"';
  append_printable(out, text.substr(0, longest_text));
  out += text.size() > longest_text ? "…\"" : "\"";
}

}  // namespace pcapdecode
