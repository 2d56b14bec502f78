#include <mysqlwire/wire/frame.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace mysqlwire {

void append_packet(Buffer& out, Bytes payload, std::uint8_t& sequence_id, std::uint32_t max_frame) {
  assert(max_frame > 0 && max_frame <= max_frame_payload);
  std::uint32_t length;
  do {
    length = static_cast<std::uint32_t>(std::min<std::size_t>(payload.size(), max_frame));
    std::uint8_t header[packet_header_size];
    write_packet_header(header, {length, sequence_id++});
    out.insert(out.end(), header, header + packet_header_size);
    out.insert(out.end(), payload.begin(), payload.begin() + length);
    payload = payload.subspan(length);
  } while (length == max_frame);
}

std::size_t begin_packet(Buffer& out) {
  const std::size_t start = out.size();
  out.resize(start + packet_header_size);
  return start;
}

void end_packet(Buffer& out, std::size_t start, std::uint8_t& sequence_id,
                std::uint32_t max_frame) {
  assert(max_frame > 0 && max_frame <= max_frame_payload);
  assert(start + packet_header_size <= out.size());
  const std::size_t size = out.size() - start - packet_header_size;
  const std::size_t more_frames = static_cast<std::size_t>(frame_count(size, max_frame)) - 1;
  out.resize(out.size() + more_frames * packet_header_size);

  // Frame i moves up by i headers. From the last to the first, so that nothing is overwritten
  // before it has moved.
  std::uint8_t* const payload = out.data() + start + packet_header_size;
  std::size_t length = size - more_frames * max_frame;
  for (std::size_t i = more_frames; i > 0; --i) {
    const std::size_t offset = i * max_frame;
    std::memmove(payload + offset + i * packet_header_size, payload + offset, length);
    write_packet_header(
        payload + offset + (i - 1) * packet_header_size,
        {static_cast<std::uint32_t>(length), static_cast<std::uint8_t>(sequence_id + i)});
    length = max_frame;
  }
  write_packet_header(out.data() + start, {static_cast<std::uint32_t>(length), sequence_id});
  sequence_id = static_cast<std::uint8_t>(sequence_id + more_frames + 1);
}

}  // namespace mysqlwire
