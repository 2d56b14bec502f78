// Conversations as text, and ways to lead them through a Tracker.
#pragma once

#include <mysqlwire/session/packet_scanner.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <support/hex.hpp>

#include <cstdint>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlwire::test {

/// One logical packet with its frames.
struct Turn {
  Direction direction;
  std::uint8_t sequence_id;
  Buffer payload;
  Buffer frames;  ///< header and payload as on the wire
};

using Conversation = std::vector<Turn>;

/// Reads lines such as "S 07000001 00000002000000"; a packet is one frame.
inline Conversation conversation(std::string_view text) {
  Conversation turns;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    std::istringstream words(line);
    std::string who, header, payload;
    words >> who >> header >> payload;
    const ExactBytes header_bytes = hex(header);
    const ExactBytes payload_bytes = hex(payload);
    const PacketHeader head = read_packet_header(header_bytes.get().data());
    if (head.length != payload_bytes.size()) throw std::invalid_argument(line);
    Turn turn{who == "C" ? Direction::to_server : Direction::to_client, head.sequence_id, {}, {}};
    turn.payload.assign(payload_bytes.get().begin(), payload_bytes.get().end());
    std::uint8_t id = head.sequence_id;
    append_packet(turn.frames, turn.payload, id);
    turns.push_back(std::move(turn));
  }
  return turns;
}

/// The same packets cut into frames of `max_frame` bytes, their sequence ids counted anew: a packet
/// of the client with id 0 begins a command.
inline Conversation reframed(const Conversation& turns, std::uint32_t max_frame) {
  Conversation result = turns;
  std::uint8_t id = 0;
  for (Turn& turn : result) {
    if (turn.direction == Direction::to_server && turn.sequence_id == 0) id = 0;
    turn.sequence_id = id;
    turn.frames.clear();
    append_packet(turn.frames, turn.payload, id, max_frame);
  }
  return result;
}

inline Conversation slice(const Conversation& turns, std::size_t begin, std::size_t end) {
  const auto at = [&](std::size_t i) { return turns.begin() + static_cast<std::ptrdiff_t>(i); };
  return {at(begin), at(end)};
}

/// What accept() made of the packets: "command column_count 3*column_definition eof …". An error
/// ends the list.
class Kinds {
 public:
  void add(const Result<PacketKind>& kind) {
    add(std::string(kind ? to_string(*kind) : to_string(kind.error().code)));
  }
  void add(const std::string& word, std::size_t times = 1) {
    if (word != last_) flush();
    last_ = word;
    count_ += times;
  }
  std::string text() {
    flush();
    return text_;
  }

 private:
  void flush() {
    if (count_ == 0) return;
    if (!text_.empty()) text_ += ' ';
    if (count_ > 1) text_ += std::to_string(count_) + '*';
    text_ += last_;
    count_ = 0;
  }

  std::string text_;
  std::string last_;
  std::size_t count_ = 0;
};

/// Every packet whole.
inline std::string run_whole(Tracker& tracker, const Conversation& turns,
                             std::uint32_t max_frame = max_frame_payload) {
  Kinds kinds;
  for (const Turn& turn : turns) {
    const ExactBytes payload{Bytes(turn.payload)};
    const auto frames = frame_count(turn.payload.size(), max_frame);
    const auto kind = tracker.accept(
        turn.direction,
        {payload, turn.sequence_id, static_cast<std::uint8_t>(turn.sequence_id + frames - 1)});
    kinds.add(kind);
    if (!kind) break;
  }
  return kinds.text();
}

/// The bytes in pieces of `piece` bytes through a PacketScanner per direction, the tracker seeing
/// only what it needs. Continues with a copy of the tracker at every packet.
inline std::string run_streamed(Tracker& tracker, const Conversation& turns, std::size_t piece,
                                std::uint32_t max_frame = max_frame_payload) {
  Kinds kinds;
  PacketScanner scanners[2] = {PacketScanner(max_frame), PacketScanner(max_frame)};
  for (const Turn& turn : turns) {
    PacketScanner& scanner = scanners[static_cast<std::size_t>(turn.direction)];
    for (std::size_t done = 0; done < turn.frames.size();) {
      const ExactBytes bytes(
          Bytes(turn.frames).subspan(done, std::min(piece, turn.frames.size() - done)));
      done += bytes.size();
      Bytes input = bytes;
      for (;;) {
        const auto step = scanner.next(input);
        if (!step) return kinds.text() + " scanner: " + to_string(step.error());
        input = input.subspan(step->consumed);
        if (step->kind == PacketScanner::Step::Kind::need_more) break;
        if (step->kind == PacketScanner::Step::Kind::end) {
          tracker.end_of_packet(turn.direction, step->sequence_id);
          break;  // what follows is in the next turn
        }
        PacketHead head{turn.direction, step->sequence_id, step->frame_length, step->prefix};
        const std::uint32_t wanted = tracker.needs(head.direction, head.frame_length);
        std::unique_ptr<ExactBytes> whole;
        if (wanted > head.prefix.size()) {
          whole = std::make_unique<ExactBytes>(Bytes(turn.payload).first(wanted));
          head.prefix = *whole;
        }
        Tracker copy(tracker);
        tracker = copy;
        const auto kind = tracker.accept(head);
        kinds.add(kind);
        if (!kind) return kinds.text();
      }
    }
  }
  return kinds.text();
}

/// Definitions and rows by accept_bulk() where it takes them, everything else whole.
inline std::string run_bulk(Tracker& tracker, const Conversation& turns) {
  Kinds kinds;
  for (const Turn& turn : turns) {
    if (turn.direction == Direction::to_client) {
      const Tracker::Bulk bulk = tracker.accept_bulk(ExactBytes(Bytes(turn.frames)));
      if (bulk.size != 0) {
        if (bulk.size != turn.frames.size()) throw std::logic_error("half a packet was taken");
        kinds.add(bulk.last);
        continue;
      }
    }
    const ExactBytes payload{Bytes(turn.payload)};
    const auto kind = tracker.accept(turn.direction, {payload, turn.sequence_id, turn.sequence_id});
    kinds.add(kind);
    if (!kind) break;
  }
  return kinds.text();
}

}  // namespace mysqlwire::test
