// The tracker between two peers that may send anything: it must stay within its bounds and come to
// the same conclusions however the bytes are split.
//
// Input: start 1 (bit 0: at the greeting, else in the command phase; bit 1: MariaDB; bit 2: join in
// mid-stream; bit 3: resync after an error), capabilities 5, size of the pieces 1, then records:
// direction (bit 7) and length (low bits) 1, that many bytes of the stream of that direction.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/packet_scanner.hpp>
#include <mysqlwire/session/tracker.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

namespace {

constexpr std::size_t parameters_size = 7;
constexpr std::uint32_t most_pipelined = 16;

struct Start {
  bool from_greeting = false;
  bool midstream = false;
  bool resync = false;
  Context context;
  std::size_t piece = 1;
};

Start read_start(const std::uint8_t* data) {
  Start start;
  start.from_greeting = (data[0] & 1) != 0;
  start.context.flavor = (data[0] & 2) != 0 ? Flavor::mariadb : Flavor::mysql;
  start.midstream = (data[0] & 4) != 0;
  start.resync = (data[0] & 8) != 0;
  std::uint64_t bits = 0;
  for (int i = 4; i >= 0; --i) bits = bits << 8 | data[1 + i];
  start.context.capabilities = Capabilities(bits);
  start.context.limits.max_pipelined_commands = most_pipelined;
  start.piece = std::size_t{data[6]} + 1;
  return start;
}

// A relay: whole packets up to the end of the login, boundaries behind it.
class Relay {
 public:
  Relay(const Start& start, bool bulk_rows)
      : tracker_(start.from_greeting ? Tracker(start.context.limits)
                 : start.midstream   ? Tracker::midstream(start.context)
                                     : Tracker::in_command_phase(start.context)),
        resync_(start.resync),
        bulk_rows_(bulk_rows),
        streaming_(!start.from_greeting) {}

  void feed(Direction direction, Bytes input) {
    if (stopped_ || input.empty()) return;
    FrameReader& reader = readers_[static_cast<std::size_t>(direction)];
    if (!streaming_) {
      reader.feed(input);
      join(direction);
      return;
    }
    go_on(direction);
    stream(direction, input);
  }

  bool operator==(const Relay& other) const {
    return kinds_ == other.kinds_ && stopped_ == other.stopped_ &&
           tracker_.describe() == other.tracker_.describe() &&
           tracker_.rows() == other.tracker_.rows();
  }
  std::size_t packets() const { return kinds_.size(); }

 private:
  void join(Direction direction) {
    const auto index = static_cast<std::size_t>(direction);
    while (!stopped_ && !streaming_) {
      const auto packet = readers_[index].next();
      if (!packet) stopped_ = true;
      if (!packet || !packet.value()) return;
      note(tracker_.accept(direction, *packet.value()));
      if (stopped_ || tracker_.phase() < Phase::command) continue;
      streaming_ = true;
      go_on(direction);
    }
  }

  // What the reader still holds when the relay turns from packets to boundaries.
  void go_on(Direction direction) {
    FrameReader& reader = readers_[static_cast<std::size_t>(direction)];
    const Bytes rest = reader.unread();
    const Buffer copy(rest.begin(), rest.end());
    reader.drop_unread();
    if (!copy.empty()) stream(direction, copy);
  }

  // Packets of one frame each: a column count if one `begins`, definitions, an EOF, so many rows.
  void note_bulk(Bytes frames, bool begins, std::uint64_t rows) {
    std::vector<int> kinds;
    while (!frames.empty()) {
      const bool eof = frames[packet_header_size] == 0xfe;
      kinds.push_back(static_cast<int>(eof ? PacketKind::eof : PacketKind::column_definition));
      frames = frames.subspan(packet_header_size + read_packet_header(frames.data()).length);
    }
    require(kinds.size() >= rows + (begins ? 1 : 0));
    std::fill(kinds.end() - static_cast<std::ptrdiff_t>(rows), kinds.end(), row);
    if (begins) kinds.front() = static_cast<int>(PacketKind::column_count);
    kinds_.insert(kinds_.end(), kinds.begin(), kinds.end());
  }

  void stream(Direction direction, Bytes input) {
    PacketScanner& scanner = scanners_[static_cast<std::size_t>(direction)];
    while (!stopped_) {
      if (bulk_rows_ && direction == Direction::to_client && scanner.at_boundary()) {
        const std::uint64_t rows = tracker_.rows();
        const Tracker::Bulk bulk = tracker_.accept_bulk(input);
        note_bulk(input.first(bulk.size), bulk.begins, tracker_.rows() - (bulk.begins ? 0 : rows));
        input = input.subspan(bulk.size);
      }
      const auto step = scanner.next(input);
      if (!step) {
        stopped_ = true;
        return;
      }
      input = input.subspan(step->consumed);
      if (step->kind == PacketScanner::Step::Kind::need_more) return;
      if (step->kind == PacketScanner::Step::Kind::end) {
        tracker_.end_of_packet(direction, step->sequence_id);
        continue;
      }
      require(tracker_.needs(direction, step->frame_length) <= step->prefix.size());
      const Tracker copy(tracker_);
      tracker_ = copy;
      note(tracker_.accept({direction, step->sequence_id, step->frame_length, step->prefix}));
    }
  }

  void note(const Result<PacketKind>& kind) {
    require(tracker_.pending_commands() <= most_pipelined);
    require(kind.has_value() != tracker_.lost());
    if (kind) {
      const bool is_row = *kind == PacketKind::text_row || *kind == PacketKind::binary_row;
      kinds_.push_back(is_row ? row : static_cast<int>(*kind));
      return;
    }
    kinds_.push_back(-static_cast<int>(kind.error().code));
    if (resync_) {
      tracker_.resync();
      // Whoever resyncs has the boundaries of packets; without a login there are none.
      if (!streaming_) stopped_ = true;
    } else {
      stopped_ = true;
    }
  }

  static constexpr int row = 1000;

  Tracker tracker_;
  std::array<FrameReader, 2> readers_;
  std::array<PacketScanner, 2> scanners_;
  std::vector<int> kinds_;
  bool resync_;
  bool bulk_rows_;
  bool streaming_;
  bool stopped_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < parameters_size) return 0;
  const Start start = read_start(data);
  Bytes records(data + parameters_size, size - parameters_size);

  Relay whole(start, false), pieces(start, false), bulk(start, true);
  while (!records.empty()) {
    const Direction direction =
        (records[0] & 0x80) != 0 ? Direction::to_client : Direction::to_server;
    const std::size_t length = std::min<std::size_t>(records[0] & 0x7f, records.size() - 1);
    const Bytes bytes = records.subspan(1, length);
    records = records.subspan(1 + length);
    whole.feed(direction, bytes);
    bulk.feed(direction, bytes);
    in_pieces(bytes, start.piece, [&](Bytes piece) {
      pieces.feed(direction, piece);
      return true;
    });
  }
  require(whole == pieces);
  require(whole == bulk);
  require(whole.packets() <= size / packet_header_size + 1);
  return 0;
}
