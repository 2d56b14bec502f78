// From the bytes of a connection to its packets: transport layers, gaps, boundaries. What the
// packets mean is in conversation_meaning.cpp.
#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/wire/compressed_frame.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>

#include <algorithm>
#include <utility>

namespace mysqlwire::capture {

namespace {

constexpr std::size_t keep_capacity = std::size_t{32} << 10;  // of an idle direction's buffer
constexpr std::size_t most_unanswered = 64;
constexpr std::size_t longest_proxy_header = ProxyHeader::v2_fixed_size + 0xffff;
constexpr std::size_t sure_prefix = 24;  // what the tracker looks at

// What most clients and servers of today agree on. DEPRECATE_EOF is found out.
Context midstream_guess(const Limits& limits) {
  Context context;
  context.capabilities = {Capability::protocol_41,      Capability::secure_connection,
                          Capability::transactions,     Capability::local_files,
                          Capability::multi_statements, Capability::multi_results,
                          Capability::plugin_auth,      Capability::session_track};
  context.limits = limits;
  return context;
}

// "v1 TCP4 192.0.2.1:5000 198.51.100.1:3306", "v2 LOCAL"
std::string describe(const ProxyHeader& header) {
  std::string text = header.version == 1 ? "v1" : "v2";
  if (header.local) return text + " LOCAL";
  switch (header.family) {
    case ProxyFamily::unspecified: return text + " UNKNOWN";
    case ProxyFamily::tcp4: text += " TCP4"; break;
    case ProxyFamily::udp4: text += " UDP4"; break;
    case ProxyFamily::tcp6: text += " TCP6"; break;
    case ProxyFamily::udp6: text += " UDP6"; break;
    case ProxyFamily::unix_stream:
    case ProxyFamily::unix_datagram:
      text += " UNIX ";
      text += as_text(header.source_path);
      text += ' ';
      text += as_text(header.destination_path);
      return text;
  }
  const bool is_v6 = header.family == ProxyFamily::tcp6 || header.family == ProxyFamily::udp6;
  for (const ProxyAddress* address : {&header.source, &header.destination}) {
    text += is_v6 ? " [" : " ";
    text += ip_text(header.family, *address);
    text += is_v6 ? "]:" : ":";
    text += std::to_string(address->port);
  }
  return text;
}

bool starts_with_zstd_magic(Bytes body) noexcept {
  return body.size() >= 4 && body[0] == 0x28 && body[1] == 0xb5 && body[2] == 0x2f &&
         body[3] == 0xfd;
}

}  // namespace

std::string_view to_string(Problem::What what) noexcept {
  switch (what) {
    case Problem::What::gap: return "gap";
    case Problem::What::cut: return "cut";
    case Problem::What::malformed: return "malformed";
    case Problem::What::undecodable: return "undecodable";
    case Problem::What::unknown_statement: return "unknown_statement";
    case Problem::What::out_of_order_seq: return "out_of_order_seq";
  }
  return "";
}

Conversation::Conversation(std::uint64_t id, const Endpoint& client, const Endpoint& server,
                           bool from_start, const Origin& origin, const Options& options,
                           Observer& observer, Toolbox& toolbox)
    : id_(id),
      client_(client),
      server_(server),
      first_(origin),
      last_(origin),
      options_(options),
      observer_(observer),
      toolbox_(toolbox),
      tracker_(options.limits),
      sides_{Side(options.limits.max_payload), Side(options.limits.max_payload)},
      from_start_(from_start) {
  if (from_start) {
    context_ = tracker_.context();
  } else {
    context_ = midstream_guess(options.limits);
    tracker_ = Tracker::midstream(context_);
    guessing_ = true;
    sides_[0].hunting = sides_[1].hunting = true;
    proxy_header_done_ = true;
  }
  tracker_.check_sequence(false);  // a wrong one is reported, and no reason to stop
}

void Conversation::announce() {
  if (std::exchange(announced_, true)) return;
  observer_.on_connection(*this);
}

void Conversation::report(Problem::What what, std::optional<Direction> direction,
                          std::uint64_t offset, std::uint64_t bytes, std::string note) {
  announce();
  observer_.on_problem(*this, {what, direction, offset, bytes, std::move(note)}, last_);
}

// --- bytes ---------------------------------------------------------------------------------------

void Conversation::on_bytes(Direction direction, Bytes bytes, const Origin& origin) {
  last_ = origin;
  bytes_[static_cast<std::size_t>(direction)] += bytes.size();
  if (!proxy_header_done_ && direction == Direction::to_server) {
    if (!take_proxy_header(bytes)) return;
  } else {
    announce();
  }
  if (!bytes.empty()) take_transport(direction, bytes);
}

// Takes a PROXY protocol header off the front of what the client sends. False while it is not known
// whether there is one.
bool Conversation::take_proxy_header(Bytes& bytes) {
  Buffer& head = side(Direction::to_server).head;
  head.insert(head.end(), bytes.begin(), bytes.end());
  const auto found = ProxyHeader::size_in(head, longest_proxy_header);
  if (found && !*found) return false;
  proxy_header_done_ = true;
  const Buffer all = std::exchange(head, Buffer());
  const std::size_t size = found ? **found : 0;
  if (size != 0) {
    proxy_header_bytes_.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
    const auto header = ProxyHeader::decode(proxy_header_bytes_, context_);
    proxy_header_ = header ? describe(*header) : "unreadable";
    if (!header)
      report(Problem::What::malformed, Direction::to_server, header.error().offset, size,
             to_string(header.error()));
  }
  announce();
  if (all.size() == bytes.size()) {
    bytes = bytes.subspan(size);
    return true;
  }
  if (size < all.size()) take_transport(Direction::to_server, Bytes(all).subspan(size));
  return false;
}

void Conversation::take_transport(Direction direction, Bytes bytes) {
  if (!tls_) {
    take_plain(direction, bytes);
    return;
  }
  Buffer plain = std::move(plain_);
  plain.clear();
  tls_->feed(direction, bytes, plain);
  if (!tls_reported_ && tls_->established()) {
    tls_reported_ = true;
    observer_.on_tls(*this, tls_->info(), last_);
  }
  const std::string_view failure = tls_->failure(direction);
  bool& is_failed = tls_failed_[static_cast<std::size_t>(direction)];
  if (!plain.empty()) take_plain(direction, plain);
  plain_ = std::move(plain);
  if (!failure.empty() && !std::exchange(is_failed, true))
    report(Problem::What::undecodable, direction, 0, 0, std::string(failure));
}

void Conversation::take_plain(Direction direction, Bytes bytes) {
  if (compression_ != Compression::none) {
    take_compressed(direction, bytes);
  } else {
    take_packets(direction, bytes);
  }
}

void Conversation::take_compressed(Direction direction, Bytes bytes) {
  Side& mine = side(direction);
  if (mine.hunting) {
    // A frame of the client that begins an exchange, or any of the server, starts a segment.
    if (bytes.size() < compressed_header_size) return;
    const CompressedHeader header = read_compressed_header(bytes.data());
    const bool fits = header.length + compressed_header_size <= bytes.size();
    if (!fits || (direction == Direction::to_server && header.sequence_id != 0)) return;
    mine.compressed.clear();
  }
  // What has come of a frame is not copied anew for each small piece that follows.
  Buffer held = std::move(mine.compressed);
  mine.compressed = Buffer();
  Bytes input = bytes;
  if (!held.empty()) {
    held.insert(held.end(), bytes.begin(), bytes.end());
    input = held;
  }
  std::size_t done = 0;
  while (input.size() - done >= compressed_header_size) {
    const CompressedHeader header = read_compressed_header(input.data() + done);
    const std::size_t size = header.length;
    const std::size_t inflated = header.uncompressed_length;
    if (input.size() - done - compressed_header_size < size) break;
    const Bytes body = input.subspan(done + compressed_header_size, size);
    done += compressed_header_size + size;
    if (inflated == 0) {
      if (size != 0) take_packets(direction, body);
      continue;
    }
    inflated_.clear();
    const Compression algorithm =
        starts_with_zstd_magic(body) ? Compression::zstd : Compression::zlib;
    if (!toolbox_.inflate(algorithm, body, inflated, inflated_) || inflated_.size() != inflated) {
      report(Problem::What::undecodable, direction, 0, size, "a compressed frame does not inflate");
      lose(direction);
      return;
    }
    const Buffer packets = std::move(inflated_);
    take_packets(direction, packets);
    inflated_ = Buffer();
  }
  const auto used = static_cast<std::ptrdiff_t>(done);
  if (held.empty())
    held.assign(bytes.begin() + used, bytes.end());
  else
    held.erase(held.begin(), held.begin() + used);
  mine.compressed = std::move(held);
}

void Conversation::take_packets(Direction direction, Bytes bytes) {
  Side& mine = side(direction);
  if (mine.hunting) {
    if (!find_boundary(direction, bytes)) return;
    mine.hunting = false;
  }
  if (mine.torn && !skip_torn(direction, bytes)) return;
  if (mine.frames.buffered() == 0) mine.packet_begin = last_;
  mine.frames.feed(bytes);
  drain(direction);
}

void Conversation::drain(Direction direction) {
  Side& mine = side(direction);
  const Layers before = layers();
  for (;;) {
    const auto packet = mine.frames.next();
    if (!packet) {
      report(Problem::What::undecodable, direction, 0, 0, to_string(packet.error()));
      lose(direction);
      return;
    }
    if (!*packet) break;
    take_packet(direction, **packet, (*packet)->payload.size());
    mine.packet_begin = last_;
    // From here on the bytes are something else.
    if (layers() != before) {
      const Bytes unread = mine.frames.unread();
      const Buffer rest(unread.begin(), unread.end());
      mine.frames.drop_unread();
      if (!rest.empty()) take_transport(direction, rest);
      return;
    }
  }
  if (mine.frames.buffered() == 0 && mine.frames.capacity() > keep_capacity)
    (void)mine.frames.release_if_idle();
}

// --- what is missing -----------------------------------------------------------------------------

void Conversation::on_missing(Direction direction, std::uint64_t size, Missing why,
                              const Origin& origin) {
  last_ = origin;
  announce();
  proxy_header_done_ = true;
  Side& mine = side(direction);
  const std::uint64_t at = place_in_packet(direction).value_or(0);
  report(why == Missing::gap ? Problem::What::gap : Problem::What::cut, direction, at, size,
         why == Missing::gap ? "not captured" : "cut by the snap length");
  if (tls_) tls_->lose(direction);
  if (!tear(direction)) {
    lose(direction);
    return;
  }
  const bool is_followed = mine.torn->skip_missing(size);
  if (mine.torn->is_complete()) take_torn(direction);
  if (!is_followed) lose(direction);
}

// How much of a payload has come, when it is known that there is a packet under way.
std::optional<std::uint64_t> Conversation::place_in_packet(Direction direction) const noexcept {
  const Side& mine = sides_[static_cast<std::size_t>(direction)];
  if (tls_ || compression_ != Compression::none || mine.hunting) return {};
  if (mine.torn) return mine.torn->length();
  const std::size_t unread = mine.frames.unread().size();
  if (unread != mine.frames.buffered() || unread < packet_header_size) return {};
  return unread - packet_header_size;
}

// Before bytes go missing: the packet they are of becomes a torn one, if its header is there, so
// that it is known where it ends, and enough of its front for its place in the grammar.
bool Conversation::tear(Direction direction) {
  const auto at = place_in_packet(direction);
  if (!at) return false;
  Side& mine = side(direction);
  if (mine.torn) return true;
  const Bytes front = mine.frames.unread();
  const PacketHeader header = read_packet_header(front.data());
  if (*at < std::min<std::uint64_t>(header.length, sure_prefix)) return false;
  mine.torn = std::make_unique<TornPacket>(front);
  mine.frames.drop_unread();
  (void)mine.frames.release_if_idle();
  return true;
}

// Takes what belongs to the torn packet off the front. False when nothing is left of the bytes for
// the packets behind it.
bool Conversation::skip_torn(Direction direction, Bytes& bytes) {
  TornPacket& torn = *side(direction).torn;
  bytes = bytes.subspan(torn.skip(bytes));
  if (torn.is_out_of_order()) {
    const Error error{errc::packets_out_of_order, 0, "Packet", "sequence_id"};
    report(Problem::What::undecodable, direction, 0, 0, to_string(error));
    lose(direction);
    return false;
  }
  if (!torn.is_complete()) return false;
  const Layers before = layers();
  take_torn(direction);
  if (bytes.empty()) return false;
  if (layers() == before) return true;
  take_transport(direction, bytes);
  return false;
}

void Conversation::take_torn(Direction direction) {
  const auto torn = std::move(side(direction).torn);
  take_packet(direction, torn->packet(), torn->length());
}

// No boundary is known any more in that direction, and what the peers are at is not known at all.
void Conversation::lose(Direction direction) {
  Side& mine = side(direction);
  mine.frames = FrameReader(max_frame_payload, options_.limits.max_payload);
  mine.compressed.clear();
  mine.torn.reset();
  mine.hunting = true;
  lose_framing();
}

void Conversation::lose_framing() {
  if (tracker_.phase() <= Phase::authentication) {
    // The login is over for us; what was negotiated is known in part at best.
    Context guess = midstream_guess(options_.limits);
    guess.flavor = context_.flavor;
    if (tracker_.phase() == Phase::authentication) guess.capabilities = context_.capabilities;
    context_ = guess;
    tracker_ = Tracker::midstream(context_);
    tracker_.check_sequence(false);
    guessing_ = true;
    user_ = next_user_;
    schema_ = next_schema_;
  }
  tracker_.resync();
  other_dialect_.reset();
  sequence_known_ = false;
  definitions_left_ = 0;
  while (waiting_ != 0) end_exchange();
}

// --- packet boundaries ---------------------------------------------------------------------------

// Whether a segment starts with a packet, when the bytes before it are unknown.
bool Conversation::find_boundary(Direction direction, Bytes bytes) {
  if (bytes.size() <= packet_header_size) return false;
  const PacketHeader header = read_packet_header(bytes.data());
  const Bytes rest = bytes.subspan(packet_header_size);
  const bool is_exact = header.length == rest.size();
  if (direction == Direction::to_client) {
    if (header.length == 0) return false;
    if (header.sequence_id == 0 && is_exact && rest[0] == 10) {
      const auto greeting = HandshakeV10::decode(rest, Context{});
      if (greeting && !greeting->auth_plugin_data_part1.empty() && commands_ == 0) {
        tracker_ = Tracker(options_.limits);
        tracker_.check_sequence(false);
        guessing_ = false;
        sides_[0].hunting = false;
        return true;
      }
    }
    // The first packet of the answer to the one command that is waiting; or to the first of
    // several, where its answer looks like no other.
    if (waiting_ != 0 && !current()->answered() &&
        header.sequence_id == current()->reply_sequence &&
        (waiting_ == 1 ||
         (current()->command == Command::com_stmt_prepare && rest[0] == 0 &&
          StmtPrepareOk::decode(rest.first(std::min<std::size_t>(rest.size(), header.length)),
                                context_))))
      return true;
    return detect_compression(direction, bytes);
  }
  if (header.sequence_id == 1 && is_exact) {
    SeenMessage login;
    login.payload = rest;
    login.length = rest.size();
    if (guess_from_login(login)) return false;
  }
  PacketHead head;
  head.direction = direction;
  head.sequence_id = header.sequence_id;
  head.frame_length = header.length;
  head.prefix = rest;
  if (rest.size() >= std::min<std::size_t>(header.length, sure_prefix)) {
    const auto kind = Tracker::midstream(context_).accept(head);
    const bool fits =
        is_exact || (header.length > rest.size() && rest.size() > 256) ||
        (header.length + packet_header_size < rest.size() && rest[header.length + 3] == 0);
    if (kind && *kind == PacketKind::command && fits) return true;
  }
  return detect_compression(direction, bytes);
}

// Compressed packets in a stream whose login was not seen. Takes the bytes when they are.
bool Conversation::detect_compression(Direction direction, Bytes bytes) {
  if (compression_ != Compression::none || !guessing_ || bytes.size() <= compressed_header_size)
    return false;
  const CompressedHeader header = read_compressed_header(bytes.data());
  const std::size_t size = header.length;
  const std::size_t inflated = header.uncompressed_length;
  if (size + compressed_header_size > bytes.size()) return false;
  const Bytes body = bytes.subspan(compressed_header_size, size);
  Compression found = Compression::none;
  if (inflated == 0) {
    const bool fits =
        body.size() > packet_header_size && size + compressed_header_size == bytes.size();
    if (fits) {
      const PacketHeader packet = read_packet_header(body.data());
      if (packet.length + packet_header_size == body.size() && packet.sequence_id <= 1)
        found = Compression::zlib;
    }
  } else {
    const Compression algorithm =
        starts_with_zstd_magic(body) ? Compression::zstd : Compression::zlib;
    Buffer out;
    if (toolbox_.inflate(algorithm, body, inflated, out) && out.size() == inflated)
      found = algorithm;
  }
  if (found == Compression::none) return false;
  compression_ = found;
  sequence_known_ = false;
  const Buffer copy(bytes.begin(), bytes.end());
  take_compressed(direction, copy);
  return false;
}

// --- packets -------------------------------------------------------------------------------------

// `length`: of the whole payload, of which a torn packet has a part only.
void Conversation::take_packet(Direction direction, const Packet& packet, std::uint64_t length) {
  SeenMessage message;
  message.direction = direction;
  message.sequence_id = packet.first_sequence_id;
  message.last_sequence_id = packet.last_sequence_id;
  message.payload = packet.payload;
  message.length = length;
  message.begin = side(direction).packet_begin;
  message.end = last_;
  if (direction == Direction::to_server && take_one_sided(message)) return;
  const auto frame_length =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(message.length, max_frame_payload));
  if (message.payload.size() < tracker_.needs(direction, frame_length)) {
    lose_framing();  // part of a login that has to be read whole
    (void)guess_from_login(message);
    return;
  }
  judge(message);
  check_sequence(message);
  before(message);
  observer_.on_message(*this, message);
  after(message);
}

// A client whose server is not heard: its commands are all there is. True when the packet has been
// dealt with.
bool Conversation::take_one_sided(SeenMessage& message) {
  if (bytes(Direction::to_client) != 0) return false;
  if (tracker_.phase() == Phase::greeting) {
    lose_framing();
    guessing_ = true;
    if (message.sequence_id != 0 && guess_from_login(message)) {
      message.kind = PacketKind::handshake_response;
      recognised_ = true;
      observer_.on_message(*this, message);
      return true;
    }
  }
  // As many as nobody pipelines without an answer.
  if (waiting_ >= most_unanswered) {
    tracker_.resync();
    while (waiting_ != 0) end_exchange();
  }
  return false;
}

void Conversation::check_sequence(const SeenMessage& message) {
  if (message.kind == PacketKind::command) {
    if (message.sequence_id != 0 && compression_ == Compression::none)
      report(Problem::What::out_of_order_seq, message.direction, 3, 1,
             "a command with sequence id " + std::to_string(message.sequence_id));
    return;
  }
  const bool is_loose = compression_ != Compression::none || semi_sync_ ||
                        message.kind == PacketKind::unexpected ||
                        message.kind == PacketKind::semi_sync_ack;
  if (is_loose) return;
  // An ERR that nobody asked for does not count on.
  const bool is_unasked = message.kind == PacketKind::err && message.sequence_id <= 1;
  if (sequence_known_ && message.sequence_id != next_sequence_ && !is_unasked)
    report(Problem::What::out_of_order_seq, message.direction, 3, 1,
           "sequence id " + std::to_string(message.sequence_id) + " instead of " +
               std::to_string(next_sequence_));
  next_sequence_ = static_cast<std::uint8_t>(message.last_sequence_id + 1);
  sequence_known_ = true;
}

// Asks the tracker what the packet is; in mid-stream with both dialects of result sets.
void Conversation::judge(SeenMessage& message) {
  if (guessing_) guess_dialect(message);
  PacketHead head;
  head.direction = message.direction;
  head.sequence_id = message.sequence_id;
  head.frame_length =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(message.length, max_frame_payload));
  head.prefix = message.payload;
  auto kind = tracker_.accept(head);
  if (other_dialect_) {
    const auto other = other_dialect_->accept(head);
    constexpr std::uint64_t eof_size = 5;
    const bool prefers_other = other && (!kind || (*kind != *other && message.length != eof_size));
    const bool prefers_first = kind && (!other || (*kind != *other && !prefers_other));
    if (prefers_other) {
      tracker_ = *other_dialect_;
      kind = other;
      context_.capabilities.set(Capability::deprecate_eof);
    }
    if (prefers_other || prefers_first) {
      other_dialect_.reset();
      guessing_ = false;
    }
  }
  if (kind) {
    message.kind = *kind;
    return;
  }
  const Error error = kind.error();
  report(error.code == errc::unsupported ? Problem::What::undecodable : Problem::What::malformed,
         message.direction, error.offset, message.length, to_string(error));
  lose_framing();
  if (context_.capabilities.empty()) context_ = midstream_guess(options_.limits);
  // It may be the first packet of something new.
  const auto again = tracker_.accept(head);
  message.kind = again ? *again : PacketKind::unexpected;
}

// --- the end -------------------------------------------------------------------------------------

void Conversation::finish(TcpStream::End how, const Origin& origin) {
  if (std::exchange(finished_, true)) return;
  last_ = origin;
  announce();
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    const Side& mine = side(direction);
    const std::uint64_t left = mine.frames.buffered() + mine.compressed.size() + mine.head.size() +
                               (mine.torn ? packet_header_size + mine.torn->length() : 0);
    if (left != 0 && !mine.hunting)
      report(Problem::What::cut, direction, left, 0, "the stream ends inside a packet");
  }
  while (waiting_ != 0) end_exchange();
  observer_.on_end(*this, how);
}

}  // namespace mysqlwire::capture
