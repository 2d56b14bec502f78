#include "proxy/session/packet_io.hpp"

#include <mysqlwire/crypto/secret.hpp>

namespace mysqlproxy {

Task<Reception> receive_packet(Loop& loop, Waker& waker, Channel& channel,
                               mysqlwire::FrameReader& reader, const Deadline& deadline,
                               const Socket* watched, std::size_t careful) {
  Reception reception;
  for (;;) {
    const auto next = reader.next();
    if (!next) {
      reception.kind = Reception::Kind::malformed;
      reception.error = next.error();
      co_return reception;
    }
    if (*next) {
      reception.kind = Reception::Kind::packet;
      reception.packet = **next;
      co_return reception;
    }
    if (!channel.flush()) co_return reception;
    if (channel.readable()) {
      const std::size_t held = reader.buffered();
      const std::size_t most = held < careful ? careful - held : loop.scratch().size();
      const IoResult got = channel.read(loop.scratch().first(most));
      if (got.kind == IoResult::Kind::done) {
        reader.feed(loop.scratch().first(got.size));
        if (reader.wiping()) mysqlwire::crypto::cleanse(loop.scratch().first(got.size));
        continue;
      }
      if (got.kind != IoResult::Kind::would_block) {
        reception.system_error = got.error;
        if (channel.fault()) {
          reception.kind = Reception::Kind::malformed;
          reception.error = *channel.fault();
        }
        co_return reception;
      }
    }
    if (deadline.passed()) {
      reception.kind = Reception::Kind::timed_out;
      co_return reception;
    }
    if (watched != nullptr && watched->peer_closed()) {
      reception.kind = Reception::Kind::abandoned;
      co_return reception;
    }
    co_await waker;
  }
}

}  // namespace mysqlproxy
