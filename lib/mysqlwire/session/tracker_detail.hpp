// First bytes of packets, shared by the tracker's source files. Not installed.
#pragma once

#include <mysqlwire/session/tracker.hpp>

#include <cstddef>
#include <cstdint>

namespace mysqlwire::detail {

inline constexpr std::uint8_t ok_byte = 0x00;
inline constexpr std::uint8_t auth_more_data_byte = 0x01;
inline constexpr std::uint8_t auth_next_factor_byte = 0x02;
inline constexpr std::uint8_t semi_sync_byte = 0xef;
inline constexpr std::uint8_t local_infile_byte = 0xfb;
inline constexpr std::uint8_t eof_byte = 0xfe;
inline constexpr std::uint8_t auth_switch_byte = 0xfe;
inline constexpr std::uint8_t err_byte = 0xff;

inline constexpr std::uint32_t smallest_err = 3;  // 0xFF and the code

inline bool starts_with(const PacketHead& head, std::uint8_t byte) noexcept {
  return head.frame_length != 0 && head.prefix[0] == byte;
}

inline std::uint8_t next_id(std::uint8_t sequence_id) noexcept {
  return static_cast<std::uint8_t>(sequence_id + 1);
}

inline std::size_t index_of(Direction direction) noexcept {
  return static_cast<std::size_t>(direction);
}

}  // namespace mysqlwire::detail
