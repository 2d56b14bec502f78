#include "proxy/session/tls_handshake.hpp"

#include <utility>

namespace mysqlproxy {

Task<std::string> start_tls(Waker& waker, Channel& channel, std::unique_ptr<TlsStream> tls,
                            const Deadline& deadline, const Socket* watched) {
  std::string reason;
  for (;;) {
    if (!channel.flush()) {
      reason = "the connection was closed";
      break;
    }
    const bool sent = !channel.congested();
    const auto state = sent ? tls->shake_hands() : TlsStream::Handshake::under_way;
    if (state == TlsStream::Handshake::done) break;
    if (state == TlsStream::Handshake::failed) {
      reason = tls->error();
      break;
    }
    if (deadline.passed()) {
      reason = "the TLS handshake took too long";
      break;
    }
    if (watched != nullptr && watched->peer_closed()) {
      reason = "the client has left";
      break;
    }
    co_await waker;
  }
  if (reason.empty()) channel.secure(std::move(tls));
  co_return reason;
}

}  // namespace mysqlproxy
