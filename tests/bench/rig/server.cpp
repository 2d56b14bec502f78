// The rig's server: a relay in front of a real one that answers point selects itself.
//
// Logins and whatever a proxy asks on its own account are answered by the real server, so that
// every kind of proxy is served. A command that is asked again and again is answered with the bytes
// of the real server's answer from then on: two equal answers in a row are taken for the answer.
// That is a comparison and a send, so what is left to measure is what lies in between.
#include "socket.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string_view>
#include <vector>

namespace mysqlwire::rig {
namespace {

constexpr std::size_t piece = 64 << 10;

/// A command and its answer, with all headers.
struct Exchange {
  Buffer command;
  Buffer answer;
  bool certain = false;  // the same answer was seen twice
};

/// Whether the answer depends on nothing but the command.
bool repeatable(Bytes command) {
  constexpr std::string_view point_select = "\x03SELECT c FROM";
  if (command.size() <= packet_header_size) return false;
  const Bytes payload = command.subspan(packet_header_size);
  if (payload[0] == static_cast<std::uint8_t>(Command::com_stmt_execute)) return true;
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(payload.data())),
                              payload.size());
  return text.starts_with(point_select);
}

class Session {
 public:
  Session(int client, int server) : client_(client), server_(server) {}
  ~Session() {
    ::close(client_);
    ::close(server_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int client() const { return client_; }
  int server() const { return server_; }

  /// False when it is over.
  bool from_client(Bytes bytes) {
    if (!unread_.empty()) {
      unread_.insert(unread_.end(), bytes.begin(), bytes.end());
      bytes = unread_;
    }
    while (const std::size_t size = whole_packet(bytes)) {
      on_command(bytes.first(size));
      bytes = bytes.subspan(size);
    }
    unread_ = Buffer(bytes.begin(), bytes.end());
    return !tracker_.lost();
  }

  bool from_server(Bytes bytes) {
    if (learning_) answer_.insert(answer_.end(), bytes.begin(), bytes.end());
    follow(Direction::to_client, bytes);
    if (learning_ && tracker_.idle()) learn();
    send_all(client_, bytes);
    return !tracker_.lost();
  }

 private:
  static std::size_t whole_packet(Bytes bytes) {
    if (bytes.size() < packet_header_size) return 0;
    const std::size_t size = read_packet_header(bytes.data()).length + packet_header_size;
    return size <= bytes.size() ? size : 0;
  }

  void on_command(Bytes packet) {
    const bool asked = tracker_.idle() && repeatable(packet);
    Exchange* known = asked ? find(packet) : nullptr;
    if (known && known->certain) {
      send_all(client_, known->answer);
      return;
    }
    if (asked) {
      if (!known) {
        exchanges_.push_back({Buffer(packet.begin(), packet.end()), {}, false});
        known = &exchanges_.back();
      }
      learning_ = static_cast<std::size_t>(known - exchanges_.data()) + 1;
      answer_.clear();
    }
    follow(Direction::to_server, packet);
    send_all(server_, packet);
  }

  void learn() {
    Exchange& exchange = exchanges_[learning_ - 1];
    learning_ = 0;
    exchange.certain = exchange.answer == answer_;
    exchange.answer = answer_;
  }

  Exchange* find(Bytes packet) {
    const auto found = std::find_if(exchanges_.begin(), exchanges_.end(), [&](const Exchange& one) {
      return std::ranges::equal(one.command, packet);
    });
    return found == exchanges_.end() ? nullptr : &*found;
  }

  void follow(Direction direction, Bytes bytes) {
    FrameReader& reader = readers_[static_cast<std::size_t>(direction)];
    reader.feed(bytes);
    while (!tracker_.lost()) {
      const auto packet = reader.next();
      if (!packet || !*packet) break;
      static_cast<void>(tracker_.accept(direction, **packet));
    }
  }

  int client_;
  int server_;
  Tracker tracker_;
  std::array<FrameReader, 2> readers_;
  Buffer unread_;  // of the client: less than a packet
  std::vector<Exchange> exchanges_;
  std::size_t learning_ = 0;  // which exchange, from 1 on
  Buffer answer_;             // what the server has said to it so far
};

/// One socket of a session.
struct End {
  Session* session;
  bool client;
};

class Server {
 public:
  Server(std::uint16_t port, std::uint16_t real) : listener_(listen_on(port)), real_(real) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_, nullptr);
  }

  void run() {
    std::array<epoll_event, 64> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        auto* end = static_cast<End*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (end)
          serve(*end);
        else
          accept();
      }
      gone_.clear();
    }
  }

 private:
  struct Both {
    std::unique_ptr<Session> session;
    End client, server;
  };

  void watch(int socket, End* end) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = end;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) fail("epoll_ctl");
  }

  void accept() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    send_at_once(client);
    auto both = std::make_unique<Both>();
    both->session = std::make_unique<Session>(client, connect_to(real_));
    both->client = {both->session.get(), true};
    both->server = {both->session.get(), false};
    watch(client, &both->client);
    watch(both->session->server(), &both->server);
    sessions_.push_back(std::move(both));
  }

  void serve(const End& end) {
    const auto closed = [&](const auto& both) { return both->session.get() == end.session; };
    if (std::any_of(gone_.begin(), gone_.end(), closed)) return;
    Session& session = *end.session;
    const int socket = end.client ? session.client() : session.server();
    const ssize_t size = ::recv(socket, buffer_.data(), buffer_.size(), 0);
    bool goes_on = size > 0;
    if (goes_on) {
      const Bytes bytes(buffer_.data(), static_cast<std::size_t>(size));
      try {
        goes_on = end.client ? session.from_client(bytes) : session.from_server(bytes);
      } catch (const std::system_error&) {  // the other side is gone
        goes_on = false;
      }
    }
    if (goes_on) return;
    // Its other socket may have an event in the batch that is being served: it goes with the batch.
    const auto found = std::find_if(sessions_.begin(), sessions_.end(), closed);
    ::shutdown(session.client(), SHUT_RDWR);
    ::shutdown(session.server(), SHUT_RDWR);
    gone_.push_back(std::move(*found));
    sessions_.erase(found);
  }

  int listener_;
  int epoll_;
  std::uint16_t real_;
  std::vector<std::unique_ptr<Both>> sessions_;
  std::vector<std::unique_ptr<Both>> gone_;
  std::array<std::uint8_t, piece> buffer_;
};

}  // namespace
}  // namespace mysqlwire::rig

int main(int count, char** arguments) {
  if (count != 3) return std::fprintf(stderr, "rig_server PORT PORT-OF-THE-SERVER\n"), 2;
  const auto port = [](const char* text) { return static_cast<std::uint16_t>(std::atoi(text)); };
  try {
    mysqlwire::rig::Server(port(arguments[1]), port(arguments[2])).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rig_server: %s\n", error.what());
  }
  return 1;
}
