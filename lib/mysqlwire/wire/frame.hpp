// Packet framing: the 4-byte header in front of every payload, and the splitting of long payloads.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/message.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>

namespace mysqlwire {

/// | type | field                                                        |
/// |------|--------------------------------------------------------------|
/// | 3    | length of the frame's payload, 0 to 0xffffff                 |
/// | 1    | sequence id, one up per frame in either direction, 255 wraps |
///
/// A logical payload is cut into frames of max_frame_payload bytes; the last one is always shorter,
/// so a payload of k * max_frame_payload bytes ends with an empty frame.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
struct PacketHeader {
  std::uint32_t length = 0;
  std::uint8_t sequence_id = 0;

  friend bool operator==(const PacketHeader&, const PacketHeader&) = default;
};

inline constexpr std::size_t packet_header_size = 4;
inline constexpr std::uint32_t max_frame_payload = 0xffffff;

/// Reads a header. `bytes` points at packet_header_size readable bytes.
constexpr PacketHeader read_packet_header(const std::uint8_t* bytes) noexcept {
  return {static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
              static_cast<std::uint32_t>(bytes[2]) << 16,
          bytes[3]};
}

/// Writes a header to packet_header_size writable bytes. `header.length` is at most 0xffffff.
constexpr void write_packet_header(std::uint8_t* bytes, PacketHeader header) noexcept {
  bytes[0] = static_cast<std::uint8_t>(header.length);
  bytes[1] = static_cast<std::uint8_t>(header.length >> 8);
  bytes[2] = static_cast<std::uint8_t>(header.length >> 16);
  bytes[3] = header.sequence_id;
}

/// How many frames a payload of that many bytes takes, the empty trailing one included.
constexpr std::uint64_t frame_count(std::uint64_t payload_size,
                                    std::uint32_t max_frame = max_frame_payload) noexcept {
  return payload_size / max_frame + 1;
}

/// Appends `payload` to `out`, cut into frames of `max_frame` bytes (tests use small ones; 1 to
/// 0xffffff). The first frame gets `sequence_id`; afterwards it is the id of the next frame to
/// send. `payload` must not lie in `out`.
void append_packet(Buffer& out, Bytes payload, std::uint8_t& sequence_id,
                   std::uint32_t max_frame = max_frame_payload);

/// Leaves room for the header of a packet whose payload is going to be written straight into `out`.
/// Returns where the packet starts, for end_packet().
std::size_t begin_packet(Buffer& out);

/// Ends the packet that begin_packet() started at `start`: everything behind that header is its
/// payload. Writes the header; a payload of `max_frame` bytes or more is cut in place. Advances
/// `sequence_id` like append_packet().
void end_packet(Buffer& out, std::size_t start, std::uint8_t& sequence_id,
                std::uint32_t max_frame = max_frame_payload);

/// Encodes a message straight into `out` as a packet and returns the size of its payload. When a
/// field does not fit its wire type, `out` and `sequence_id` are left as they were.
template <Message M>
Result<std::size_t> append_message(Buffer& out, const M& message, const Context& context,
                                   std::uint8_t& sequence_id,
                                   std::uint32_t max_frame = max_frame_payload) {
  const std::size_t start = begin_packet(out);
  Writer writer(out, M::name.data());
  message.encode(writer, context);
  if (!writer.ok()) {
    out.resize(start);
    return writer.error();
  }
  const std::size_t size = out.size() - start - packet_header_size;
  end_packet(out, start, sequence_id, max_frame);
  return size;
}

}  // namespace mysqlwire
