// Packets of any conversation, for the mutator of records.hpp to put in. Flag bit 7: the server's.
#pragma once

#include "records.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace mysqlwire::fuzz {

using namespace std::string_view_literals;

inline constexpr std::uint8_t of_server = 0x80;

inline constexpr TypicalRecord of_any_conversation[] = {
    {of_server, "\x00\x00\x00\x02\x00\x00\x00"sv},
    {of_server, "\x00\x00\x00\x03\x00\x00\x00"sv},
    {of_server, "\xfe\x00\x00\x02\x00"sv},
    {of_server, "\xfe\x00\x00\x02\x00\x00\x00"sv},
    {of_server, "\xff\x28\x04#42000no"sv},
    {of_server, "\x01"sv},
    {of_server,
     "\x03"
     "def\x00\x00\x00\x01"
     "a\x00\x0c\x3f\x00\x01\x00\x00\x00\x08\x81\x00\x00\x00\x00"sv},
    {of_server, "\x01\x31"sv},
    {0, "\x02test"sv},
    {0, "\x03SELECT 1"sv},
    {0,
     "\x03"
     "CALL p()"sv},
    {0, "\x0e"sv},
    {0, "\x1f"sv},
};

/// These and a target's own.
template <std::size_t N>
constexpr auto with_typical(const TypicalRecord (&own)[N]) {
  std::array<TypicalRecord, N + std::size(of_any_conversation)> all{};
  std::ranges::copy(own, std::ranges::copy(of_any_conversation, all.begin()).out);
  return all;
}

}  // namespace mysqlwire::fuzz
