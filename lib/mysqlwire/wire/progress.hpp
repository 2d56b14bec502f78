// MariaDB's progress report, an ERR_Packet that is none.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// How far a long statement has come. Sent any number of times before the reply, only with
/// MARIADB_CLIENT_PROGRESS (or the obsolete bit 29).
///
/// | type           | field |
/// |----------------|-------|
/// | int<1>         | 0xff |
/// | int<2>         | 0xffff |
/// | int<1>         | number of strings, 1 |
/// | int<1>         | stage, from 1 |
/// | int<1>         | max_stage |
/// | int<3>         | progress within the stage, in thousandths of a percent |
/// | string<lenenc> | text |
///
/// The view borrows from the payload. Errors: those of the reader.
///
/// Source: https://mariadb.com/kb/en/progress-reporting/
struct ProgressReport {
  static constexpr std::string_view name = "ProgressReport";
  static constexpr std::uint8_t header = 0xff;
  static constexpr std::uint16_t code = 0xffff;

  std::uint8_t stage = 0;
  std::uint8_t max_stage = 0;
  std::uint32_t progress = 0;
  std::string_view text;

  static Result<ProgressReport> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
