// OK_Packet.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/status.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// A command without rows is done; or, with the header 0xfe and DEPRECATE_EOF, the rows are over.
///
/// | type           | field |
/// |----------------|-------|
/// | int<1>         | header: 0x00, or 0xfe in the place of an EOF_Packet |
/// | int<lenenc>    | affected_rows; of no meaning with 0xfe |
/// | int<lenenc>    | last_insert_id; of no meaning with 0xfe |
/// | int<2>         | status, with PROTOCOL_41 or TRANSACTIONS |
/// | int<2>         | warnings, with PROTOCOL_41 |
/// | string<lenenc> | info; may be missing at the end of the packet |
/// | string<lenenc> | session_state, with SESSION_TRACK when status has SESSION_STATE_CHANGED |
///
/// info has a length on the wire whether SESSION_TRACK is in force or not, and is written only when
/// it is not empty or session_state follows. Without SESSION_TRACK, one whose length does not fit
/// is noted and taken to have none (Vitess, for one, goes by the documentation there).
/// session_state is walked with SessionTrackItems. The views borrow from the payload. Errors: those
/// of the reader. A status that announces a session state that is not there is noted.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_ok_packet.html
struct OkPacket {
  static constexpr std::string_view name = "OkPacket";
  static constexpr std::uint8_t header = 0x00;
  static constexpr std::uint8_t header_as_eof = 0xfe;

  bool ends_rows = false;  ///< the header is 0xfe
  std::uint64_t affected_rows = 0;
  std::uint64_t last_insert_id = 0;
  StatusFlags status;
  std::uint16_t warnings = 0;
  std::string_view info;
  Bytes session_state;

  static Result<OkPacket> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
