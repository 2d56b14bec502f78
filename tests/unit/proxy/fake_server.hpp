// Servers that say what a test wants them to say, on loopback.
#pragma once

#include "proxy/config/endpoint.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/server_handshake.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/ok_packet.hpp>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace mysqlproxy::test {

/// One end of a stream, read and written as a test does it: in order, for 10 s at most.
class Peer {
 public:
  explicit Peer(int descriptor) : descriptor_(descriptor) {
    const timeval limit{10, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Peer() { close(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  void put(mysqlwire::Bytes bytes) const {
    (void)::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  /// One packet.
  void say(mysqlwire::Bytes payload, std::uint8_t sequence_id) const {
    mysqlwire::Buffer out;
    mysqlwire::append_packet(out, payload, sequence_id);
    put(out);
  }
  void say(std::string_view payload, std::uint8_t sequence_id) const {
    say(mysqlwire::as_bytes(payload), sequence_id);
  }
  /// The next packet, valid until the next call; nothing at the end of the stream, or after 10 s.
  std::optional<mysqlwire::Packet> packet() {
    for (;;) {
      const auto next = reader_.next();
      if (!next) return std::nullopt;
      if (*next) return **next;
      std::array<std::uint8_t, 4096> piece{};
      const ssize_t got = ::recv(descriptor_, piece.data(), piece.size(), 0);
      if (got <= 0) return std::nullopt;
      reader_.feed(mysqlwire::Bytes(piece).first(static_cast<std::size_t>(got)));
    }
  }
  /// The same, as text.
  std::string text() {
    const auto next = packet();
    return next ? std::string(mysqlwire::as_text(next->payload)) : std::string("(the end)");
  }
  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
  mysqlwire::FrameReader reader_;
};

inline mysqlwire::Buffer ok_payload() {
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  mysqlwire::Context context;
  context.capabilities = mysqlwire::Capability::protocol_41;
  mysqlwire::OkPacket ok;
  ok.status = mysqlwire::ServerStatus::autocommit;
  ok.encode(writer, context);
  return payload;
}

inline mysqlwire::Buffer err_payload(std::uint16_t code, std::string_view state,
                                     std::string_view message) {
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  mysqlwire::Context context;
  context.capabilities = mysqlwire::Capability::protocol_41;
  mysqlwire::ErrPacket{code, state, message}.encode(writer, context);
  return payload;
}

/// The server's side of a login, up to the verdict; the user's name.
inline std::string greet(Peer& peer, mysqlwire::ServerHandshake& handshake) {
  mysqlwire::Buffer out;
  handshake.start(out);
  peer.put(out);
  const auto login = peer.packet();
  if (!login) return {};
  out.clear();
  handshake.on_packet(*login, out);
  return handshake.login().user;
}

inline mysqlwire::ServerHandshake fake_handshake(std::uint32_t connection_id = 7,
                                                 std::string_view version = "8.0.36-fake") {
  using mysqlwire::Capability;
  mysqlwire::ServerGreeting greeting;
  greeting.server_version = version;
  greeting.connection_id = connection_id;
  greeting.capabilities = {Capability::long_password,     Capability::protocol_41,
                           Capability::secure_connection, Capability::plugin_auth,
                           Capability::transactions,      Capability::multi_results,
                           Capability::connect_with_db};
  greeting.collation = 45;
  greeting.auth_plugin = "mysql_native_password";
  greeting.salt.fill('s');
  return mysqlwire::ServerHandshake(greeting);
}

/// Greets and lets in whoever comes; COM_QUIT and the like are the script's business then.
inline void let_in(Peer& peer, std::uint32_t connection_id = 7) {
  auto handshake = fake_handshake(connection_id);
  greet(peer, handshake);
  mysqlwire::Buffer out;
  handshake.accept(ok_payload(), out);
  peer.put(out);
}

/// A listening socket; whoever connects is led through the script, one after the other, on a thread
/// of its own.
class FakeServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit FakeServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_, raw, size) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    REQUIRE(::getsockname(listener_, raw, &size) == 0);
    endpoint_.host = "127.0.0.1";
    endpoint_.port = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  const Endpoint& endpoint() const noexcept { return endpoint_; }
  unsigned visits() const noexcept { return visits_; }

 private:
  void serve() {
    for (;;) {
      const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (descriptor < 0) return;
      ++visits_;
      Peer peer(descriptor);
      script_(peer);
    }
  }

  Script script_;
  int listener_ = -1;
  Endpoint endpoint_;
  std::atomic<unsigned> visits_ = 0;
  std::thread thread_;
};

}  // namespace mysqlproxy::test
