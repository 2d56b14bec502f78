// Session: the commands that the proxy acts on itself.
#include "proxy/app/worker.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/kill_statement.hpp"
#include "proxy/session/session.hpp"

#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/query.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Command;
using mysqlwire::packet_header_size;

namespace {

mysqlwire::Buffer as_packet(Bytes payload) {
  mysqlwire::Buffer out;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(out, payload, sequence_id);
  return out;
}

/// A KILL in either of its forms: the bytes of the payload that hold the id, and what they say.
struct KillCommand {
  KillStatement::Scope scope = KillStatement::Scope::connection;
  std::uint64_t id = 0;
  std::size_t offset = 0;
  std::size_t size = 0;
  bool binary = false;
  bool alone = true;
};

std::optional<KillCommand> read_kill(Bytes payload, const mysqlwire::Context& context) {
  KillCommand kill;
  if (static_cast<Command>(payload[0]) == Command::com_process_kill) {
    const auto command = mysqlwire::ComProcessKill::decode(payload, context);
    if (!command) return std::nullopt;
    kill.id = command->connection_id;
    kill.offset = 1;
    kill.size = 4;
    kill.binary = true;
    return kill;
  }
  const auto query = mysqlwire::ComQuery::decode(payload, context);
  if (!query) return std::nullopt;
  const auto statement = parse_kill(query->query);
  if (!statement) return std::nullopt;
  kill.scope = statement->scope;
  kill.id = statement->id;
  kill.offset = payload.size() - query->query.size() + statement->id_offset;
  kill.size = statement->id_size;
  kill.alone = statement->alone;
  return kill;
}

/// The same command for the server's own id.
mysqlwire::Buffer translate(Bytes payload, const KillCommand& kill, std::uint32_t thread_id) {
  mysqlwire::Buffer translated(payload.begin(),
                               payload.begin() + static_cast<std::ptrdiff_t>(kill.offset));
  mysqlwire::Writer writer(translated);
  if (kill.binary)
    writer.u32(thread_id);
  else
    writer.text(std::to_string(thread_id));
  writer.bytes(payload.subspan(kill.offset + kill.size));
  return translated;
}

}  // namespace

/// How a KILL on a connection of its own ended.
struct Session::KillOutcome {
  mysqlwire::Buffer reply;   ///< the payload of the server's answer, or an ERR that says why not
  bool client_gone = false;  ///< the client left meanwhile
};

/// act_on_command() where nobody has anything against the command, and nothing has to be waited
/// for: true when the session goes on. Nothing: it is for act_on_command().
std::optional<bool> Session::act_at_once() {
  if (!borrowing_ || !relay_->held_by_gate() || steering_->decision().refusal ||
      !steering_->ruling().nothing())
    return std::nullopt;
  return serve_at_once();
}

/// True when the session goes on.
Task<bool> Session::act_on_command() {
  bool goes_on = true;
  if (relay_->held_by_gate())
    goes_on = co_await obey_gate();
  else
    goes_on = co_await act_on_own_command();
  co_return goes_on;
}

/// What has been decided on a command.
Task<bool> Session::obey_gate() {
  leave_side();
  if (!steering_->ruling().nothing())
    log_rules(steering_->ruling(), steering_->inspection().digest_text);
  const Decision& decision = steering_->decision();
  if (decision.refusal) {
    const Refusal& refusal = *decision.refusal;
    answer(error_payload({refusal.code, refusal.sqlstate}, refusal.message));
    relay_->drop_command();
    co_return true;
  }
  if (steering_->ruling().acts()) {
    const Ruled ruled = co_await obey_rules();
    if (ruled != Ruled::goes_on) co_return ruled == Ruled::settled;
  }
  if (borrowing_) {
    std::optional<mysqlwire::Buffer> as_it_came;
    const bool served = co_await serve_borrowed(nullptr, as_it_came);
    co_return served;
  }
  const Relay::State state = relay_->forward_command(client_, server_->channel);
  if (state != Relay::State::command) co_return outlives(state);
  const bool goes_on = co_await act_on_own_command();
  co_return goes_on;
}

/// The client gets no more of the answer; the server is told to stop. Nothing is read until the
/// server has been told, so that it is this statement that is stopped and not the next one.
Task<bool> Session::cut_answer() {
  const Decision& decision = steering_->decision();
  if (!decision.refusal) co_return true;
  relay_->cut_answer(error_payload({decision.refusal->code, decision.refusal->sqlstate},
                                   decision.refusal->message));
  const ServerConnection& at = side_ != nullptr ? *side_ : *server_;
  const ServerConnectionId running{at.server(), at.greeting.connection_id};
  const KillOutcome outcome = co_await kill_on_server(running, KillStatement::Scope::query);
  co_return !outcome.client_gone;
}

/// True when the session goes on.
Task<bool> Session::act_on_own_command() {
  const Command command = static_cast<Command>(relay_->command()[packet_header_size]);
  bool goes_on = true;
  if (command == Command::com_query || command == Command::com_process_kill) {
    goes_on = co_await kill();
  } else if (command == Command::com_change_user) {
    goes_on = co_await change_user();
  } else {
    // Streams that turn the connection into something else; nobody clones through a proxy.
    answer(error_payload(unknown_command, "Unknown command"));
    relay_->drop_command();
  }
  co_return goes_on;
}

/// Gives the server its own id in place of the one that the client knows.
Task<bool> Session::kill() {
  const Bytes packet = relay_->command();
  const Bytes payload = packet.subspan(packet_header_size);
  const auto kill = read_kill(payload, relay_->tracker().context());
  if (kill && kill->alone && killed_unattached(kill->id, kill->scope)) co_return true;
  const Server* const own = server_ ? server_->server().get() : nullptr;
  const auto where = kill ? services_.ids.find(kill->id, own) : std::optional<ServerConnectionId>();
  if (where && kill->scope == KillStatement::Scope::connection) services_.ids.note_kill(*where);
  if (where && where->server.get() != own && kill->alone) {
    const bool goes_on = co_await kill_elsewhere(*where, kill->scope);
    co_return goes_on;
  }
  if (borrowing_ && !server_) {
    // Of a thread id that nobody here has the server knows more.
    const bool there = co_await attach(pool_);
    if (!there) co_return ending_.reason.empty();
  }
  if (borrowing_ && kill && kill->scope == KillStatement::Scope::connection)
    note_own_end(where ? where->thread_id : kill->id);
  mysqlwire::Buffer instead(packet.begin(), packet.end());
  if (where && where->server == server_->server())
    instead = as_packet(translate(payload, *kill, where->thread_id));
  co_return outlives(relay_->forward_instead(client_, server_->channel, std::move(instead)));
}

/// A connection of which the session has told the server to kill thread `id`: when that is its own,
/// nobody else gets it, and the session ends with it.
void Session::note_own_end(std::uint64_t id) {
  const ServerConnectionId here{server_->server(), server_->greeting.connection_id};
  if (id != here.thread_id) return;
  services_.ids.note_kill(here);
  borrowing_->note_killed();
}

/// The victim has no server connection just now: there is nothing for a server to kill. True when
/// that is so, with the command answered.
bool Session::killed_unattached(std::uint64_t id, KillStatement::Scope scope) {
  switch (services_.ids.kill_unattached(id, credentials_.user,
                                        scope == KillStatement::Scope::connection)) {
    case ConnectionIds::Kill::elsewhere: return false;
    case ConnectionIds::Kill::denied:
      answer(error_payload(not_owner, fmt::format("You are not owner of thread {}", id)));
      break;
    case ConnectionIds::Kill::done: {
      mysqlwire::OkPacket ok;
      ok.status = relay_->tracker().status();
      ok.status.clear(mysqlwire::ServerStatus::session_state_changed);
      mysqlwire::Buffer payload;
      mysqlwire::Writer writer(payload);
      ok.encode(writer, relay_->tracker().context());
      answer(payload);
      break;
    }
  }
  relay_->drop_command();
  return true;
}

/// The victim is on another server: the same user says it there, on a connection of its own.
Task<bool> Session::kill_elsewhere(ServerConnectionId where, KillStatement::Scope scope) {
  const KillOutcome outcome = co_await kill_on_server(std::move(where), scope);
  if (outcome.client_gone) co_return false;
  answer(outcome.reply);
  relay_->drop_command();
  co_return true;
}

Task<Session::KillOutcome> Session::kill_on_server(ServerConnectionId where,
                                                   KillStatement::Scope scope) {
  const auto settings = services_.topology()->config().proxy;
  const Origin origin = this->origin();
  ServerConnector connector(worker_.loop(), waker_, settings.connect_timeout,
                            {.client = &client_.socket, .counts = false, .origin = &origin});
  SessionWishes wishes;
  wishes.capabilities = wishes_.capabilities;
  wishes.capabilities.clear(mysqlwire::Capability::query_attributes);
  wishes.max_packet_size = wishes_.max_packet_size;
  wishes.collation = wishes_.collation;
  KillOutcome outcome;
  ConnectOutcome connected = co_await connector.connect(where.server, credentials_, wishes);
  if (connected.client_gone) {
    end(EndedBy::client, "left during KILL");
    outcome.client_gone = true;
    co_return outcome;
  }
  if (!connected.connection) {
    outcome.reply = std::move(connected.reply);
    co_return outcome;
  }
  const std::string text = fmt::format(
      "\x03KILL {}{}", scope == KillStatement::Scope::query ? "QUERY " : "", where.thread_id);
  Channel& channel = connected.connection->channel;
  channel.send_command(as_packet(mysqlwire::as_bytes(text)));
  mysqlwire::FrameReader reader;
  Deadline deadline(worker_.loop(), waker_);
  deadline.set(settings.connect_timeout);
  const Reception got =
      co_await receive_packet(worker_.loop(), waker_, channel, reader, deadline, &client_.socket);
  if (got.kind == Reception::Kind::packet) {
    outcome.reply.assign(got.packet.payload.begin(), got.packet.payload.end());
    constexpr std::uint8_t quit[] = {1, 0, 0, 0, 1};
    channel.send_command(quit);
  } else {
    const auto reason = fmt::format("server {} did not answer KILL", where.server->name());
    outcome.reply = error_payload(read_error, reason);
  }
  co_return outcome;
}

}  // namespace mysqlproxy
