// A whole conversation seen by an onlooker: it comes to the same conclusions however the bytes are
// split, and to those of a tracker that is given whole packets.
//
// Input: size of the pieces 1, then records (records.hpp), a packet each. Flags: bit 7 from the
// server; bit 6 with a wrong sequence id; bit 5 what is behind the first half comes only after the
// next packet; bit 4 sequence id 0.
#include "no_tools.hpp"
#include "proportion.hpp"
#include "records.hpp"
#include "round_trip.hpp"
#include "typical.hpp"

#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::capture;
using namespace mysqlwire::fuzz;
using namespace std::string_view_literals;

namespace {

constexpr std::size_t head_size = 1;

constexpr TypicalRecord own_typical[] = {
    {of_server, "\x00\x00\x00\x0a\x00\x00\x00"sv},
    {of_server, "\x00\x01\x07\x02\x40\x00\x00\x00\x07\x01\x05\x04test"sv},
    {of_server, "\xfe\x00\x00\x0a\x00"sv},
    {of_server, "\xfe\x00\x00\x42\x00"sv},
    {of_server, "\xff\xff\xff\x01\x01\x00\x00\x00\x00\x04step"sv},
    {of_server, "\xfe"sv},
    {of_server,
     "\xfemysql_native_password\x00\x31\x32\x33\x34\x35\x36\x37\x38\x39\x30\x31\x32\x33"
     "\x34\x35\x36\x37\x38\x39\x30\x00"sv},
    {of_server, "\x01\x03"sv},
    {of_server, "\x01\x04"sv},
    {of_server, "\x02"sv},
    {of_server, "\xfb/etc/motd"sv},
    {of_server, "\xfb"sv},
    {of_server, "\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"sv},
    {of_server, "\x00\x01\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00"sv},
    {0, "\x01"sv},
    {0, "\x04t\x00"sv},
    {0, "\x09"sv},
    {0, "\x11u\x00\x00\x00\x21\x00mysql_native_password\x00"sv},
    {0, "\x12\x01\x00\x00\x00\x00\x00\x00\x00"sv},
    {0, "\x16SELECT ?"sv},
    {0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\x03\x00\x05\x00\x00\x00"sv},
    {0, "\x17\x01\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00"sv},
    {0, "\x18\x01\x00\x00\x00\x00\x00long"sv},
    {0, "\x19\x01\x00\x00\x00"sv},
    {0, "\x1a\x01\x00\x00\x00"sv},
    {0, "\x1c\x01\x00\x00\x00\x05\x00\x00\x00"sv},
    {0, "\xfa\x01\x00\x00\x00\x80\x00\x03\x00\x00\x05\x00\x00\x00"sv},
    {0, ""sv},
};
constexpr auto typical = with_typical(own_typical);

// A stretch of one direction's stream.
struct Chunk {
  Direction direction{};
  Buffer bytes;
};

// The records as two interleaved streams of packets.
std::vector<Chunk> streams_of(const std::vector<Record>& records) {
  std::vector<Chunk> chunks;
  Chunk late;
  std::uint8_t id = 0;
  bool server_spoke = false;
  for (const Record& record : records) {
    const Direction direction =
        (record.flags & of_server) != 0 ? Direction::to_client : Direction::to_server;
    // A command behind an answer counts anew, once the login's packets are through.
    const bool begins = direction == Direction::to_server && (record.flags & 0x10) != 0;
    if (begins) id = 0;
    if ((record.flags & 0x40) != 0) ++id;
    server_spoke = server_spoke || direction == Direction::to_client;
    Chunk chunk{direction, {}};
    append_packet(chunk.bytes, record.payload, id);
    Chunk waiting = std::move(late);
    late = {};
    if ((record.flags & 0x20) != 0 && waiting.bytes.empty()) {
      const std::size_t half = chunk.bytes.size() / 2;
      const auto middle = chunk.bytes.begin() + static_cast<std::ptrdiff_t>(half);
      late = {direction, Buffer(middle, chunk.bytes.end())};
      chunk.bytes.resize(half);
    }
    // What belongs before it in the same direction has to come first.
    if (!waiting.bytes.empty() && waiting.direction == direction)
      chunks.push_back(std::exchange(waiting, {}));
    chunks.push_back(std::move(chunk));
    if (!waiting.bytes.empty()) chunks.push_back(std::move(waiting));
  }
  if (!late.bytes.empty()) chunks.push_back(std::move(late));
  return chunks;
}

// All that an observer is told, up to where segments begin to matter: an onlooker that has lost
// the boundaries looks for them at the beginning of a segment.
class Diary final : public Observer {
 public:
  void on_message(const Conversation& conversation, const SeenMessage& message) override {
    if (closed) return;
    kinds.push_back({message.direction, message.kind});
    std::uint64_t sum = 0;
    for (const std::uint8_t byte : message.payload) sum = sum * 31 + byte;
    note("message", static_cast<unsigned>(message.kind), message.sequence_id, message.length, sum,
         message.exchange != nullptr ? message.exchange->id : 0);
    compressed = compressed || conversation.compression() != Compression::none;
    text += conversation.schema();
    text += conversation.user();
  }
  void on_columns(const Conversation&, const SeenMessage&, const Definitions& columns) override {
    note("columns", columns.size());
  }
  void on_exchange(const Conversation&, const Exchange& exchange) override {
    note("exchange", exchange.id, static_cast<unsigned>(exchange.command),
         static_cast<unsigned>(exchange.outcome), exchange.rows, exchange.result_sets,
         exchange.affected, exchange.error_code, exchange.request_bytes, exchange.response_bytes);
    if (closed) return;
    text += exchange.query;
    text += exchange.expanded;
    text += exchange.schema;
    text += exchange.error_message;
  }
  void on_problem(const Conversation&, const capture::Problem& problem, const Origin&) override {
    note("problem", static_cast<unsigned>(problem.what), problem.offset, problem.bytes);
    if (!closed) text += problem.note;
    understood = understood && (problem.what == capture::Problem::What::out_of_order_seq ||
                                problem.what == capture::Problem::What::unknown_statement);
    closed = closed || problem.what == capture::Problem::What::undecodable;
    if (problem.what == capture::Problem::What::malformed && !first_malformed)
      first_malformed = kinds.size() + 1;
  }

  struct Kind {
    Direction direction{};
    PacketKind kind{};
    bool operator==(const Kind&) const = default;
  };
  std::vector<Kind> kinds;
  std::string text;
  std::size_t first_malformed = 0;  // its number, from 1
  bool understood = true;
  bool compressed = false;
  bool closed = false;

 private:
  template <class... Numbers>
  void note(const char* what, Numbers... numbers) {
    if (closed) return;
    text += '\n';
    text += what;
    ((text += ' ', text += std::to_string(numbers)), ...);
  }
};

Diary look_on(const std::vector<Chunk>& chunks, std::size_t piece) {
  Diary diary;
  NoTools tools;
  Conversation::Options options;
  options.expand_parameters = true;
  options.limits.max_payload = 1 << 20;
  Conversation conversation(1, {}, {}, true, {}, options, diary, tools);
  for (const Chunk& chunk : chunks) {
    in_pieces(chunk.bytes, piece, [&](Bytes part) {
      conversation.on_bytes(chunk.direction, part, {1, 1});
      return true;
    });
  }
  conversation.finish(TcpStream::End::open, {1, 1});
  return diary;
}

// What a tracker says of the same packets, up to the first that it does not accept.
std::vector<Diary::Kind> track(const std::vector<Chunk>& chunks) {
  Tracker tracker;
  tracker.check_sequence(false);
  std::array<FrameReader, 2> readers;
  std::vector<Diary::Kind> kinds;
  for (const Chunk& chunk : chunks) {
    FrameReader& reader = readers[static_cast<std::size_t>(chunk.direction)];
    reader.feed(chunk.bytes);
    for (auto packet = reader.next(); packet && *packet; packet = reader.next()) {
      const auto kind = tracker.accept(chunk.direction, **packet);
      if (!kind) return kinds;
      kinds.push_back({chunk.direction, *kind});
      const Capabilities capabilities = tracker.context().capabilities;
      const bool compresses = capabilities.has(Capability::compress) ||
                              capabilities.has(Capability::zstd_compression_algorithm);
      if (tracker.phase() == Phase::command && compresses) return kinds;
    }
  }
  return kinds;
}

}  // namespace

MYSQLWIRE_FUZZ_RECORDS(head_size, typical)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < head_size) return 0;
  const auto chunks = streams_of(read_records({data + head_size, size - head_size}));
  const Diary whole = look_on(chunks, 1 << 20);
  const Diary pieces = look_on(chunks, std::size_t{data[0]} + 1);
  require(whole.text == pieces.text);
  require(whole.kinds == pieces.kinds);

  // The server speaks first, and nothing in front of the client's first packet is a PROXY header.
  const bool comparable = !chunks.empty() && chunks.front().direction == Direction::to_client;
  if (!comparable) return 0;
  const auto tracked = track(chunks);
  const std::size_t until =
      whole.first_malformed == 0 ? whole.kinds.size() : whole.first_malformed - 1;
  for (std::size_t i = 0; i < std::min(tracked.size(), until); ++i)
    require(tracked[i] == whole.kinds[i]);
  if (whole.first_malformed == 0 && !whole.closed && !whole.compressed)
    require(whole.kinds.size() <= tracked.size());
  return 0;
}
