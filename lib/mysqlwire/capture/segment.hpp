// From a captured frame to the TCP segment in it: link layer, IP, fragments.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mysqlwire::capture {

/// One end of a connection. An IPv4 address has its four bytes in front and is no IPv6 one.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  bool is_v6 = false;
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// "192.0.2.1:3306", "[2001:db8::1]:3306".
std::string to_string(const Endpoint& endpoint);

/// The flags of a TCP header.
namespace tcp_flags {
inline constexpr std::uint8_t fin = 0x01;
inline constexpr std::uint8_t syn = 0x02;
inline constexpr std::uint8_t rst = 0x04;
inline constexpr std::uint8_t ack = 0x10;
}  // namespace tcp_flags

/// One TCP segment. The payload borrows from the frame, or, when it came in IP fragments, from the
/// Dissector until its next call.
struct Segment {
  Endpoint source;
  Endpoint destination;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledged = 0;  ///< only meaningful with the ACK flag
  std::uint8_t flags = 0;
  Bytes payload;
  /// Bytes of payload that the frame had and the capture has not (snap length).
  std::uint32_t cut = 0;
};

/// The link types of capture files that are understood, by their LINKTYPE_ numbers.
///
/// Source: https://www.tcpdump.org/linktypes.html
enum class LinkType : std::uint16_t {
  null = 0,      ///< BSD loopback: address family in the byte order of the capturing host
  ethernet = 1,  ///< with any number of VLAN tags
  raw_12 = 12,   ///< raw IP, as some systems number it
  raw_14 = 14,   ///< and others
  raw = 101,     ///< raw IP; version from its first four bits
  loop = 108,    ///< OpenBSD loopback: address family in network byte order
  linux_sll = 113,
  ipv4 = 228,
  ipv6 = 229,
  linux_sll2 = 276,
};

/// True when frames of that type can be dissected.
bool is_supported(LinkType type) noexcept;

/// What a frame turned out to be.
enum class FrameKind : std::uint8_t {
  tcp,       ///< the segment is filled in
  fragment,  ///< part of an IP datagram of which other parts are missing yet
  other,     ///< not TCP over IP
  cut,       ///< cut by the snap length before the end of the TCP header
  broken,    ///< a length or header contradicts the frame
};

/// Takes frames apart. Keeps what is needed to put IP fragments together, of at most max_datagrams
/// datagrams at a time (the oldest is dropped), so its memory is bounded whatever comes.
///
/// Source: RFC 791, RFC 8200, RFC 9293, IEEE 802.1Q
class Dissector {
 public:
  static constexpr std::size_t max_datagrams = 64;

  /// `frame` is what was captured of a frame that had `length` bytes on the wire.
  FrameKind dissect(LinkType type, Bytes frame, std::uint64_t length, Segment& segment);

 private:
  /// One IP datagram that comes in pieces.
  struct Datagram {
    Endpoint source;
    Endpoint destination;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;
    std::uint64_t age = 0;
    std::vector<std::uint8_t> data;
    std::vector<bool> have;  ///< by unit of 8 bytes
    std::size_t size = 0;    ///< 0: the last fragment has not come
  };

  /// An IP packet with its headers read.
  struct Ip {
    Endpoint source;
    Endpoint destination;
    Bytes payload;
    std::uint64_t length = 0;  ///< of the payload on the wire
    std::uint8_t protocol = 0;
    std::uint32_t fragment_id = 0;
    std::uint32_t fragment_offset = 0;  ///< in bytes
    bool more_fragments = false;
  };

  FrameKind dissect_ip(Bytes packet, std::uint64_t length, Segment& segment);
  FrameKind join(Ip& ip);
  static FrameKind read_ipv4(Bytes packet, std::uint64_t length, Ip& ip);
  static FrameKind read_ipv6(Bytes packet, std::uint64_t length, Ip& ip);
  static FrameKind read_tcp(const Ip& ip, Segment& segment);

  std::vector<Datagram> datagrams_;
  std::vector<std::uint8_t> joined_;
  std::uint64_t clock_ = 0;
};

}  // namespace mysqlwire::capture
