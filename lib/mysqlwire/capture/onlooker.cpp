#include <mysqlwire/capture/onlooker.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace mysqlwire::capture {

namespace {

constexpr std::size_t given_up_at_once = Onlooker::max_connections / 16;

bool is_less(const Endpoint& a, const Endpoint& b) noexcept {
  return std::tie(a.port, a.is_v6, a.address) < std::tie(b.port, b.is_v6, b.address);
}

// `cut`: how much of the payload's end the snap length took; the length in front tells the rest.
bool is_greeting(Bytes payload, std::uint32_t cut) noexcept {
  if (payload.size() <= packet_header_size) return false;
  const PacketHeader header = read_packet_header(payload.data());
  const Bytes packet = payload.subspan(packet_header_size);
  if (header.sequence_id != 0 || header.length != packet.size() + cut || packet[0] != 10)
    return false;
  if (cut != 0) return true;
  const auto greeting = HandshakeV10::decode(packet, Context{});
  return greeting && !greeting->server_version.empty();
}

// Greetings have some 100 bytes.
constexpr std::uint32_t most_of_greeting = 1024;

// Whether a greeting may begin so: its header, the version of the protocol, a text.
bool may_begin_greeting(Bytes bytes) noexcept {
  if (bytes.size() < packet_header_size) return true;
  const PacketHeader header = read_packet_header(bytes.data());
  const Bytes packet = bytes.subspan(packet_header_size);
  if (header.sequence_id != 0 || header.length > most_of_greeting || header.length < packet.size())
    return false;
  if (packet.empty()) return true;
  const auto version = packet.subspan(1);
  const auto end = std::find(version.begin(), version.end(), 0);
  return packet[0] == 10 &&
         std::all_of(version.begin(), end, [](std::uint8_t c) { return c >= ' ' && c <= '~'; });
}

bool is_whole(Bytes packet) noexcept {
  return packet.size() >= packet_header_size &&
         packet.size() - packet_header_size == read_packet_header(packet.data()).length;
}

// What a server says first, for as long as that may be a greeting. A client's PROXY header, of
// which nothing is kept, may come before it.
struct Prelude final : StreamSink {
  struct Piece {
    std::size_t size = 0;
    Origin origin;
  };
  Buffer bytes;
  std::vector<Piece> pieces;
  bool is_broken = false;

  void on_bytes(Direction direction, Bytes more, const Origin& origin) override {
    if (direction == Direction::to_server || is_broken) return;
    bytes.insert(bytes.end(), more.begin(), more.end());
    pieces.push_back({more.size(), origin});
    is_broken = !may_begin_greeting(bytes);
  }
  void on_missing(Direction direction, std::uint64_t, Missing, const Origin&) override {
    if (direction == Direction::to_client) is_broken = true;
  }
};

}  // namespace

struct Onlooker::Connection {
  Endpoint client;
  Endpoint server;
  TcpStream stream;
  std::unique_ptr<Conversation> conversation;
  Prelude prelude;  // without a conversation
  Origin first;
  Origin last;
  bool from_start = false;
  bool ignored = false;  // no MySQL, or over
  bool over = false;

  Direction direction(const Segment& segment) const noexcept {
    return segment.source == client ? Direction::to_server : Direction::to_client;
  }
  bool is_followed_by(const Segment& segment) noexcept;
};

// Whether the segment begins another connection of the same ports.
bool Onlooker::Connection::is_followed_by(const Segment& segment) noexcept {
  const bool is_syn = (segment.flags & tcp_flags::syn) != 0;
  const bool has_ack = (segment.flags & tcp_flags::ack) != 0;
  if (is_syn && !has_ack) return over || !stream.is_same_syn(direction(segment), segment.sequence);
  if (is_syn) return stream.is_other_syn_ack(segment);
  const bool has_data = !segment.payload.empty() || segment.cut != 0;
  return over && has_data && stream.is_behind_end(direction(segment), segment);
}

std::size_t Onlooker::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = 0x9e3779b97f4a7c15U;
  const auto add = [&](std::uint64_t value) {
    hash = (hash ^ value) * 0xff51afd7ed558ccdU;
    hash ^= hash >> 32;
  };
  for (const Endpoint* endpoint : {&key.low, &key.high}) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < endpoint->address.size(); ++i) {
      word = word << 8 | endpoint->address[i];
      if (i % 8 == 7) add(word);
    }
    add(endpoint->port);
  }
  return static_cast<std::size_t>(hash);
}

Onlooker::Onlooker(Options options, Observer& observer, Toolbox& toolbox)
    : options_(std::move(options)), observer_(observer), toolbox_(toolbox) {}

Onlooker::~Onlooker() = default;

bool Onlooker::is_server_port(std::uint16_t port) const noexcept {
  return std::find(options_.ports.begin(), options_.ports.end(), port) != options_.ports.end();
}

std::optional<std::uint64_t> Onlooker::add(LinkType type, Bytes frame, std::uint64_t length,
                                           const Origin& origin) {
  ++counters_.frames;
  last_ = origin;
  Segment segment;
  switch (dissector_.dissect(type, frame, length, segment)) {
    case FrameKind::tcp: ++counters_.tcp; break;
    case FrameKind::fragment:
    case FrameKind::other: ++counters_.other; return std::nullopt;
    case FrameKind::cut: ++counters_.cut; return std::nullopt;
    case FrameKind::broken: ++counters_.broken; return std::nullopt;
  }
  Connection* connection = find(segment, origin);
  if (connection == nullptr || connection->ignored) return std::nullopt;
  connection->last = origin;
  if (!connection->conversation && !segment.payload.empty()) recognise(*connection, segment);
  if (connection->ignored) return std::nullopt;
  const Direction direction = connection->direction(segment);
  if (connection->conversation)
    connection->stream.add(direction, segment, origin, *connection->conversation);
  else
    listen(*connection, segment, origin);
  std::optional<std::uint64_t> id;
  if (connection->conversation) id = connection->conversation->id();
  if (connection->stream.end() != TcpStream::End::open) end(*connection, origin);
  return id;
}

// The segment's connection; a new one if it may begin one or is in the middle of one.
Onlooker::Connection* Onlooker::find(const Segment& segment, const Origin& origin) {
  const bool in_order = is_less(segment.source, segment.destination);
  const Key key{in_order ? segment.source : segment.destination,
                in_order ? segment.destination : segment.source};
  const auto found = connections_.find(key);
  if (found == connections_.end()) {
    const bool is_ours = is_server_port(segment.source.port) ||
                         is_server_port(segment.destination.port) || options_.any_port;
    const bool is_any_syn = (segment.flags & tcp_flags::syn) != 0;
    if (!is_ours || (!is_any_syn && segment.payload.empty() && segment.cut == 0)) return nullptr;
    return begin(key, segment, origin);
  }
  Connection& connection = *found->second;
  if (!connection.is_followed_by(segment)) return &connection;
  end(connection, connection.last);
  connections_.erase(found);
  return begin(key, segment, origin);
}

Onlooker::Connection* Onlooker::begin(const Key& key, const Segment& segment,
                                      const Origin& origin) {
  if (connections_.size() >= max_connections) give_up_oldest(origin);
  auto connection = std::make_unique<Connection>();
  const bool is_syn = (segment.flags & tcp_flags::syn) != 0;
  const bool has_ack = (segment.flags & tcp_flags::ack) != 0;
  const bool to_server = is_syn ? !has_ack : is_server_port(segment.destination.port);
  connection->client = to_server ? segment.source : segment.destination;
  connection->server = to_server ? segment.destination : segment.source;
  connection->from_start = is_syn;
  connection->first = connection->last = origin;
  if (is_server_port(connection->server.port)) follow(*connection);
  return connections_.emplace(key, std::move(connection)).first->second.get();
}

// The first bytes of a connection on any port: a greeting, or something that is not ours. What a
// server says may be the beginning of one too: see listen().
void Onlooker::recognise(Connection& connection, const Segment& segment) {
  const bool is_first = connection.prelude.bytes.empty();
  if (is_first && is_greeting(segment.payload, segment.cut)) {
    connection.server = segment.source;
    connection.client = segment.destination;
    follow(connection);
  } else if (!connection.from_start) {
    connection.ignored = true;
  } else if (connection.direction(segment) == Direction::to_server) {
    connection.ignored = !ProxyHeader::size_in(segment.payload).has_value();
  } else {
    connection.ignored = segment.payload.size() > packet_header_size + most_of_greeting;
  }
}

// To a connection that may yet turn out to be MySQL's.
void Onlooker::listen(Connection& connection, const Segment& segment, const Origin& origin) {
  Prelude& prelude = connection.prelude;
  connection.stream.add(connection.direction(segment), segment, origin, prelude);
  if (!prelude.is_broken && !is_whole(prelude.bytes)) return;
  const Prelude said = std::exchange(prelude, {});
  connection.ignored = said.is_broken || !is_greeting(said.bytes, 0);
  if (connection.ignored) return;
  follow(connection);
  Bytes rest = said.bytes;
  for (const Prelude::Piece& piece : said.pieces) {
    connection.conversation->on_bytes(Direction::to_client, rest.first(piece.size), piece.origin);
    rest = rest.subspan(piece.size);
  }
}

void Onlooker::follow(Connection& connection) {
  connection.conversation = std::make_unique<Conversation>(
      counters_.connections++, connection.client, connection.server, connection.from_start,
      connection.first, options_.conversation, observer_, toolbox_);
}

void Onlooker::end(Connection& connection, const Origin& origin) {
  connection.ignored = connection.over = true;
  if (!connection.conversation) return;
  connection.stream.finish(*connection.conversation);
  connection.conversation->finish(connection.stream.end(), origin);
  if (connection.conversation->recognised()) ++counters_.recognised;
  connection.conversation.reset();
}

void Onlooker::give_up_oldest(const Origin& origin) {
  std::vector<std::pair<std::uint64_t, Key>> by_age;
  by_age.reserve(connections_.size());
  for (const auto& [key, connection] : connections_)
    by_age.emplace_back(connection->last.frame, key);
  const auto nth = by_age.begin() + static_cast<std::ptrdiff_t>(given_up_at_once);
  std::nth_element(by_age.begin(), nth, by_age.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::sort(by_age.begin(), nth, [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto at = by_age.begin(); at != nth; ++at) {
    const auto found = connections_.find(at->second);
    end(*found->second, origin);
    connections_.erase(found);
  }
}

void Onlooker::finish() {
  // In the order in which they appeared, so that the output does not depend on a hash.
  std::vector<Connection*> open;
  for (const auto& [key, connection] : connections_)
    if (connection->conversation) open.push_back(connection.get());
  std::sort(open.begin(), open.end(), [](const Connection* a, const Connection* b) {
    return a->conversation->id() < b->conversation->id();
  });
  for (Connection* connection : open) end(*connection, last_);
  connections_.clear();
}

}  // namespace mysqlwire::capture
