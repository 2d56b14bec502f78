#include <mysqlwire/capture/tcp_stream.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace mysqlwire::capture {

namespace {

// What a held segment costs beside its bytes.
constexpr std::size_t held_overhead = 128;

Direction other(Direction direction) noexcept {
  return direction == Direction::to_server ? Direction::to_client : Direction::to_server;
}

// How far `a` is behind (negative) or ahead of `b`, in the circle of sequence numbers.
std::int32_t distance(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b);
}

}  // namespace

bool TcpStream::is_same_syn(Direction direction, std::uint32_t sequence) const noexcept {
  return half(direction).syn && half(direction).initial == sequence;
}

bool TcpStream::is_other_syn_ack(const Segment& segment) const noexcept {
  const Half& client = half(Direction::to_server);
  const Half& server = half(Direction::to_client);
  if (!server.known || (client.syn && segment.acknowledged == client.initial + 1)) return false;
  if (server.syn) return server.initial != segment.sequence;
  const std::int32_t ahead = distance(segment.sequence + 1, server.next);
  return ahead > 0 || ahead < -max_ahead;
}

bool TcpStream::is_behind_end(Direction direction, const Segment& segment) noexcept {
  Half& mine = half(direction);
  if (!mine.known) return false;
  const std::int32_t ahead = distance(segment.sequence, mine.next);
  if (ahead > (mine.fin ? 0 : max_late) || ahead < -max_ahead) return true;
  const std::uint32_t end =
      segment.sequence + static_cast<std::uint32_t>(segment.payload.size()) + segment.cut;
  if (!mine.fin && distance(end, mine.next) > 0) mine.next = end;
  return false;
}

// Whether the sender had already read something that was not delivered yet.
bool TcpStream::acknowledgement_fits(Direction direction, std::uint8_t flags,
                                     std::uint32_t acknowledged) const noexcept {
  const Half& peer = half(other(direction));
  if ((flags & tcp_flags::ack) == 0 || !peer.seen || !peer.known) return true;
  const std::int32_t ahead = distance(acknowledged, peer.next);
  return ahead <= 0 || ahead > max_ahead;
}

void TcpStream::add(Direction direction, const Segment& segment, const Origin& origin,
                    StreamSink& sink) {
  ++segments_;
  Half& mine = half(direction);
  Half& peer = half(other(direction));
  mine.seen = true;
  std::uint32_t sequence = segment.sequence;
  if ((segment.flags & tcp_flags::syn) != 0) {
    if (!mine.known || mine.provisional) {
      mine.known = mine.syn = true;
      mine.provisional = false;
      mine.initial = sequence;
      mine.next = mine.acknowledged = sequence + 1;
    }
    ++sequence;
  }
  if ((segment.flags & tcp_flags::ack) != 0 && !peer.known) {
    peer.known = peer.provisional = true;
    peer.next = peer.acknowledged = segment.acknowledged;
  }
  if ((segment.flags & tcp_flags::ack) != 0 &&
      distance(segment.acknowledged, peer.acknowledged) > 0)
    peer.acknowledged = segment.acknowledged;
  const bool has_data = !segment.payload.empty() || segment.cut != 0;
  const bool has_fin = (segment.flags & tcp_flags::fin) != 0;
  if (has_data || has_fin) {
    if (!mine.known) {
      mine.known = true;
      mine.next = sequence;
    } else if (mine.provisional && distance(sequence, mine.next) < 0 &&
               segment.payload.size() > 1) {
      mine.next = sequence;  // acknowledged before the capture began, and sent again in it
    }
    mine.provisional = false;
    const std::int32_t ahead = distance(sequence, mine.next);
    if (ahead > max_ahead || ahead < -max_ahead) {
      if (++mine.strays >= max_strays) skip_to(direction, sequence, origin, sink);
    }
    if (const std::int32_t now = distance(sequence, mine.next);
        now > max_ahead || now < -max_ahead) {
      // Not of this connection, or damaged.
    } else if (ahead <= 0 && mine.held.empty() && peer.held.empty() &&
               acknowledgement_fits(direction, segment.flags, segment.acknowledged)) {
      mine.strays = 0;
      deliver(direction, sequence, segment.payload, segment.cut, segment.flags, origin, sink);
    } else {
      mine.strays = 0;
      hold(direction, segment, origin);
    }
  }
  if ((segment.flags & tcp_flags::rst) != 0 && end_ == End::open) {
    take_reset(direction, segment.sequence, sink);
    if (end_ == End::rst) return;
  }
  if (!mine.held.empty() || !peer.held.empty()) {
    drain(sink);
    give_up(sink);
  }
  if (mine.fin && peer.fin && end_ == End::open) end_ = End::fin;
}

// A host takes a reset at the next sequence number only, which a capture with gaps may not know:
// one that is merely near ends the connection if nothing goes on behind it.
//
// Source: RFC 5961, section 3.2
void TcpStream::take_reset(Direction direction, std::uint32_t sequence, StreamSink& sink) {
  const Half& mine = half(direction);
  const std::int32_t ahead = distance(sequence, mine.next);
  bool is_exact = !mine.known || ahead == 0 || sequence == mine.acknowledged;
  if (!mine.held.empty()) {
    const Held& last = mine.held.back();
    const std::size_t fin = (last.flags & tcp_flags::fin) != 0 ? 1 : 0;
    is_exact = is_exact || sequence == last.sequence + static_cast<std::uint32_t>(
                                                           last.payload.size() + last.cut + fin);
  }
  if (is_exact) {
    finish(sink);
    end_ = End::rst;
  } else if (ahead <= max_reset_distance && ahead >= -max_reset_distance) {
    may_be_reset_ = true;
  }
}

void TcpStream::hold(Direction direction, const Segment& segment, const Origin& origin) {
  Half& mine = half(direction);
  const std::uint32_t sequence =
      segment.sequence + ((segment.flags & tcp_flags::syn) != 0 ? 1U : 0U);
  const std::uint64_t size = segment.payload.size() + segment.cut;
  // Seen before: the first copy stays.
  for (auto at = mine.held.rbegin();
       at != mine.held.rend() && distance(at->sequence, sequence) >= 0; ++at)
    if (at->sequence == sequence && at->payload.size() + at->cut >= size &&
        (at->flags & tcp_flags::fin) == (segment.flags & tcp_flags::fin))
      return;
  Held held;
  held.sequence = sequence;
  held.acknowledged = segment.acknowledged;
  held.cut = segment.cut;
  held.flags = segment.flags;
  held.arrival = segments_;
  held.origin = origin;
  held.payload.assign(segment.payload.begin(), segment.payload.end());
  held_bytes_ += held.payload.size() + held_overhead;
  auto at = mine.held.end();  // nearly always
  while (at != mine.held.begin() && distance(std::prev(at)->sequence, sequence) > 0) --at;
  mine.held.insert(at, std::move(held));
}

void TcpStream::deliver(Direction direction, std::uint32_t sequence, Bytes payload,
                        std::uint32_t cut, std::uint8_t flags, const Origin& origin,
                        StreamSink& sink) {
  Half& mine = half(direction);
  const std::uint64_t size = std::uint64_t{payload.size()} + cut;
  std::uint64_t old = static_cast<std::uint32_t>(-distance(sequence, mine.next));
  const bool has_fin = (flags & tcp_flags::fin) != 0;
  if (old < size) {
    mine.next = sequence + static_cast<std::uint32_t>(size);
    mine.progress = segments_;
    may_be_reset_ = false;
    if (old < payload.size()) {
      sink.on_bytes(direction, payload.subspan(static_cast<std::size_t>(old)), origin);
      old = payload.size();
    }
    if (old < size) sink.on_missing(direction, size - old, Missing::cut, origin);
  } else if (old > size) {
    return;  // a keep-alive, or sent again
  }
  if (has_fin && !mine.fin) {
    mine.fin = true;
    ++mine.next;
  }
}

void TcpStream::drop_first(Half& mine) {
  held_bytes_ -= mine.held.front().payload.size() + held_overhead;
  mine.held.erase(mine.held.begin());
}

// Delivers whatever is in order now.
bool TcpStream::drain(StreamSink& sink) {
  bool any = false;
  for (bool moved = true; moved;) {
    moved = false;
    for (const Direction direction : {Direction::to_server, Direction::to_client}) {
      Half& mine = half(direction);
      while (!mine.held.empty()) {
        Held& first = mine.held.front();
        if (distance(first.sequence, mine.next) > 0) break;
        if (!acknowledgement_fits(direction, first.flags, first.acknowledged)) break;
        const Held held = std::move(first);
        held_bytes_ -= held.payload.size() + held_overhead;
        mine.held.erase(mine.held.begin());
        deliver(direction, held.sequence, held.payload, held.cut, held.flags, held.origin, sink);
        moved = any = true;
      }
    }
  }
  return any;
}

// A gap up to `sequence`.
void TcpStream::skip_to(Direction direction, std::uint32_t sequence, const Origin& origin,
                        StreamSink& sink) {
  Half& mine = half(direction);
  const std::int32_t size = distance(sequence, mine.next);
  mine.next = sequence;
  mine.strays = 0;
  mine.progress = segments_;
  sink.on_missing(direction, size > 0 ? static_cast<std::uint64_t>(size) : 0, Missing::gap, origin);
}

// Whether what is missing in front of the direction's first held segment has had its time.
bool TcpStream::has_waited_enough(Direction direction) const noexcept {
  const Half& mine = half(direction);
  if (mine.held.empty()) return false;
  const Held& first = mine.held.front();
  const bool was_sent =
      distance(first.sequence, mine.next) <= 0 || distance(mine.acknowledged, mine.next) > 0;
  const std::uint64_t waited = segments_ - std::max(first.arrival, mine.progress);
  return waited > (was_sent ? max_wait : max_wait_lost);
}

void TcpStream::give_up(StreamSink& sink) {
  while (held_bytes_ > max_held || has_waited_enough(Direction::to_server) ||
         has_waited_enough(Direction::to_client))
    give_up_oldest(sink);
}

// One step: the first held segment of the direction that has waited longest comes out, whatever
// must be skipped for that.
void TcpStream::give_up_oldest(StreamSink& sink) {
  Direction direction = Direction::to_server;
  const Half& client = half(Direction::to_server);
  const Half& server = half(Direction::to_client);
  if (client.held.empty() ||
      (!server.held.empty() && server.held.front().arrival < client.held.front().arrival))
    direction = Direction::to_client;
  Half& mine = half(direction);
  if (mine.held.empty()) return;
  const Held& first = mine.held.front();
  const Origin origin = first.origin;
  if (!acknowledgement_fits(direction, first.flags, first.acknowledged)) {
    // The peer's bytes that this one answers: up to the first that are there.
    Half& peer = half(other(direction));
    const std::uint32_t wanted = first.acknowledged;
    std::uint32_t target = wanted;
    if (!peer.held.empty() && distance(peer.held.front().sequence, wanted) < 0 &&
        distance(peer.held.front().sequence, peer.next) > 0)
      target = peer.held.front().sequence;
    else if (!peer.held.empty() && distance(peer.held.front().sequence, peer.next) <= 0) {
      // Each waits for the other: damaged acknowledgements. The peer's goes first.
      const Held held = peer.held.front();
      drop_first(peer);
      deliver(other(direction), held.sequence, held.payload, held.cut, held.flags, held.origin,
              sink);
      drain(sink);
      return;
    }
    skip_to(other(direction), target, origin, sink);
  } else if (distance(first.sequence, mine.next) > 0) {
    skip_to(direction, first.sequence, origin, sink);
  }
  drain(sink);
}

void TcpStream::finish(StreamSink& sink) {
  drain(sink);
  while (!halves_[0].held.empty() || !halves_[1].held.empty()) give_up_oldest(sink);
  for (Half& half : halves_) half.held = {};
  if (end_ == End::open && may_be_reset_) end_ = End::rst;
  if (end_ == End::open && (halves_[0].fin || halves_[1].fin)) end_ = End::fin;
}

}  // namespace mysqlwire::capture
