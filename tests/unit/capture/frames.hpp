// Captured frames for tests, built byte by byte.
#pragma once

#include <mysqlwire/capture/segment.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire::test {

inline void be16(Buffer& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

inline void be32(Buffer& out, std::uint32_t value) {
  be16(out, value >> 16);
  be16(out, value & 0xffff);
}

/// A TCP header of 20 bytes and its payload.
inline Buffer tcp(unsigned from, unsigned to, std::uint32_t sequence, std::uint32_t acknowledged,
                  std::uint8_t flags, std::string_view payload) {
  Buffer out;
  be16(out, from);
  be16(out, to);
  be32(out, sequence);
  be32(out, acknowledged);
  out.push_back(0x50);
  out.push_back(flags);
  be16(out, 65535);
  be32(out, 0);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

/// An IPv4 packet from 10.0.0.1 to 10.0.0.2. `fragment` is the field with flags and offset.
inline Buffer ipv4(const Buffer& content, unsigned fragment = 0, bool back = false) {
  Buffer out{0x45, 0};
  be16(out, static_cast<unsigned>(20 + content.size()));
  be16(out, 7);
  be16(out, fragment);
  out.push_back(64);
  out.push_back(6);
  be16(out, 0);
  be32(out, back ? 0x0a000002 : 0x0a000001);
  be32(out, back ? 0x0a000001 : 0x0a000002);
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

/// An IPv6 packet from ::1 to ::1 whose first header has that number.
inline Buffer ipv6(const Buffer& content, std::uint8_t next = 6) {
  Buffer out{0x60, 0, 0, 0};
  be16(out, static_cast<unsigned>(content.size()));
  out.push_back(next);
  out.push_back(64);
  for (int i = 0; i < 2; ++i) {
    out.insert(out.end(), 15, 0);
    out.push_back(1);
  }
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

inline Buffer ethernet(const Buffer& content, unsigned type = 0x0800, int vlan_tags = 0) {
  Buffer out(12, 0x02);
  for (int i = 0; i < vlan_tags; ++i) {
    be16(out, i == 0 && vlan_tags > 1 ? 0x88a8 : 0x8100);
    be16(out, 42);
  }
  be16(out, type);
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

}  // namespace mysqlwire::test
