#include "proxy/session/session.hpp"

#include "proxy/app/worker.hpp"
#include "proxy/session/errors.hpp"

#include <mysqlwire/wire/frame.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;

namespace {

/// How long a client may take to fetch our last words.
constexpr std::chrono::milliseconds linger{2000};
/// How long a client may take none of what a server said that is gone: as long as servers wait
/// (net_write_timeout) before they go.
constexpr std::chrono::milliseconds patience{60000};
/// What is thrown away of what it still sends meanwhile.
constexpr std::uint64_t most_discarded = 4 << 20;

}  // namespace

Session::Session(Worker& worker, Arrival arrival)
    : worker_(worker),
      services_(worker.services()),
      waker_(worker.loop()),
      last_activity_(worker.loop().now()),
      client_(worker.loop(), waker_, arrival.descriptor, true),
      deadline_(worker.loop(), waker_),
      command_deadline_(worker.loop(), waker_),
      linger_(worker.loop(), waker_),
      self_(std::make_shared<Waker*>(&waker_)),
      task_(run()),
      arrival_(std::move(arrival)),
      id_(services_.ids.allocate()),
      began_(std::chrono::system_clock::now()),
      began_at_(worker.loop().now()) {
  services_.counters.sessions.fetch_add(1, std::memory_order_relaxed);
}

Session::~Session() {
  *self_ = nullptr;
  services_.counters.sessions.fetch_sub(1, std::memory_order_relaxed);
}

void Session::start() { task_.start(); }

void Session::drain() noexcept {
  if (!relay_ && client_.bytes_in == 0) deadline_.set(std::chrono::milliseconds(0));
  waker_.notify();
}

void Session::reconsider() {
  if (!server_ || !pool_) return;
  if (!misplaced_ && pool_of_server()->has_left(*server_->server())) {
    misplaced_ = true;
    straggler_ = pool_of_server()->straggle();
  }
  servers_changed_ = misplaced_ || may_be_done_elsewhere();
  if (servers_changed_) waker_.notify();
}

/// One that borrows may have been sent to a server of another pool than its own.
const std::shared_ptr<Pool>& Session::pool_of_server() const noexcept {
  return lent_ ? lent_->pool : pool_;
}

void Session::cut() noexcept {
  cut_ = true;
  waker_.notify();
}

Task<void> Session::run() {
  const bool logged_in = co_await log_in();
  arrival_.handshake.reset();
  if (logged_in) co_await serve();
  if (borrowing_) co_await hand_back();
  co_await hang_up();
  record();
  worker_.bury(*this);
}

/// Everything from the first command to the end.
Task<void> Session::serve() {
  rest_deadline();
  bool goes_on = true;
  while (goes_on) {
    if (topology_version_ != services_.topology_version()) follow_topology();
    Channel* const server = side_ != nullptr ? &side_->channel
                            : server_        ? &server_->channel
                                             : nullptr;
    const Relay::State state = relay_->pump(client_, server, worker_.loop().scratch());
    if (relay_->take_activity()) last_activity_ = worker_.loop().now();
    bool rests = false;
    if (side_ != nullptr && relay_->quiet() &&
        (state == Relay::State::waiting || state == Relay::State::server_closed)) {
      leave_side();  // and see what the session's own server has to say
    } else if (state == Relay::State::busy) {
      co_await waker_.yield();
    } else if (state == Relay::State::command) {
      const std::optional<bool> done = act_at_once();
      if (done)
        goes_on = *done;
      else
        goes_on = co_await act_on_command();
      rests = done && goes_on && may_rest();
    } else if (state == Relay::State::taken_back) {
      do_elsewhere();
    } else if (state == Relay::State::excess) {
      goes_on = co_await cut_answer();
    } else if (state != Relay::State::waiting) {
      goes_on = outlives(state);
    } else if (settle_due()) {
      const bool settled = settle_at_once();
      if (!settled) co_await settle();
      goes_on = ending_.reason.empty();
      rests = settled && may_rest();
    } else if (may_have_to_leave() && leave_if_asked()) {
      goes_on = false;
    } else if (passed(command_deadline_) && steering_ && steering_->on_time() &&
               !relay_->tracker().idle()) {
      goes_on = co_await cut_answer();
    } else {
      rests = true;
    }
    if (rests) co_await waker_;
  }
}

/// Sees to what stopped the relay. True when the session goes on.
bool Session::outlives(Relay::State state) {
  switch (state) {
    case Relay::State::quit: end(EndedBy::client, "quit"); return false;
    case Relay::State::server_closed:
      if (outlives_lost_server(lost_connection())) return true;
      tell_of_lost_server(lost_connection());
      return false;
    case Relay::State::client_fault: answer_client_fault(); return false;
    case Relay::State::server_fault: answer_server_fault(); return false;
    case Relay::State::client_closed: break;
    default: return true;
  }
  // A client that has only closed its sending side still gets the answers that are due. To half a
  // command none is.
  if (half_closed_ || relay_->tracker().idle() || relay_->mid_command() ||
      client_.socket.hung_up()) {
    end(EndedBy::client, "closed the connection without COM_QUIT");
    return false;
  }
  half_closed_ = true;
  return true;
}

/// Something may be there that leave_if_asked() minds. Seldom.
bool Session::may_have_to_leave() const noexcept {
  return cut_ || half_closed_ || misplaced_ || servers_changed_ || killed_ || passed(deadline_) ||
         client_.congested() || worker_.draining();
}

/// Behind a step that had to wait for nothing: there is nothing else to see to, and it is not worth
/// another turn to find that out. The usual case.
bool Session::may_rest() const noexcept {
  return side_ == nullptr && relay_->may_rest(client_, server_ ? &server_->channel : nullptr) &&
         !settle_due() && !may_have_to_leave() && !passed(command_deadline_);
}

/// Reasons to end that are not in the stream of packets. True when the session is over.
bool Session::leave_if_asked() {
  if (cut_) {
    end(EndedBy::proxy, "drain_timeout");
    return true;
  }
  if (killed_) {
    end(EndedBy::proxy, "KILL");
    return true;
  }
  if (half_closed_ &&
      (client_.socket.hung_up() || (relay_->tracker().idle() && !client_.congested()))) {
    end(EndedBy::client, "closed the connection without COM_QUIT");
    return true;
  }
  if (has_idled()) {
    end(EndedBy::proxy, "idle_timeout");
    return true;
  }
  if (server_is_silent()) {
    const auto& server = side_ != nullptr ? *side_ : *server_;
    const Loss loss{read_timeout,
                    fmt::format("server {} has said nothing for {:.3g} s", server.server()->name(),
                                std::chrono::duration<double>(server_timeout_).count())};
    if (!outlives_lost_server(loss)) {
      tell_of_lost_server(loss);
      return true;
    }
  }
  if (misplaced_ && !server_) {
    misplaced_ = false;
    straggler_.leave();
  }
  if (std::exchange(servers_changed_, false) && may_be_done_elsewhere()) {
    // No answer is to come of one that has gone silent.
    (void)outlives_lost_server({read_error, fmt::format("server {} is down", server_name_)});
    return false;
  }
  if (misplaced_ &&
      (server_->server()->reachability() == Reachability::down || pool_of_server()->hurries() ||
       (relay_->quiet() && !relay_->tracker().in_transaction()))) {
    // Of a server that is gone no answer is to come either.
    const std::string reason = fmt::format("server {} is not the primary of pool {} any more",
                                           server_name_, pool_of_server()->name());
    if (outlives_lost_server({read_error, reason})) return false;
    if (relay_->client_at_boundary())
      say(error_payload(server_shutdown, reason),
          relay_->tracker().idle() ? 0 : relay_->next_sequence_id());
    end(EndedBy::proxy, reason);
    return true;
  }
  if (worker_.draining() && relay_->quiet() && !relay_->tracker().in_transaction()) {
    say(error_payload(server_shutdown, "Server shutdown in progress"), 0);
    end(EndedBy::proxy, "shutdown");
    return true;
  }
  return false;
}

/// True when no byte has moved for the idle timeout, and not because the server is at work.
bool Session::has_idled() {
  if (client_.congested() && server_ && server_->channel.socket.peer_closed() &&
      (idle_timeout_.count() == 0 || idle_timeout_ > patience)) {
    idle_timeout_ = patience;
    deadline_.set(patience);
  }
  if (!deadline_.passed()) return false;
  // Looked at once in a long while, instead of being set anew for every packet.
  const std::chrono::milliseconds idle(worker_.loop().now() - last_activity_);
  if (idle_timeout_.count() != 0 && idle >= idle_timeout_ && up_to_client()) return true;
  const auto shorter = shorter_timeout();
  if (shorter.count() != 0)
    deadline_.set(std::max(shorter - idle, std::chrono::milliseconds(1000)));
  return false;
}

/// Nothing is due from the server.
bool Session::up_to_client() const {
  return relay_->tracker().idle() || relay_->mid_command() || client_.congested();
}

/// The one that passes first, of those that there are.
std::chrono::milliseconds Session::shorter_timeout() const {
  if (idle_timeout_.count() == 0 || server_timeout_.count() == 0)
    return std::max(idle_timeout_, server_timeout_);
  return std::min(idle_timeout_, server_timeout_);
}

/// True when it has owed an answer for too long. A replica's stream has no end, and may rest.
bool Session::server_is_silent() const {
  if (server_timeout_.count() == 0 || (!server_ && side_ == nullptr) || up_to_client() ||
      relay_->tracker().phase() == mysqlwire::Phase::binlog)
    return false;
  const std::chrono::milliseconds idle(worker_.loop().now() - last_activity_);
  return idle >= server_timeout_;
}

/// What the client sent can't be followed: it is told, in the servers' words, and is let go.
void Session::answer_client_fault() {
  using mysqlwire::errc;
  const auto& error = relay_->error();
  const std::uint8_t next = relay_->next_sequence_id();
  if (relay_->client_at_boundary()) {
    if (error.code == errc::packet_too_large)
      say(error_payload(packet_too_large, "Got a packet bigger than 'max_allowed_packet' bytes"),
          next);
    else if (error.code == errc::packets_out_of_order)
      say(error_payload(packets_out_of_order, "Got packets out of order"), 0);
    else if (client_.fault())
      say(error_payload(cannot_uncompress, "Couldn't uncompress communication packet"), next);
    else
      say(error_payload(malformed_packet, "Malformed communication packet."), next);
  }
  end(EndedBy::proxy, fmt::format("client sent what can't be followed: {}", to_string(error)));
}

void Session::answer_server_fault() {
  const std::string reason =
      fmt::format("server {} broke the protocol: {}", server_name_, to_string(relay_->error()));
  services_.log.error(reason, {{"client", arrival_.address}});
  if (relay_->client_at_boundary()) {
    // To what nobody asked for this is no answer either.
    const bool asked = relay_->tracker().pending_commands() != 0;
    if (!asked) client_.begin_command();
    say(error_payload(read_error, reason), asked ? relay_->next_sequence_id() : 0);
  }
  end(EndedBy::server, reason);
}

/// In the command phase the deadline is the idle timeout.
void Session::rest_deadline() {
  const auto topology = services_.topology();
  idle_timeout_ = topology->config().proxy.idle_timeout;
  server_timeout_ = topology->config().proxy.server_timeout;
  last_activity_ = worker_.loop().now();
  if (const auto shorter = shorter_timeout(); shorter.count() != 0)
    deadline_.set(shorter);
  else
    deadline_.clear();
}

/// A server that leaves between commands, or because of a KILL, is imitated. One that leaves a
/// command without an answer has the client told why, where an ERR can stand.
void Session::tell_of_lost_server(const Loss& loss) {
  if (relay_->tracker().pending_commands() != 0 && relay_->client_at_boundary() && !id_.killed())
    say(error_payload(loss.error, loss.reason), relay_->next_sequence_id());
  end(EndedBy::server, loss.reason);
}

Loss Session::lost_connection() const {
  const ServerConnection& server = side_ != nullptr ? *side_ : *server_;
  return {read_error, fmt::format("server {} closed the connection", server.server()->name())};
}

void Session::end(EndedBy side, std::string reason) {
  if (ending_.reason.empty()) ending_ = {side, std::move(reason)};
}

void Session::say(Bytes payload, std::uint8_t sequence_id) {
  mysqlwire::Buffer out;
  mysqlwire::append_packet(out, payload, sequence_id);
  // Nobody asked for it, so it does not go on counting from the last reply.
  if (relay_ && relay_->tracker().idle()) client_.begin_command();
  client_.send(out);
}

/// Answers the command that is held, in the server's place.
void Session::answer(Bytes payload) {
  mysqlwire::Buffer out;
  std::uint8_t sequence_id =
      client_.compressed() ? client_.next_frame_id() : relay_->answer_sequence_id();
  mysqlwire::append_packet(out, payload, sequence_id);
  client_.send(out);
}

/// Lets the server connection go: by COM_QUIT where it waits for a command and the client has not
/// simply vanished, which a server is to see as it is.
void Session::release_server() {
  leave_side();
  sides_.clear();
  straggler_.leave();
  if (!server_) return;
  id_.detach();
  if (ending_.side == EndedBy::proxy && relay_->quiet()) {
    constexpr std::uint8_t quit[] = {1, 0, 0, 0, 1};
    server_->channel.send_command(quit);
  }
  server_.reset();
}

/// Lets both peers go, the client so that our last words are not lost in a reset.
Task<void> Session::hang_up() {
  release_server();
  if (ending_.side == EndedBy::client) co_return;
  deadline_.set(linger);
  std::uint64_t discarded = 0;
  bool shut = false;
  while (!client_.socket.hung_up() && !deadline_.passed()) {
    if (!client_.flush()) break;
    if (!client_.congested() && !shut) {
      client_.shut_write();
      shut = true;
    }
    if (client_.readable()) {
      const IoResult got = client_.read(worker_.loop().scratch());
      if (got.kind == IoResult::Kind::done) {
        discarded += got.size;
        if (discarded > most_discarded) break;
        continue;
      }
      if (got.kind != IoResult::Kind::would_block) break;
    }
    co_await waker_;
  }
}

void Session::record() {
  if (!spoke_ && ending_.side == EndedBy::client) {
    services_.counters.silent_probes.fetch_add(1, std::memory_order_relaxed);
    services_.log.debug("connected and left without a word", {{"client", arrival_.address}});
    return;
  }
  AccessRecord record;
  record.time = began_;
  record.client = arrival_.address;
  record.listener = arrival_.listener;
  record.user = credentials_.user;
  record.database = wishes_.schema;
  if (pool_) record.pool = pool_->name();
  record.server = server_name_;
  record.connection_id = id_.id();
  if (client_.tls() != nullptr) {
    record.tls = client_.tls()->version();
    record.tls_cipher = client_.tls()->cipher();
  }
  record.server_tls = server_tls_;
  record.server_tls_cipher = server_tls_cipher_;
  if (arrival_.peer) {
    record.peer_pid = arrival_.peer->pid;
    record.peer_uid = arrival_.peer->uid;
  }
  record.bytes_from_client = client_.bytes_in;
  record.bytes_to_client = client_.bytes_out;
  if (relay_) record.commands = relay_->commands();
  record.duration = std::chrono::milliseconds(worker_.loop().now() - began_at_);
  record.end_reason = ending_.reason;
  record.ended_by = ending_.side;
  services_.log.access(record);
}

}  // namespace mysqlproxy
