#include <mysqlwire/session/packet_scanner.hpp>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace mysqlwire {

static_assert(sizeof(PacketScanner) <= 64 && std::is_trivially_copyable_v<PacketScanner>);

Result<PacketScanner::Step> PacketScanner::next(Bytes input) noexcept {
  switch (state_) {
    case State::header: break;
    case State::body:
    case State::next_header: return pass(input);
    case State::failed: return fail(failure_);
  }
  if (held_ != 0 || input.size() < packet_header_size) return gather_head(input);
  const PacketHeader header = read_packet_header(input.data());
  if (header.length > max_frame_) return fail(errc::packet_too_large);
  const std::size_t wanted = std::min<std::size_t>(header.length, prefix_size);
  if (input.size() - packet_header_size < wanted) return gather_head(input);
  return start(header, input.subspan(packet_header_size, wanted), packet_header_size + wanted);
}

// Header and prefix come in pieces: collects them.
Result<PacketScanner::Step> PacketScanner::gather_head(Bytes input) noexcept {
  std::size_t consumed = 0;
  const auto take_up_to = [&](std::size_t target) {
    if (held_ < target && consumed < input.size()) {
      const std::size_t size = std::min(target - held_, input.size() - consumed);
      std::memcpy(held_bytes_.data() + held_, input.data() + consumed, size);
      held_ = static_cast<std::uint8_t>(held_ + size);
      consumed += size;
    }
    return held_ >= target;
  };

  Step need_more;
  if (!take_up_to(packet_header_size)) {
    need_more.consumed = consumed;
    return need_more;
  }
  const PacketHeader header = read_packet_header(held_bytes_.data());
  if (header.length > max_frame_) return fail(errc::packet_too_large);
  const std::size_t wanted = std::min<std::size_t>(header.length, prefix_size);
  if (!take_up_to(packet_header_size + wanted)) {
    need_more.consumed = consumed;
    return need_more;
  }
  held_ = 0;
  return start(header, Bytes(held_bytes_).subspan(packet_header_size, wanted), consumed);
}

PacketScanner::Step PacketScanner::start(PacketHeader header, Bytes prefix,
                                         std::size_t consumed) noexcept {
  state_ = State::body;
  sequence_id_ = header.sequence_id;
  last_frame_ = header.length < max_frame_;
  frame_left_ = header.length - static_cast<std::uint32_t>(prefix.size());
  payload_size_ = header.length;

  Step step;
  step.kind = Step::Kind::head;
  step.sequence_id = header.sequence_id;
  step.frame_length = header.length;
  step.consumed = consumed;
  step.prefix = prefix;
  return step;
}

// The rest of the packet: bodies and the headers of later frames, as far as the input goes.
Result<PacketScanner::Step> PacketScanner::pass(Bytes input) noexcept {
  Step step;
  for (;;) {
    if (state_ == State::body) {
      const std::size_t size = std::min<std::size_t>(frame_left_, input.size() - step.consumed);
      step.consumed += size;
      frame_left_ -= static_cast<std::uint32_t>(size);
      if (frame_left_ != 0) return step;
      if (last_frame_) {
        state_ = State::header;
        step.kind = Step::Kind::end;
        step.sequence_id = sequence_id_;
        step.payload_size = payload_size_;
        return step;
      }
      state_ = State::next_header;
    }

    const std::size_t size =
        std::min<std::size_t>(packet_header_size - held_, input.size() - step.consumed);
    if (size != 0) std::memcpy(held_bytes_.data() + held_, input.data() + step.consumed, size);
    step.consumed += size;
    held_ = static_cast<std::uint8_t>(held_ + size);
    if (held_ < packet_header_size) return step;
    held_ = 0;

    const PacketHeader header = read_packet_header(held_bytes_.data());
    if (check_sequence_ && header.sequence_id != static_cast<std::uint8_t>(sequence_id_ + 1))
      return fail(errc::packets_out_of_order);
    if (header.length > max_frame_) return fail(errc::packet_too_large);
    sequence_id_ = header.sequence_id;
    last_frame_ = header.length < max_frame_;
    frame_left_ = header.length;
    payload_size_ += header.length;
    state_ = State::body;
  }
}

Error PacketScanner::fail(errc code) noexcept {
  state_ = State::failed;
  failure_ = code;
  return {code, payload_size_, "Packet",
          code == errc::packets_out_of_order ? "sequence_id" : "length"};
}

}  // namespace mysqlwire
