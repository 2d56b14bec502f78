#include "proxy/session/relay.hpp"

#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"

#include <mysqlwire/wire/frame.hpp>

#include <catch2/catch.hpp>
#include <support/examples.hpp>
#include <support/hex.hpp>
#include <support/transcript.hpp>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace mysqlproxy;
using namespace mysqlwire::test;
using mysqlwire::Bytes;
namespace ex = mysqlwire::test::examples;

namespace {

/// A stream socket's two ends: one for the relay, one for the test, which waits 10 s at most.
struct Wire {
  int ours = -1;
  int relays = -1;

  Wire() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ours = ends[0];
    const timeval limit{10, 0};
    REQUIRE(::setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    int flag = 1;
    relays = ends[1];
    REQUIRE(::ioctl(relays, FIONBIO, &flag) == 0);
  }
  ~Wire() { close(); }
  void close() {
    if (ours >= 0) ::close(ours);
    ours = -1;
  }

  // Also on other threads than the test's own, of which Catch knows nothing.
  void put(Bytes bytes) const {
    if (::send(ours, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size()))
      throw std::system_error(errno, std::generic_category(), "send");
  }
  std::string get(std::size_t size) const {
    std::string bytes(size, '\0');
    const ssize_t got = ::recv(ours, bytes.data(), size, MSG_WAITALL);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
};

/// A relay at work on a thread of its own until it stops for a reason.
class Relaying {
 public:
  /// `excess_err` ends an answer that is too much.
  explicit Relaying(const mysqlwire::Context& context, Gate* gate = nullptr,
                    mysqlwire::Buffer excess_err = {})
      : relay(context, false, {}),
        excess_err_(std::move(excess_err)),
        client_(loop_, waker_, client.relays, true),
        server_(loop_, waker_, server.relays, true),
        task_(run()) {
    relay.set_gate(gate);
    task_.start();
    thread_ = std::thread([this] {
      loop_.run();
      stopped_.set_value();
    });
  }
  ~Relaying() {
    client.close();
    if (thread_.joinable()) thread_.join();
  }

  /// What the relay stopped for, which it does within 20 s.
  Relay::State result() {
    REQUIRE(stopped_.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    thread_.join();
    return state_;
  }

  Wire client;
  Wire server;
  Relay relay;
  unsigned own_commands = 0;               ///< dropped, once result() has returned
  std::atomic<bool> forward_held = false;  ///< what the gate holds is forwarded, not dropped
  std::uint8_t answer_sequence_id = 0;     ///< of the command that was dropped last

 private:
  Task<void> run() {
    for (;;) {
      state_ = relay.pump(client_, &server_, loop_.scratch());
      if (state_ == Relay::State::command) {
        ++own_commands;
        answer_sequence_id = relay.answer_sequence_id();
        if (forward_held)
          state_ = relay.forward_command(client_, server_);
        else
          relay.drop_command();
        continue;
      }
      if (state_ == Relay::State::excess) {
        relay.cut_answer(excess_err_);
        continue;
      }
      if (state_ != Relay::State::waiting && state_ != Relay::State::busy) break;
      if (state_ == Relay::State::waiting) {
        co_await waker_;
      } else {
        co_await waker_.yield();
      }
    }
    loop_.stop();
  }

  const mysqlwire::Buffer excess_err_;
  Loop loop_;
  Waker waker_{loop_};
  Channel client_;
  Channel server_;
  Relay::State state_ = Relay::State::waiting;
  Task<void> task_;
  std::promise<void> stopped_;
  std::thread thread_;
};

mysqlwire::Context context() {
  using mysqlwire::Capability;
  mysqlwire::Context context;
  context.capabilities = Capability::protocol_41 | Capability::transactions;
  return context;
}

void check_passed(const Wire& from, const Wire& to, Bytes bytes) {
  from.put(bytes);
  CHECK(to_hex(mysqlwire::as_bytes(to.get(bytes.size()))) == to_hex(bytes));
}

/// The n-th to the last packet of e8, a query of one row, in one piece.
mysqlwire::Buffer e8_packets(std::size_t first, std::size_t last) {
  mysqlwire::Buffer bytes;
  for (std::size_t n = first; n <= last; ++n) {
    const ExactBytes payload = packet_payload(ex::e8, n);
    auto sequence_id = static_cast<std::uint8_t>(n);
    mysqlwire::append_packet(bytes, payload, sequence_id);
  }
  return bytes;
}

}  // namespace

TEST_CASE("a query and its rows pass, until the client quits", "[relay]") {
  Relaying relaying(context());
  check_passed(relaying.client, relaying.server, e8_packets(0, 0));
  check_passed(relaying.server, relaying.client, e8_packets(1, 7));
  check_passed(relaying.client, relaying.server, hex("01000000 01"));
  CHECK(relaying.result() == Relay::State::quit);
  CHECK(relaying.relay.commands() == 2);
  CHECK(relaying.relay.tracker().rows() == 1);
}

TEST_CASE("rows pass in any pieces", "[relay]") {
  Relaying relaying(context());
  check_passed(relaying.client, relaying.server, e8_packets(0, 0));
  const mysqlwire::Buffer reply = e8_packets(1, 7);
  for (const std::uint8_t byte : reply) check_passed(relaying.server, relaying.client, {&byte, 1});
  check_passed(relaying.client, relaying.server, hex("01000000 01"));
  CHECK(relaying.result() == Relay::State::quit);
  CHECK(relaying.relay.tracker().rows() == 1);
}

TEST_CASE("after rows it is known what comes next", "[relay]") {
  Relaying relaying(context());
  check_passed(relaying.client, relaying.server, e8_packets(0, 0));
  check_passed(relaying.server, relaying.client, e8_packets(1, 5));
  SECTION("at the end of a row, an ERR has a place") {
    check_passed(relaying.server, relaying.client,
                 hex("05000006 0131fb0178 05000007 0131fb0178 05000008 0131fb0178"));
    relaying.server.close();
    CHECK(relaying.result() == Relay::State::server_closed);
    CHECK(relaying.relay.client_at_boundary());
    CHECK(relaying.relay.next_sequence_id() == 9);
    CHECK(relaying.relay.tracker().rows() == 3);
  }
  SECTION("in the middle of a row, it has none") {
    check_passed(relaying.server, relaying.client, hex("05000006 0131fb0178 05000007 0131"));
    relaying.server.close();
    CHECK(relaying.result() == Relay::State::server_closed);
    CHECK_FALSE(relaying.relay.client_at_boundary());
  }
  SECTION("what can't be followed does not reach the client") {
    const ExactBytes row = hex("05000006 0131fb0178");
    const ExactBytes stray = hex("05000009 0131fb0178");
    mysqlwire::Buffer bytes(row.get().begin(), row.get().end());
    bytes.insert(bytes.end(), stray.get().begin(), stray.get().end());
    relaying.server.put(bytes);
    CHECK(to_hex(mysqlwire::as_bytes(relaying.client.get(row.size()))) == to_hex(row));
    CHECK(relaying.result() == Relay::State::server_fault);
    CHECK(relaying.relay.error().code == mysqlwire::errc::packets_out_of_order);
    CHECK(relaying.relay.next_sequence_id() == 7);
  }
}

TEST_CASE("what is behind a command for the proxy goes on without another event", "[relay]") {
  Relaying relaying(context());
  // More than one read takes, so that the rest is on the socket when the command has been dealt
  // with, and no edge is to come.
  mysqlwire::Buffer bytes;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(bytes, mysqlwire::as_bytes("\x03KILL 5"), sequence_id);
  const std::size_t kill_size = bytes.size();
  std::string query(100'000, 'x');
  query[0] = 0x03;
  sequence_id = 0;
  mysqlwire::append_packet(bytes, mysqlwire::as_bytes(query), sequence_id);
  relaying.client.put(bytes);
  const Bytes expected = Bytes(bytes).subspan(kill_size);
  CHECK(mysqlwire::as_bytes(relaying.server.get(expected.size())).size() == expected.size());
  check_passed(relaying.server, relaying.client, hex("07000001 00 00 00 0200 0000"));
  check_passed(relaying.client, relaying.server, hex("01000000 01"));
  CHECK(relaying.result() == Relay::State::quit);
  CHECK(relaying.own_commands == 1);
  CHECK(relaying.relay.commands() == 3);
}

TEST_CASE("COM_QUIT waits for the answers to what was sent before it", "[relay]") {
  Relaying relaying(context());
  relaying.client.put(hex("02000000 0331 01000000 01 01000000 0e"));
  // What stands behind COM_QUIT is nobody's.
  CHECK(to_hex(mysqlwire::as_bytes(relaying.server.get(11))) ==
        "02000000033101000000"
        "01");
  check_passed(relaying.server, relaying.client, hex("07000001 00 00 00 0200 0000"));
  CHECK(relaying.result() == Relay::State::quit);
  CHECK(relaying.relay.commands() == 2);
}

TEST_CASE("an end in the middle of a command is told from one behind it", "[relay]") {
  Relaying relaying(context());
  SECTION("half a packet") {
    check_passed(relaying.client, relaying.server, hex("05000000 0353454c"));
    relaying.client.close();
    CHECK(relaying.result() == Relay::State::client_closed);
    CHECK(relaying.relay.mid_command());
  }
  SECTION("half a header, which the server has not seen") {
    check_passed(relaying.client, relaying.server, hex("02000000 0331"));
    relaying.client.put(hex("0500"));
    relaying.client.close();
    CHECK(relaying.result() == Relay::State::client_closed);
    CHECK(relaying.relay.mid_command());
  }
  SECTION("a whole command") {
    check_passed(relaying.client, relaying.server, hex("02000000 0331"));
    relaying.client.close();
    CHECK(relaying.result() == Relay::State::client_closed);
    CHECK_FALSE(relaying.relay.mid_command());
    CHECK_FALSE(relaying.relay.tracker().idle());
  }
}

TEST_CASE("an ERR reaches a client whose server has stopped listening", "[relay]") {
  Relaying relaying(context());
  // The beginning of a long command, and a server that is not going to have it.
  mysqlwire::Buffer bytes;
  std::string query(1'000'000, 'x');
  query[0] = 0x03;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(bytes, mysqlwire::as_bytes(query), sequence_id);
  relaying.client.put(Bytes(bytes).first(1'000));
  CHECK(relaying.server.get(1'000).size() == 1'000);
  const ExactBytes err = hex("09000001 ff8104 23 3038533031");
  relaying.server.put(err);
  relaying.server.close();
  CHECK(to_hex(mysqlwire::as_bytes(relaying.client.get(err.size()))) == to_hex(err));
  CHECK(relaying.result() == Relay::State::server_closed);
  CHECK(relaying.relay.tracker().pending_commands() == 0);
}

namespace {

/// Does what it is told, and writes down what it is told.
class ScriptedGate final : public Gate {
 public:
  Verdict on_command(Bytes payload, bool whole, const mysqlwire::Tracker&) override {
    commands.emplace_back(
        mysqlwire::as_text(payload.first(std::min<std::size_t>(8, payload.size()))), whole);
    shown = payload.size();
    return verdict;
  }
  void on_columns() override { answer += "columns "; }
  void on_answer(mysqlwire::PacketKind kind, Bytes, const mysqlwire::Tracker& tracker) override {
    answer += std::string(to_string(kind)) + (tracker.response_complete() ? ". " : " ");
  }
  bool on_progress(std::uint64_t bytes, const mysqlwire::Tracker& tracker) override {
    answer_bytes = bytes;
    return tracker.rows() <= max_rows;
  }

  // Tests change these while the relay is at work.
  std::atomic<Verdict> verdict = Verdict::pass;
  std::atomic<std::uint64_t> max_rows = 1'000'000;
  std::vector<std::pair<std::string, bool>> commands;
  std::size_t shown = 0;
  std::string answer;
  std::uint64_t answer_bytes = 0;
};

mysqlwire::Buffer query_packets(std::string_view text) {
  mysqlwire::Buffer bytes;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(bytes, mysqlwire::as_bytes("\x03" + std::string(text)), sequence_id);
  return bytes;
}

}  // namespace

TEST_CASE("a gate sees each command whole and its answer, one after the other", "[relay][gate]") {
  ScriptedGate gate;
  Relaying relaying(context(), &gate);
  bool next_sent = false;
  SECTION("in pieces") {
    for (const std::uint8_t byte : e8_packets(0, 0)) relaying.client.put({&byte, 1});
  }
  SECTION("with the next command at once, which waits for the first one's answer") {
    mysqlwire::Buffer bytes = e8_packets(0, 0);
    const mysqlwire::Buffer next = query_packets("DO 1");
    bytes.insert(bytes.end(), next.begin(), next.end());
    relaying.client.put(bytes);
    next_sent = true;
  }
  const mysqlwire::Buffer query = e8_packets(0, 0);
  CHECK(to_hex(mysqlwire::as_bytes(relaying.server.get(query.size()))) == to_hex(query));
  const mysqlwire::Buffer reply = e8_packets(1, 7);
  check_passed(relaying.server, relaying.client, reply);
  const mysqlwire::Buffer next = query_packets("DO 1");
  if (!next_sent) relaying.client.put(next);
  relaying.client.put(hex("01000000 01"));
  CHECK(relaying.server.get(next.size()).size() == next.size());
  check_passed(relaying.server, relaying.client, hex("07000001 00 00 00 0200 0000"));
  CHECK(relaying.result() == Relay::State::quit);
  REQUIRE(gate.commands.size() == 3);
  CHECK(gate.commands[1].first ==
        "\x03"
        "DO 1");
  CHECK(gate.commands[1].second);
  CHECK(gate.answer == "columns result_end. ok. ");
  CHECK(gate.answer_bytes == 11);
}

TEST_CASE("what a gate holds reaches the server when it is told so, or never", "[relay][gate]") {
  ScriptedGate gate;
  gate.verdict = Gate::Verdict::hold;
  Relaying relaying(context(), &gate);
  const mysqlwire::Buffer held = query_packets("DELETE FROM t");
  SECTION("forwarded as it came") {
    relaying.forward_held = true;
    relaying.client.put(held);
    CHECK(to_hex(mysqlwire::as_bytes(relaying.server.get(held.size()))) == to_hex(held));
    check_passed(relaying.server, relaying.client, hex("07000001 00 00 00 0200 0000"));
    relaying.client.close();
    CHECK(relaying.result() == Relay::State::client_closed);
    CHECK(gate.answer == "ok. ");
  }
  SECTION("dropped, and the next one is looked at") {
    relaying.client.put(held);
    relaying.client.put(query_packets("DO 1"));
    relaying.client.close();
    CHECK(relaying.result() == Relay::State::client_closed);
    CHECK(relaying.own_commands == 2);
    CHECK(gate.commands.size() == 2);
    CHECK(relaying.answer_sequence_id == 1);
  }
}

TEST_CASE("of a long command a gate sees the beginning", "[relay][gate]") {
  ScriptedGate gate;
  Relaying relaying(context(), &gate);
  const mysqlwire::Buffer longer = query_packets(std::string(3'000'000, 'x'));
  SECTION("and all of it passes") {
    std::thread writer([&] { relaying.client.put(Bytes(longer)); });
    CHECK(mysqlwire::as_bytes(relaying.server.get(longer.size())).size() == longer.size());
    writer.join();
    check_passed(relaying.server, relaying.client, hex("07000001 00 00 00 0200 0000"));
  }
  SECTION("and all of it passes later") {
    gate.verdict = Gate::Verdict::hold;
    relaying.forward_held = true;
    std::thread writer([&] { relaying.client.put(Bytes(longer)); });
    CHECK(mysqlwire::as_bytes(relaying.server.get(longer.size())).size() == longer.size());
    writer.join();
    check_passed(relaying.server, relaying.client, hex("07000001 00 00 00 0200 0000"));
  }
  SECTION("and nothing of it passes") {
    gate.verdict = Gate::Verdict::refuse;
    relaying.client.put(Bytes(longer));
    relaying.client.close();
    CHECK(relaying.result() == Relay::State::client_closed);
    CHECK(relaying.own_commands == 1);
    CHECK(relaying.answer_sequence_id == 1);
    CHECK(relaying.relay.command().empty());
  }
  REQUIRE(gate.commands.size() == 1);
  CHECK_FALSE(gate.commands[0].second);
  CHECK(gate.shown == Gate::inspected_of_longer);
}

TEST_CASE("an answer that is too much ends by an ERR of ours", "[relay][gate]") {
  ScriptedGate gate;
  gate.max_rows = 1;
  Relaying relaying(context(), &gate, {0xFF, 0x51, 0x04, '#', '7', '0', '1', '0', '0', 'x'});
  check_passed(relaying.client, relaying.server, e8_packets(0, 0));
  check_passed(relaying.server, relaying.client, e8_packets(1, 5));
  // The second row is one too many; what follows in the same read has gone already.
  check_passed(relaying.server, relaying.client, hex("05000006 0131fb0178 05000007 0131fb0178"));
  SECTION("rows and their end are dropped") {
    relaying.server.put(hex("05000008 0131fb0178 05000009 0131fb0178 0500000a fe00000200"));
  }
  SECTION("the server's ERR is replaced") {
    relaying.server.put(hex("05000008 0131fb0178 09000009 ff2505 23 3730313030"));
  }
  SECTION("in pieces") {
    const ExactBytes rest = hex("05000008 0131fb0178 05000009 fe00000200");
    for (const std::uint8_t byte : rest.get()) relaying.server.put({&byte, 1});
  }
  CHECK(to_hex(mysqlwire::as_bytes(relaying.client.get(14))) ==
        "0a000008ff5104233730313030"
        "78");
  gate.max_rows = 1'000;
  check_passed(relaying.client, relaying.server, query_packets("DO 1"));
  check_passed(relaying.server, relaying.client, hex("07000001 00 00 00 0200 0000"));
}
