// The session state block of an OK_Packet.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace mysqlwire {

/// What a session state item is about.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_ok_packet.html
enum class SessionTrackType : std::uint8_t {
  system_variables = 0,
  schema = 1,
  state_change = 2,
  gtids = 3,  ///< MySQL only
  transaction_characteristics = 4,
  transaction_state = 5,
};

/// The header's name, such as "SESSION_TRACK_SCHEMA"; empty for an unknown type.
std::string_view to_string(SessionTrackType type) noexcept;

/// One item. Borrows from the block.
///
/// | type           | field |
/// |----------------|-------|
/// | int<lenenc>    | type |
/// | string<lenenc> | data, by type: |
/// | 0              | pairs of string<lenenc>: name, value; walk with SystemVariables |
/// | 1, 4, 5        | string<lenenc>: schema, SQL to start the transaction again, 8 state
/// characters | | 2              | string[1], '1': no inner length | | 3              | int<1>
/// encoding, string<lenenc> GTID set as text | | other          | unknown: kept as it is |
struct SessionTrackItem {
  SessionTrackType type = SessionTrackType::system_variables;
  Bytes data;  ///< undecoded

  /// The text of a schema, characteristics, transaction state or GTID item, and "1" of a state
  /// change. Errors: those of the reader; unsupported for system variables and unknown types.
  Result<std::string_view> text(const Context& context) const noexcept;

  /// What text() gives, as an item's data.
  static void write_text(Writer& writer, SessionTrackType type, std::string_view text);
  /// A system variable as an item.
  static void write_variable(Writer& writer, std::string_view name, std::string_view value);
};

/// A name and its value, as the server had it when it made the packet.
struct SystemVariable {
  std::string_view name;
  std::string_view value;

  friend bool operator==(const SystemVariable&, const SystemVariable&) = default;
};

/// Walks the pairs of a system variables item. Servers send one pair an item; several are legal.
class SystemVariables {
 public:
  SystemVariables(Bytes data, const Context& context) noexcept
      : reader_(data, "SessionTrackSystemVariables", context) {}

  /// The next pair; nothing at the end or on an error, which ok() tells apart.
  std::optional<SystemVariable> next() noexcept;
  bool ok() const noexcept { return reader_.ok(); }
  Error error() const noexcept { return reader_.error(); }

 private:
  Reader reader_;
};

/// Walks the items of a session state block, which it borrows.
class SessionTrackItems {
 public:
  SessionTrackItems(Bytes block, const Context& context) noexcept
      : reader_(block, "SessionTrack", context) {}

  /// The next item; nothing at the end or on an error, which ok() tells apart.
  std::optional<SessionTrackItem> next() noexcept;
  bool ok() const noexcept { return reader_.ok(); }
  Error error() const noexcept { return reader_.error(); }

 private:
  Reader reader_;
};

}  // namespace mysqlwire
