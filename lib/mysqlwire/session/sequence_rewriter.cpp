#include <mysqlwire/session/sequence_rewriter.hpp>

#include <algorithm>

namespace mysqlwire {

bool SequenceRewriter::apply(std::span<std::uint8_t> stream, std::uint8_t& next) noexcept {
  bool renumbered = false;
  while (!stream.empty()) {
    if (body_left_ != 0) {
      const std::size_t size = std::min<std::size_t>(body_left_, stream.size());
      body_left_ -= static_cast<std::uint32_t>(size);
      stream = stream.subspan(size);
      continue;
    }
    const std::size_t size =
        std::min<std::size_t>(packet_header_size - header_size_, stream.size());
    std::ranges::copy(stream.first(size), header_.begin() + header_size_);
    header_size_ = static_cast<std::uint8_t>(header_size_ + size);
    if (header_size_ == packet_header_size) {
      const PacketHeader header = read_packet_header(header_.data());
      stream[size - 1] = next++;  // the id is a header's last byte
      last_seen_ = header.sequence_id;
      body_left_ = header.length;
      header_size_ = 0;
      renumbered = true;
    }
    stream = stream.subspan(size);
  }
  return renumbered;
}

}  // namespace mysqlwire
