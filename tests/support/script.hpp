// Scripts that drive one role of a login: what it is fed, what it must answer, what its driver
// does.
#pragma once

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace mysqlwire::test {

/// A conversation with a role whose entry is `Step on_packet(const Packet&, Buffer& out)`.
///
///   Script<ServerHandshake> script([] { return ServerHandshake(greeting); });
///   script.act([](auto& role, auto& out) { role.start(out); });
///   script.expect_send("05000000 …");
///   script.feed("20000001 …", ServerStep::need_verdict);
///   script.play_every_way();
///
/// All hex is of packets, headers included.
template <class Role>
class Script {
 public:
  using Step = typename Role::Step;
  using Action = std::function<void(Role&, Buffer&)>;

  explicit Script(std::function<Role()> make) : make_(std::move(make)) {}

  /// The bytes that the role has appended since the last expect_send().
  Script& expect_send(std::string_view packets) {
    items_.push_back({Kind::expect, copy(hex(packets)), {}, {}});
    return *this;
  }
  /// One packet of the peer, and what the role must say to it.
  Script& feed(std::string_view packet, Step step) {
    items_.push_back({Kind::feed, copy(hex(packet)), step, {}});
    return *this;
  }
  /// What the driver does. CHECKs belong in here too.
  Script& act(Action action) {
    items_.push_back({Kind::act, {}, {}, std::move(action)});
    return *this;
  }

  /// As written; then with the input in pieces of every size, in frames that are split small, cut
  /// off at every byte, with every packet shortened to every length, and with wrong sequence ids.
  void play_every_way() const {
    play(whole);
    for (const std::size_t piece : {1U, 2U, 3U, 7U}) play(piece);
    for (std::size_t bytes = 0; bytes < input_size(); ++bytes) play_cut_off(bytes);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].kind == Kind::feed) play_shortened(i);
      if (items_[i].kind == Kind::feed) play_out_of_order(i);
    }
  }

  /// As written, with the input in pieces of so many bytes.
  void play(std::size_t piece = whole) const {
    Run run(make_());
    for (const auto& item : items_) play_item(run, item, piece);
    CHECK(to_hex(run.unseen()) == "");
  }

 private:
  static constexpr auto whole = static_cast<std::size_t>(-1);

  enum class Kind : std::uint8_t { expect, feed, act };
  // No std::variant: g++ 12 sees uninitialized members in one.
  struct Item {
    Kind kind;
    Buffer packets;
    Step step;
    Action action;
  };

  struct Run {
    explicit Run(Role&& made) : role(std::move(made)) {}
    Bytes unseen() const { return Bytes(out).subspan(seen); }

    Role role;
    FrameReader reader;
    Buffer out;
    std::size_t seen = 0;
  };

  static Buffer copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

  void play_item(Run& run, const Item& item, std::size_t piece) const {
    if (item.kind == Kind::expect) {
      const auto sent = run.unseen().first(std::min(run.unseen().size(), item.packets.size()));
      CHECK(to_hex(sent) == to_hex(item.packets));
      run.seen += sent.size();
    } else if (item.kind == Kind::feed) {
      CHECK(give(run, item.packets, piece) == std::vector{item.step});
    } else {
      item.action(run.role, run.out);
    }
  }

  /// What the role said to the packets that these bytes completed.
  static std::vector<Step> give(Run& run, Bytes bytes, std::size_t piece) {
    std::vector<Step> steps;
    while (!bytes.empty()) {
      const Bytes part = bytes.first(std::min(piece, bytes.size()));
      bytes = bytes.subspan(part.size());
      run.reader.feed(part);
      for (auto next = run.reader.next(); next && *next; next = run.reader.next()) {
        // On its own heap block, so that reading past the payload does not go unseen.
        const ExactBytes payload((*next)->payload);
        const Packet packet{payload, (*next)->first_sequence_id, (*next)->last_sequence_id};
        steps.push_back(run.role.on_packet(packet, run.out));
      }
    }
    return steps;
  }

  std::size_t input_size() const {
    std::size_t size = 0;
    for (const auto& item : items_) {
      if (item.kind == Kind::feed) size += item.packets.size();
    }
    return size;
  }

  void play_cut_off(std::size_t bytes) const {
    Run run(make_());
    for (const auto& item : items_) {
      if (item.kind == Kind::feed && item.packets.size() > bytes) {
        CHECK(give(run, Bytes(item.packets).first(bytes), whole).empty());
        CHECK(run.unseen().empty());
        return;
      }
      if (item.kind == Kind::feed) bytes -= item.packets.size();
      play_item(run, item, whole);
    }
  }

  /// The run as it stands before the item with that index.
  void play_until(Run& run, std::size_t index) const {
    for (std::size_t i = 0; i < index; ++i) play_item(run, items_[i], whole);
  }

  /// Whatever a shortened packet means, the role survives it, and what it sends are whole packets.
  void play_shortened(std::size_t index) const {
    const Item& feed = items_[index];
    const PacketHeader header = read_packet_header(feed.packets.data());
    for (std::uint32_t length = 0; length < header.length; ++length) {
      Run run(make_());
      play_until(run, index);
      Buffer shorter(feed.packets.begin(), feed.packets.begin() + packet_header_size + length);
      write_packet_header(shorter.data(), {length, header.sequence_id});
      CHECK(give(run, shorter, whole).size() == 1);
      FrameReader reader;
      reader.feed(run.unseen());
      auto sent = reader.next();
      while (sent && *sent) sent = reader.next();
      CHECK((sent.has_value() && !reader.mid_packet()));
    }
  }

  void play_out_of_order(std::size_t index) const {
    const Item& feed = items_[index];
    Buffer wrong = feed.packets;
    ++wrong[3];
    Run run(make_());
    play_until(run, index);
    const bool error_packet =
        wrong.size() > packet_header_size && wrong[packet_header_size] == 0xff;
    const auto steps = give(run, wrong, whole);
    REQUIRE(steps.size() == 1);
    if (error_packet) {
      CHECK(steps.front() == feed.step);  // an ERR is heard whatever its number
    } else {
      CHECK(run.role.error().code == errc::packets_out_of_order);
    }
  }

  std::function<Role()> make_;
  std::vector<Item> items_;
};

}  // namespace mysqlwire::test
