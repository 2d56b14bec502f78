#include <mysqlwire/capture/torn_packet.hpp>

#include <algorithm>
#include <cassert>

namespace mysqlwire::capture {

TornPacket::TornPacket(Bytes front) {
  assert(front.size() >= packet_header_size);
  const PacketHeader header = read_packet_header(front.data());
  front = front.subspan(packet_header_size);
  assert(front.size() < header.length);
  begin_frame(header);
  first_sequence_id_ = header.sequence_id;
  front_.assign(front.begin(), front.end());
  length_ = front.size();
  left_ -= static_cast<std::uint32_t>(front.size());
}

void TornPacket::begin_frame(PacketHeader header) noexcept {
  left_ = header.length;
  is_continued_ = header.length == max_frame_payload;
  last_sequence_id_ = header.sequence_id;
}

std::size_t TornPacket::skip(Bytes bytes) noexcept {
  std::size_t done = 0;
  while (!is_complete() && !is_out_of_order_ && done != bytes.size()) {
    if (left_ != 0) {
      const std::size_t some = std::min<std::size_t>(left_, bytes.size() - done);
      left_ -= static_cast<std::uint32_t>(some);
      length_ += some;
      done += some;
      continue;
    }
    header_[header_size_++] = bytes[done++];
    if (header_size_ != packet_header_size) continue;
    header_size_ = 0;
    const PacketHeader header = read_packet_header(header_);
    is_out_of_order_ = header.sequence_id != static_cast<std::uint8_t>(last_sequence_id_ + 1);
    begin_frame(header);
  }
  return done;
}

bool TornPacket::skip_missing(std::uint64_t size) noexcept {
  const std::uint64_t some = std::min<std::uint64_t>(left_, size);
  left_ -= static_cast<std::uint32_t>(some);
  length_ += some;
  return some == size;
}

}  // namespace mysqlwire::capture
