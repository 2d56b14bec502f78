// The PROXY protocol: whose connection it really is, said in front of everything else.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlwire {

/// One end of a connection over IP.
struct ProxyAddress {
  std::array<std::uint8_t, 16> ip{};  ///< network order; IPv4 takes the first 4 bytes
  std::uint16_t port = 0;

  friend bool operator==(const ProxyAddress&, const ProxyAddress&) = default;
};

/// What kind of addresses a ProxyHeader holds. The values are those of version 2.
enum class ProxyFamily : std::uint8_t {
  unspecified = 0x00,  ///< no addresses: UNKNOWN in version 1, and whatever LOCAL says
  tcp4 = 0x11,
  udp4 = 0x12,
  tcp6 = 0x21,
  udp6 = 0x22,
  unix_stream = 0x31,
  unix_datagram = 0x32,
};

/// Types of the TLVs of version 2.
enum class ProxyTlvType : std::uint8_t {
  alpn = 0x01,
  authority = 0x02,  ///< the name that the client asked for (SNI)
  crc32c = 0x03,     ///< big-endian, over the whole header with these 4 bytes zero
  noop = 0x04,
  unique_id = 0x05,
  ssl = 0x20,
  netns = 0x30,
};

/// Type, length and value. Borrowed from the header.
struct ProxyTlv {
  std::uint8_t type = 0;
  Bytes value;
};

/// Walks a block of TLVs, which ProxyHeader::decode() has looked through. In a block from elsewhere
/// it stops at the first that is cut.
class ProxyTlvs {
 public:
  explicit ProxyTlvs(Bytes block) noexcept : rest_(block) {}
  /// The next one, or nothing at the end.
  std::optional<ProxyTlv> next() noexcept;
  /// Nothing is left, not even a piece of one.
  bool at_end() const noexcept { return rest_.empty(); }

 private:
  Bytes rest_;
};

/// Version 1, at most 107 bytes:
///
///   "PROXY TCP4 192.0.2.1 192.0.2.2 56324 3306\r\n", the same with TCP6, or
///   "PROXY UNKNOWN ...\r\n"
///
/// Version 2, integers big-endian:
///
/// | type       | field                                                                  |
/// |------------|------------------------------------------------------------------------|
/// | string<12> | signature 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a                          |
/// | int<1>     | version and command: 0x21 PROXY, 0x20 LOCAL                            |
/// | int<1>     | family and transport: ProxyFamily                                      |
/// | int<2>     | length of what follows                                                 |
/// | addresses  | IPv4 12, IPv6 36, unix 216 bytes: source, destination, then both ports |
/// | TLVs       | int<1> type, int<2> length, value                                      |
///
/// LOCAL is a connection of the sender's own, a health check: its addresses mean nothing and are
/// not read. Whatever else a v2 header of family unspecified holds is not read either.
///
/// Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
struct ProxyHeader {
  static constexpr std::string_view name = "ProxyHeader";
  static constexpr std::size_t max_v1_size = 107;
  static constexpr std::size_t v2_fixed_size = 16;
  /// What a receiver should be ready for unless told otherwise, in bytes.
  static constexpr std::size_t default_max_size = 2048;

  std::uint8_t version = 2;  ///< 1 or 2
  bool local = false;
  ProxyFamily family = ProxyFamily::unspecified;
  ProxyAddress source;
  ProxyAddress destination;
  Bytes source_path;  ///< unix sockets: at most 108 bytes, without the NULs at the end
  Bytes destination_path;
  Bytes tlvs;  ///< version 2; see ProxyTlvs

  /// How long the header at the start of a stream is; nothing while more bytes are needed to tell,
  /// or to have all of it. Never asks for more than `max_size`. bad_value as soon as a byte fits
  /// neither version: what came is something else. too_long when it is over `max_size`, or version
  /// 1 has no end within 107 bytes.
  static Result<std::optional<std::size_t>> size_in(
      Bytes stream, std::size_t max_size = default_max_size) noexcept;

  /// From the whole header and nothing else. A CRC32C that is there has to be right.
  static Result<ProxyHeader> decode(Bytes header, const Context& context) noexcept;
  /// A CRC32C TLV in `tlvs` gets its value. Version 1 with a family that it can't say is UNKNOWN.
  void encode(Writer& writer, const Context& context) const;

  /// The first TLV of that type.
  std::optional<Bytes> tlv(ProxyTlvType type) const noexcept;
};

/// "192.0.2.1", "2001:db8::1" or, for what is no IP family, nothing at all.
std::string ip_text(ProxyFamily family, const ProxyAddress& address);

}  // namespace mysqlwire
