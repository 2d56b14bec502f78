// Framing: FrameReader, PacketScanner and the writers agree, however the bytes are split.
//
// Input: frame limit 1 (0: the real one), size of the pieces 1, then the stream.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/packet_scanner.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

namespace {

struct Seen {
  std::uint8_t first_id = 0;
  std::uint8_t last_id = 0;
  std::uint64_t size = 0;
  bool operator==(const Seen&) const = default;
};

struct Outcome {
  std::vector<Seen> packets;
  errc error = errc::ok;
  bool operator==(const Outcome&) const = default;
};

// `again` gets what was read, written once more.
Outcome by_reader(Bytes stream, std::uint32_t max_frame, std::size_t piece, Buffer& again) {
  FrameReader reader(max_frame, std::uint64_t{1} << 30);
  Outcome outcome;
  std::size_t fed = 0;
  in_pieces(stream, piece, [&](Bytes input) {
    reader.feed(input);
    fed += input.size();
    for (;;) {
      const auto packet = reader.next();
      if (!packet) outcome.error = packet.error().code;
      if (!packet || !packet.value()) break;
      const Packet& found = *packet.value();
      outcome.packets.push_back(
          {found.first_sequence_id, found.last_sequence_id, found.payload.size()});
      std::uint8_t id = found.first_sequence_id;
      append_packet(again, found.payload, id, max_frame);
      require(static_cast<std::uint8_t>(id - 1) == found.last_sequence_id);
    }
    require(reader.capacity() <= 2 * fed + 1024);
    return outcome.error == errc::ok;
  });
  return outcome;
}

Outcome by_scanner(Bytes stream, std::uint32_t max_frame, std::size_t piece, bool whole_first) {
  using Kind = PacketScanner::Step::Kind;
  PacketScanner scanner(max_frame);
  Outcome outcome;
  bool open = false;  // the last packet's end has not been seen
  in_pieces(stream, piece, [&](Bytes input) {
    for (;;) {
      PacketScanner::Whole whole;
      if (whole_first && scanner.whole(input, whole)) {
        outcome.packets.push_back({whole.sequence_id, whole.sequence_id, whole.payload.size()});
        input = input.subspan(whole.size);
        continue;
      }
      const auto step = scanner.next(input);
      if (!step) {
        outcome.error = step.error().code;
        break;
      }
      require(step->consumed <= input.size());
      input = input.subspan(step->consumed);
      if (step->kind == Kind::need_more) {
        require(input.empty());
        break;
      }
      if (step->kind == Kind::head) {
        require(step->prefix.size() ==
                std::min<std::size_t>(step->frame_length, PacketScanner::prefix_size));
        outcome.packets.push_back({step->sequence_id, 0, 0});
        open = true;
      } else {
        open = false;
        outcome.packets.back().last_id = step->sequence_id;
        outcome.packets.back().size = step->payload_size;
      }
    }
    return outcome.error == errc::ok;
  });
  if (open) outcome.packets.pop_back();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < 2) return 0;
  const std::uint32_t max_frame = data[0] == 0 ? max_frame_payload : data[0];
  const std::size_t piece = std::size_t{data[1]} + 1;
  const Bytes stream(data + 2, size - 2);

  Buffer again;
  const Outcome joined = by_reader(stream, max_frame, size, again);
  require(again.size() <= stream.size() && std::equal(again.begin(), again.end(), stream.begin()));
  Buffer again_in_pieces;
  require(by_reader(stream, max_frame, piece, again_in_pieces) == joined);
  require(again_in_pieces == again);

  const Outcome scanned = by_scanner(stream, max_frame, size, false);
  require(by_scanner(stream, max_frame, piece, false) == scanned);
  require(by_scanner(stream, max_frame, piece, true) == scanned);
  require(scanned.packets == joined.packets);
  require(scanned.error == joined.error);

  // What is written in place is what is written by copying.
  Buffer copied, in_place;
  std::uint8_t copied_id = data[1], in_place_id = data[1];
  append_packet(copied, stream, copied_id, max_frame);
  const std::size_t start = begin_packet(in_place);
  in_place.insert(in_place.end(), stream.begin(), stream.end());
  end_packet(in_place, start, in_place_id, max_frame);
  require(in_place == copied && in_place_id == copied_id);
  return 0;
}
