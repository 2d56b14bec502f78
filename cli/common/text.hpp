// Pieces of text that several formats write. All append to a string and allocate nothing else.
#pragma once

#include <mysqlwire/capture/columns.hpp>
#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace cli {

void append_number(std::string& out, std::uint64_t value);
void append_signed(std::string& out, std::int64_t value);
void append_hex(std::string& out, mysqlwire::Bytes bytes);

/// Nanoseconds as seconds with `digits` (6 or 9) decimals.
void append_seconds(std::string& out, std::int64_t nanoseconds, unsigned digits);
/// Nanoseconds as milliseconds with six decimals, as short as they go.
void append_milliseconds(std::string& out, std::int64_t nanoseconds);

/// Text for a terminal or a line of a log: control characters and bytes that are no UTF-8 are
/// written as \n, \x1b …, so that nothing from the wire acts on a terminal.
void append_printable(std::string& out, std::string_view text);
std::string to_printable(std::string_view text);

/// A server's error message without the values in it: from its first quote to its last it is '?'. A
/// quote in a value is not escaped, so that what stands between two is not told apart.
std::string without_quoted(std::string_view message);

bool is_ascii(std::string_view text) noexcept;

/// Whether the value is text that can be shown as it is, in its character set. `converted` is used
/// when it has to be turned into UTF-8 first (latin1). Nothing for bytes that are no text.
std::string_view as_utf8(std::string_view value, const mysqlwire::capture::ColumnType& column,
                         std::string& converted, bool& is_text);

/// MySQL's name of a message, such as "HandshakeV10" or "COM_QUERY".
std::string_view message_name(const mysqlwire::capture::SeenMessage& message);

/// "COM_QUERY"; "COM_0x99" for a byte that is no command.
std::string command_name(mysqlwire::Command command);

std::string_view direction_name(mysqlwire::Direction direction);  ///< "c2s", "s2c"
std::string_view outcome_name(mysqlwire::capture::Outcome outcome);
std::string_view end_name(mysqlwire::capture::TcpStream::End end);
std::string_view compression_name(mysqlwire::capture::Compression compression);

}  // namespace cli
