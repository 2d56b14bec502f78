// The command byte that begins every command's payload. Not installed.
#pragma once

#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>

namespace mysqlwire::detail {

/// Reads the command byte; another one than `command` is bad_value.
inline void read_command(Reader& reader, Command command) noexcept {
  if (reader.u8("command") != static_cast<std::uint8_t>(command))
    reader.fail_at(errc::bad_value, "command", 0);
}

inline void write_command(Writer& writer, Command command) {
  writer.u8(static_cast<std::uint8_t>(command), "command");
}

}  // namespace mysqlwire::detail
