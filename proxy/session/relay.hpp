// Moves bytes between a client and its server after login, watched by the tracker.
#pragma once

#include "proxy/session/channel.hpp"
#include "proxy/session/gate.hpp"

#include <mysqlwire/session/packet_scanner.hpp>
#include <mysqlwire/session/sequence_rewriter.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace mysqlproxy {

/// The command phase of one session, without coroutines and without knowledge of time: pump() moves
/// what can be moved now and says why it stopped. Bytes are forwarded as they came; a packet is
/// held back only when it is a command that the proxy has to act on itself. Reading stops while the
/// other side does not take what was read, so memory stays bounded in both directions.
///
/// Where a side is compressed, packets get new sequence ids on their way, since those of compressed
/// frames mean nothing and others are checked; and a command waits until the one before it is
/// answered, since frames are numbered anew for each. With a gate it waits as well.
class Relay {
 public:
  enum class State : std::uint8_t {
    waiting,        ///< nothing can be moved until a socket is ready
    busy,           ///< there is more to move, but others should have their turn
    command,        ///< command() is for the session to see to; nothing else is outstanding
    excess,         ///< the gate wants no more of the answer under way to reach the client
    taken_back,     ///< the gate has taken the answer back; the client knows of none
    quit,           ///< the client sent COM_QUIT, the server has it and has answered all before it
    client_closed,  ///< the client has closed, or reset, its connection
    server_closed,  ///< the server has closed, or reset, its connection
    client_fault,   ///< error(): what the client sent can't be followed; the server did not get it
    server_fault,   ///< error(): what the server sent can't be followed; the client did not get it
  };

  /// `context` is what client and server agreed on. Bytes that the client sent behind its login go
  /// to `early`. `compressed`: a side is.
  Relay(const mysqlwire::Context& context, bool compressed, mysqlwire::Bytes early);

  /// From the next command on each is shown to `gate`, which outlives the relay; null: to nobody.
  void set_gate(Gate* gate) noexcept { gate_ = gate; }

  /// Moves bytes between the two. `scratch` is overwritten. Without a server (null) the gate has to
  /// hold every command.
  State pump(Channel& client, Channel* server, std::span<std::uint8_t> scratch);
  /// pump() would find nothing to do before a socket is ready.
  bool may_rest(const Channel& client, const Channel* server) const noexcept {
    return !client.readable() && (server == nullptr || !server->readable()) && !look_at_held_ &&
           command_size_ == 0 && !server_deaf_ && !quit_;
  }

  /// Another server connection from here on, for the same session and by the same terms. Only while
  /// answered().
  void change_server() noexcept;

  /// The packets (headers included) of the command that is held; valid until resumed. Of one that
  /// is longer than the gate is shown its beginning; nothing of one that the gate refused.
  mysqlwire::Bytes command() const noexcept;
  /// It is held because of the gate, and not, or not yet, because the proxy acts on it itself.
  bool held_by_gate() const noexcept { return held_by_gate_; }
  /// What is held is one of the commands that the proxy acts on itself, gate or not.
  bool is_own_command() const noexcept { return judge(command()) == Verdict::act; }
  /// Goes on after command(): the gate has nothing against it. The next state may be `command`
  /// again, for one that the proxy acts on itself.
  State forward_command(Channel& client, Channel& server);
  /// Goes on after command(): the server gets `instead`, whole packets in the place of the
  /// command's; or nothing where the proxy has answered the client itself.
  State forward_instead(Channel& client, Channel& server, mysqlwire::Buffer instead);
  /// The command that is held with `beginning` in the place of the first `size` bytes of its
  /// payload, for forward_instead(); of a longer one its beginning. Nothing: it gets too long.
  std::optional<mysqlwire::Buffer> begun_by(mysqlwire::Bytes beginning, std::size_t size) const;
  void drop_command();
  /// A command that was forwarded, and of whose answer the client knows nothing, comes once more:
  /// its packets, as the client sent them.
  void repeat(mysqlwire::Bytes packets);
  /// The sequence id of an answer to command() in the server's place.
  std::uint8_t answer_sequence_id() const noexcept { return answer_sequence_id_; }
  /// The client gets no more of the answer under way, and behind what it has, when the server has
  /// finished, the ERR with this payload. Nothing happens where no answer is under way.
  void cut_answer(mysqlwire::Buffer err_payload);
  /// The same for a command with more to come: all that the client sent from it on, which goes no
  /// further by itself. What is left of it in the end goes to restart() or give_back().
  mysqlwire::Buffer surrender() noexcept;
  void give_back(mysqlwire::Bytes bytes);
  /// Another user, and maybe another server connection, from here on; `early` as in the
  /// constructor. Only between commands.
  void restart(const mysqlwire::Context& context, bool compressed, mysqlwire::Bytes early);

  const mysqlwire::Error& error() const noexcept { return error_; }
  const mysqlwire::Tracker& tracker() const noexcept { return tracker_; }
  /// True when an ERR packet of ours would be understood by the client as the next packet.
  bool client_at_boundary() const noexcept { return from_server_.at_boundary(); }
  /// True when the client has sent the beginning of something that the server needs the rest of.
  bool mid_command() const noexcept;
  /// True between commands: nothing outstanding, nothing half received.
  bool quiet() const noexcept;
  /// The server has nothing under way. Of the next command it has not had a byte.
  bool answered() const noexcept {
    return tracker_.idle() && from_client_.at_boundary() && from_server_.at_boundary() &&
           partial_.empty();
  }
  /// Of the answer that is due nothing has come yet.
  bool unanswered() const noexcept { return !answer_begun_; }
  /// The sequence id of the next packet to the client, should the proxy have to speak.
  std::uint8_t next_sequence_id() const noexcept {
    return numbering_ ? numbering_->to_client : next_sequence_id_;
  }
  std::uint64_t commands() const noexcept { return commands_; }
  /// Bytes have moved since this was asked last.
  bool take_activity() noexcept { return std::exchange(active_, false); }

 private:
  enum class Verdict : std::uint8_t { forward, need_more, act, refuse };
  /// What becomes of the answer under way.
  enum class Cut : std::uint8_t {
    none,
    due,   ///< from the next packet on that may be missing
    done,  ///< the client got its last packet of it
  };
  using Chunk = std::span<std::uint8_t>;

  /// Sequence ids where a side is compressed: what the next packet to each side gets.
  struct Numbering {
    mysqlwire::SequenceRewriter from_client;
    mysqlwire::SequenceRewriter from_server;
    std::uint8_t to_client = 0;
    std::uint8_t to_server = 0;
    bool reply_begins = false;
  };

  bool flush(Channel& channel);
  State take_from_client(Chunk chunk, Channel& client, Channel* server);
  State take_from_server(Chunk chunk, Channel& client);
  State take_answers(Chunk chunk, Channel& client);
  State take_held(Channel& client, Channel* server);
  void pass_to_server(Chunk bytes, bool begins_command, Channel& client, Channel* server);
  bool pass_to_client(Chunk bytes, bool asked, Channel& client);
  void expect(bool compressed);
  bool one_at_a_time() const noexcept { return numbering_ || gate_ != nullptr; }
  bool may_take_more() const noexcept;
  bool between_commands() const noexcept;
  void consume_command();
  void release_held() noexcept;
  State pass_client_packets(Chunk chunk, std::size_t& used, bool judged);
  bool note_command(std::uint32_t frame_length, std::uint8_t sequence_id, mysqlwire::Bytes prefix);
  bool note_answer(std::uint32_t frame_length, std::uint8_t sequence_id, mysqlwire::Bytes prefix);
  Verdict ask_gate(mysqlwire::Bytes bytes);
  State swallow(mysqlwire::Bytes bytes);
  bool may_cut_here(mysqlwire::Bytes next) const noexcept;
  bool must_be_whole(mysqlwire::Bytes packet) const noexcept;
  bool rewrite(Chunk packet, std::uint8_t sequence_id, mysqlwire::Buffer& instead);
  bool advance_cut(Chunk chunk, std::size_t used, std::size_t& passed, Channel& client);
  Verdict judge(mysqlwire::Bytes bytes) const noexcept;
  Verdict judge_query(mysqlwire::Bytes bytes, std::uint32_t length) const noexcept;
  State fail(State state, const mysqlwire::Error& error) noexcept;

  // What every packet needs stands first, since the memory of many sessions is slow to get at.
  Gate* gate_ = nullptr;
  std::unique_ptr<Numbering> numbering_;  ///< null: ids stay as they are
  /// Bytes of the client that the server has not got yet: the beginning of a command that is not
  /// understood yet, or one that waits for its turn.
  mysqlwire::Buffer held_;
  std::size_t command_size_ = 0;  ///< of the command at the front of held_, when one waits; else 0
  std::uint8_t next_sequence_id_ = 0;
  std::uint8_t answer_sequence_id_ = 1;
  std::uint8_t cut_sequence_id_ = 0;
  mysqlwire::PacketKind last_kind_ = mysqlwire::PacketKind::ok;  ///< from the server
  Cut cut_ = Cut::none;
  bool active_ = false;
  bool held_by_gate_ = false;
  bool answer_begun_ = false;  ///< of the command under way
  bool taken_back_ = false;    ///< that answer
  bool swallowing_ = false;    ///< what is left of the client's packet goes nowhere
  bool quit_ = false;
  bool look_at_held_ = false;  ///< held_ has bytes that were not looked at yet
  /// The server can't be written to any more. What it said before, an ERR maybe, is still read.
  bool server_deaf_ = false;
  mysqlwire::Tracker tracker_;
  mysqlwire::PacketScanner from_server_;
  mysqlwire::PacketScanner from_client_;
  std::uint64_t commands_ = 0;
  std::uint64_t max_payload_;
  std::uint64_t answer_bytes_ = 0;  ///< of the answer under way; counted for a gate only
  /// The beginning of a packet of the server's that is to be rewritten.
  mysqlwire::Buffer partial_;
  mysqlwire::Buffer cut_err_;  ///< the payload that ends an answer that is cut
  mysqlwire::Error error_;
};

}  // namespace mysqlproxy
