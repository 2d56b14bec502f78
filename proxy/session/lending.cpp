// Session: with pooling = "transaction" it has a server connection only while it needs one.
#include "proxy/app/worker.hpp"
#include "proxy/lending/borrow.hpp"
#include "proxy/lending/difference.hpp"
#include "proxy/pool/second_thoughts.hpp"
#include "proxy/session/batch.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/login_dialog.hpp"
#include "proxy/session/one_row.hpp"
#include "proxy/session/session.hpp"

#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/stmt.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Capability;
using mysqlwire::Command;
using mysqlwire::PacketKind;

namespace {

/// A connection that turns out to be stale is replaced so many times.
constexpr int most_stale = 3;

/// No command takes a schema back that was once chosen.
bool suits(const lending::LentConnection& lent, const lending::SessionImage& wanted) {
  const std::string& schema = lent.image ? lent.image->schema : lent.login_schema;
  return schema.empty() || !wanted.schema.empty();
}

/// As servers are asked, for a session that borrows.
SessionWishes asked_of_servers(const SessionWishes& wishes, const lending::ServerTraits& server) {
  SessionWishes asked = wishes;
  if (server.tracks) asked.capabilities.set(Capability::session_track);
  return asked;
}

}  // namespace

/// What a server of the session's pool says of itself, or else what its client was shown.
std::shared_ptr<const ServerFacts> Session::server_facts() const {
  for (const auto& server : pool_->servers()) {
    if (auto facts = server->facts()) return facts;
  }
  const CommonGround& ground = *arrival_.ground;
  return std::make_shared<const ServerFacts>(
      ServerFacts{ground.version, ground.flavor, ground.capabilities, ground.collation});
}

/// What this session is that borrows its connections.
std::unique_ptr<Borrowing> Session::new_borrowing(const SessionWishes& wishes) {
  const auto facts = server_facts();
  lending::ServerTraits traits;
  mysqlwire::sql::Dialect dialect;
  dialect.set_server_version(facts->version);
  traits.flavor = facts->flavor;
  traits.version = dialect.version;
  traits.tracks = facts->capabilities.has(Capability::session_track);
  const SessionWishes asked = asked_of_servers(wishes, traits);
  SharedTerms terms = worker_.terms().share({.client_side = relay_context(wishes, traits.flavor),
                                             .server_side = relay_context(asked, traits.flavor),
                                             .server = traits});
  auto image = worker_.images().intern(
      lending::initial_image(collation_for(*pool_->servers().front(), wishes.collation),
                             wishes.schema, wishes.capabilities, traits));
  const Origin origin = this->origin();
  auto borrowing = std::make_unique<Borrowing>(worker_.images(), worker_.statement_sources());
  borrowing->begin(std::move(image), std::move(terms));
  borrowing->set_borrower(
      worker_.borrowers().find(lending::Borrower::make(credentials_, asked, &origin)));
  return borrowing;
}

/// A server connection can be had also when the client can't be asked for its password any more.
/// Where a server lets the account in at present it goes on doing so, even if it wants the password
/// itself of who comes first.
bool Session::can_borrow_later() const {
  const auto candidates = pool_->candidates();
  return !candidates.empty() && worker_.lender().has_any({candidates.front(), borrowing_->who()});
}

/// The server's part of a login, for a session that borrows: what a server has said not long ago is
/// not asked again. With a connection it is this session's already.
Task<ConnectOutcome> Session::borrow_for_login(LoginDialog& dialog, const SessionWishes& wishes) {
  ConnectOutcome outcome;
  borrowing_ = new_borrowing(wishes);
  last_loan_.forget();  // its last statement there was another session's, so to speak
  const std::uint64_t now = worker_.loop().now();
  const Bytes known = worker_.known_logins().find(*pool_, *borrowing_->who(), wishes.schema, now);
  if (!known.empty() && can_borrow_later()) {
    outcome.reply = borrowing_->shown(known);
    outcome.agreed = true;
    if (server_) release_server();
    co_return outcome;
  }
  lending::BorrowOutcome borrowed = co_await borrow(pool_, wishes, &dialog, last_loan_);
  outcome.reply = std::move(borrowed.reply);
  outcome.reason = std::move(borrowed.reason);
  outcome.refused = borrowed.refused;
  outcome.client_gone = borrowed.client_gone;
  if (!borrowed.connection) co_return outcome;
  // What the login has taught of the password is worth more than what was known before.
  const Origin origin = this->origin();
  if (!borrowing_->who()->shareable())
    borrowing_->set_borrower(worker_.borrowers().find(lending::Borrower::make(
        credentials_, asked_of_servers(wishes, borrowing_->server()), &origin)));
  if (server_) release_server();
  take(std::move(borrowed.connection));
  const BatchOutcome alike = co_await make_alike();
  if (alike.kind != BatchOutcome::Kind::done) {
    outcome.refused = alike.kind == BatchOutcome::Kind::refused;
    outcome.client_gone = alike.kind == BatchOutcome::Kind::client_gone;
    outcome.reason = fmt::format("server {} does not take the session", server_name_);
    outcome.reply = outcome.refused ? alike.err : error_payload(read_error, outcome.reason);
    discard();
    co_return outcome;
  }
  outcome.agreed = true;
  const mysqlwire::Buffer said = borrowed.fresh ? std::move(outcome.reply) : borrowing_->login_ok();
  outcome.reply = borrowing_->shown(said);
  if (!server_->proved_by_client)
    worker_.known_logins().note(*pool_, borrowing_->who(), wishes.schema, said, now);
  co_return outcome;
}

/// What is not sent to any server is answered by the session itself. True when that was so.
bool Session::answer_itself() {
  const auto reply = borrowing_->answer_here(steering_->inspection());
  if (!reply) return false;
  if (!reply->empty()) {
    answer(*reply);
    last_is_elsewhere_ = true;  // no connection's last command was this one
  }
  relay_->drop_command();
  return true;
}

/// The usual case of serve_borrowed(): all that the command needs is there, and nothing has to be
/// waited for. True when the session goes on; nothing: serve_borrowed() is needed.
std::optional<bool> Session::serve_at_once() {
  const Inspection& inspection = steering_->inspection();
  if (inspection.command == Command::com_quit || relay_->is_own_command()) return std::nullopt;
  if (answer_itself()) return true;
  if (!server_ && !attach_at_once(pool_for_statement())) return std::nullopt;
  if (!fitted_ || lent_->pool->moves() || must_catch_up() ||
      borrowing_->to_prepare(inspection) != nullptr || borrowing_->lacks_room(inspection) ||
      borrowing_->stand_in(inspection) ||
      borrowing_->asks_strangers(inspection, steering_->dialect()) ||
      borrowing_->lacks_types(inspection))
    return std::nullopt;
  strange_ = false;
  return outlives(relay_->forward_command(client_, server_->channel));
}

/// The command that is held, for a session that borrows; rules have had their say. `pool`: where
/// they want it; null: they don't mind. `instead`: what they want in its place. True when the
/// session goes on.
Task<bool> Session::serve_borrowed(std::shared_ptr<Pool> pool,
                                   std::optional<mysqlwire::Buffer>& instead) {
  const Inspection& inspection = steering_->inspection();
  if (inspection.command == Command::com_quit) {
    end(EndedBy::client, "quit");
    co_return false;
  }
  if (relay_->is_own_command()) {
    const bool goes_on = co_await act_on_own_command();
    co_return goes_on;
  }
  if (answer_itself()) co_return true;
  const bool by_rule = pool != nullptr;
  Readiness readiness = Readiness::again;
  for (int tries = 0; tries < most_stale && readiness == Readiness::again; ++tries) {
    readiness = co_await make_ready(pool, by_rule, tries != 0);
    if (readiness != Readiness::ready || instead) continue;
    if (!borrowing_->asks_strangers(inspection, steering_->dialect())) continue;
    if (strange_) readiness = co_await forget_last_statement();
    if (readiness != Readiness::ready) continue;
    if (const auto text = borrowing_->without_last_statement(inspection, steering_->dialect()))
      instead = rewritten(*text);
  }
  if (readiness == Readiness::again)
    refuse_command(
        error_payload(read_error, fmt::format("server {} closed the connection", server_name_)));
  if (readiness != Readiness::ready) co_return ending_.reason.empty();
  strange_ = false;
  if (auto payload = borrowing_->stand_in(inspection)) {
    std::uint8_t sequence_id = 0;
    mysqlwire::append_packet(instead.emplace(), *payload, sequence_id);
    co_return outlives(relay_->forward_instead(client_, server_->channel, std::move(*instead)));
  }
  if (auto payload = borrowing_->with_types(inspection)) {
    instead = relay_->begun_by(*payload, inspection.payload.size());
    if (!instead) {
      refuse_command(
          error_payload(packet_too_large, "Got a packet bigger than 'max_allowed_packet' bytes"));
      co_return ending_.reason.empty();
    }
  }
  if (instead)
    co_return outlives(relay_->forward_instead(client_, server_->channel, std::move(*instead)));
  co_return outlives(relay_->forward_command(client_, server_->channel));
}

/// Takes an idle connection. True when there is one and it is like the client's session; one that
/// is not is left for attach() to make it so.
bool Session::attach_at_once(const std::shared_ptr<Pool>& pool) {
  auto lent = worker_.lender().take(pool, borrowing_->who(), last_loan_, borrowing_->image());
  if (!lent) return false;
  if (!suits(*lent, *borrowing_->image())) {
    worker_.lender().discard(std::move(lent));
    return false;
  }
  take(std::move(lent));
  fitted_ =
      (lent_->trackers || !borrowing_->server().tracks) && lent_->image == borrowing_->image();
  if (fitted_) note_strangeness();
  return fitted_;
}

/// The connection may know the last statement of another session as its last one.
void Session::note_strangeness() {
  strange_ = is_strange();
  if (strange_) borrowing_->note_strange_connection();
}

/// A connection for the command that is held, with all that the command needs there. `pool`: where
/// rules want it, if `by_rule`. `anew`: it did not work out just now.
Task<Session::Readiness> Session::make_ready(std::shared_ptr<Pool> pool, bool by_rule, bool anew) {
  if (!by_rule) pool = pool_for_statement();
  const bool there = co_await attach(pool, anew);
  if (!there) co_return Readiness::over;
  if (!by_rule) {
    const bool current = co_await catch_up();
    if (!current) co_return Readiness::over;
  }
  if (!borrowing_->stand_in(steering_->inspection())) {
    const Readiness prepared = co_await prepare_here();
    if (prepared != Readiness::ready) co_return prepared;
  }
  // Whoever gets here after the sessions have been told to leave a primary is not waited for.
  if (!misplaced_ && lent_->pool->moves() && borrowing_->hold() != Borrowing::Hold::firmly) {
    give_back();
    co_return Readiness::again;
  }
  co_return Readiness::ready;
}

/// Borrows a connection for the command that is held, and makes it like the client's session. False
/// when that can't be done: the client has been told then, or the session is over. `anew`: by what
/// is known of the servers now and not a moment ago.
Task<bool> Session::attach(std::shared_ptr<Pool> pool, bool anew) {
  if (server_ && fitted_) co_return true;
  for (int tries = 0; tries < most_stale; ++tries) {
    if (!server_ && !anew && tries == 0 && attach_at_once(pool)) co_return true;
    if (!server_) {
      lending::BorrowOutcome outcome = co_await borrow(pool, wishes_, nullptr, last_loan_);
      if (outcome.client_gone) {
        end(EndedBy::client, "left while it waited for a server connection");
        co_return false;
      }
      if (!outcome.connection) {
        services_.log.warn(outcome.reason,
                           {{"client", arrival_.address}, {"user", credentials_.user}});
        refuse_command(outcome.reply);
        co_return false;
      }
      take(std::move(outcome.connection));
    }
    const BatchOutcome alike = co_await make_alike();
    switch (alike.kind) {
      case BatchOutcome::Kind::done: note_strangeness(); co_return true;
      case BatchOutcome::Kind::client_gone:
        discard();
        end(EndedBy::client, "left while its session was made anew");
        co_return false;
      case BatchOutcome::Kind::refused: {
        const bool again = refused_by_cluster(alike) || schema_is_gone(alike);
        discard();
        if (again) break;
        refuse_command(alike.err);
        co_return false;
      }
      case BatchOutcome::Kind::broken: discard(); break;
    }
  }
  refuse_command(
      error_payload(read_error, fmt::format("server {} closed the connection", server_name_)));
  co_return false;
}

/// Somebody has dropped the session's schema: there is none to be chosen any more, but the session
/// goes on. A server's own session would, too.
bool Session::schema_is_gone(const BatchOutcome& outcome) {
  constexpr std::uint16_t unknown_database = 1049;
  const auto err = mysqlwire::ErrPacket::decode(outcome.err, borrowing_->server_side());
  if (!err || err->code != unknown_database || borrowing_->image()->schema.empty()) return false;
  borrowing_->follower().lose_schema();
  return true;
}

/// A command that can't be served. What the client has still to send of a long one would be taken
/// for the next one: the session ends then.
void Session::refuse_command(Bytes err_payload) {
  answer(err_payload);
  steering_->let_go();
  if (!steering_->inspection().whole) end(EndedBy::proxy, "no server connection for a command");
  relay_->drop_command();
}

Task<lending::BorrowOutcome> Session::borrow(std::shared_ptr<Pool> pool,
                                             const SessionWishes& of_client, ProofSource* source,
                                             lending::LastLoan& last) {
  const auto topology = services_.topology();
  const Origin origin = this->origin();
  ServerConnector connector(worker_.loop(), waker_, topology->config().proxy.connect_timeout,
                            {.client = &client_.socket,
                             .source = source,
                             .compressors = &worker_.compressors(),
                             .origin = &origin,
                             .address = arrival_.address});
  const lending::SharedImage wanted = borrowing_->image();
  SessionWishes wishes = asked_of_servers(of_client, borrowing_->server());
  wishes.schema = wanted->schema;
  lending::BorrowRequest request{.pool = std::move(pool),
                                 .who = borrowing_->who(),
                                 .credentials = credentials_,
                                 .wishes = wishes,
                                 .connector = connector,
                                 .waker = waker_,
                                 .last = last,
                                 .wanted = wanted,
                                 .patience = {.client = &client_.socket}};
  lending::BorrowOutcome outcome = co_await lending::borrow(worker_.lender(), request);
  while (outcome.connection && !suits(*outcome.connection, *wanted)) {
    worker_.lender().discard(std::move(outcome.connection));
    outcome = co_await lending::borrow(worker_.lender(), request);
  }
  co_return outcome;
}

/// The connection is this session's from here on.
void Session::take(std::unique_ptr<lending::LentConnection> lent) {
  lent_ = std::move(lent);
  server_ = std::move(lent_->connection);
  server_->channel.set_wiping(false);
  server_->channel.wake(waker_);
  if (relay_) relay_->change_server();
  borrowing_->attach(&lent_->prepared, server_->proved_by_client);
  fitted_ = false;
  const Server& server = *server_->server();
  if (!lent_->lent_again) {
    server_name_ = server.name();
    if (steering_) steering_->set_server(server_name_);
  }
  borrowing_->second_chance().set_terms(
      {.read_only = lent_->pool->config().role == PoolRole::primary,
       .cluster = server.clustered(),
       .lost_reads = pool_->config().lending.replay_reads});
  id_.attach(server_->server(), server_->greeting.connection_id);
}

/// Gives the connection the client's settings, where it has others.
Task<BatchOutcome> Session::make_alike() {
  const lending::ServerTraits& traits = borrowing_->server();
  const lending::SharedImage wanted = borrowing_->image();
  std::vector<mysqlwire::Buffer> commands;
  if (!lent_->trackers && traits.tracks)
    commands.push_back(
        query_payload(lending::tracking_statement(traits), borrowing_->server_side()));
  BatchOutcome outcome;
  outcome.kind = BatchOutcome::Kind::done;
  if (!lent_->image)
    lent_->image = worker_.images().intern(
        lending::initial_image(lent_->login_collation, lent_->login_schema,
                               borrowing_->server_side().capabilities, traits));
  if (lent_->image != wanted) {
    lending::Plan plan = lending::difference(*lent_->image, *wanted, traits);
    if (!plan.possible) {
      outcome.kind = BatchOutcome::Kind::broken;
      co_return outcome;
    }
    if (plan.resets) lent_->prepared.clear();
    for (mysqlwire::Buffer& command : plan.commands) commands.push_back(std::move(command));
  }
  if (!commands.empty()) {
    BatchMeans means = own_batch();
    means.client = &client_.socket;
    outcome = co_await run_batch(means, commands);
  }
  if (outcome.kind == BatchOutcome::Kind::done) {
    fitted_ = true;
    lent_->image = wanted;
    lent_->trackers = traits.tracks;
  }
  co_return outcome;
}

/// The connection was not this session's when its last statement ran, or was another's since.
bool Session::is_strange() const { return last_is_elsewhere_ || !lent_->lent_again; }

/// Has the connection forget the warnings of somebody else's statement.
Task<Session::Readiness> Session::forget_last_statement() {
  // MariaDB keeps warnings over statements without a table.
  const mysqlwire::Buffer query =
      query_payload("SELECT 1 FROM (SELECT 1) t", borrowing_->server_side());
  BatchMeans means = own_batch();
  means.client = &client_.socket;
  const BatchOutcome outcome = co_await run_command(means, query);
  if (outcome.kind == BatchOutcome::Kind::done) co_return Readiness::ready;
  const Readiness readiness = lose_connection(outcome, "left while its session was made anew");
  co_return readiness;
}

/// The server belongs to a cluster and takes no statement just now; so that nobody else asks it.
bool Session::refused_by_cluster(const BatchOutcome& outcome) {
  if (outcome.kind != BatchOutcome::Kind::refused) return false;
  const auto err = mysqlwire::ErrPacket::decode(outcome.err, borrowing_->server_side());
  if (!err || !mysqlproxy::refused_by_cluster(err->code, err->message)) return false;
  server_->server()->has_refused(false);
  worker_.lender().reconsider();
  return true;
}

/// The connection is in doubt after what the proxy has done there before the command that is held.
Session::Readiness Session::lose_connection(const BatchOutcome& outcome, std::string client_left) {
  const bool pinned = borrowing_->hold() == Borrowing::Hold::firmly;
  (void)refused_by_cluster(outcome);
  discard();
  if (outcome.kind == BatchOutcome::Kind::client_gone) {
    end(EndedBy::client, std::move(client_left));
    return Readiness::over;
  }
  if (!pinned) return Readiness::again;
  // What the client had there, a transaction maybe, is gone with it.
  refuse_command(
      error_payload(read_error, fmt::format("server {} closed the connection", server_name_)));
  end(EndedBy::server, fmt::format("server {} lost a session", server_name_));
  return Readiness::over;
}

/// Prepares what the command that is held executes, where the connection does not have it yet.
Task<Session::Readiness> Session::prepare_here() {
  const Inspection& inspection = steering_->inspection();
  if (borrowing_->lacks_room(inspection)) {
    for (const std::uint32_t id : lent_->prepared.make_room()) close_statement(id);
  }
  const lending::SharedSource* const missing = borrowing_->to_prepare(inspection);
  if (missing == nullptr) co_return Readiness::ready;
  const lending::SharedSource source = *missing;
  const mysqlwire::Context& context = borrowing_->server_side();
  const lending::SharedImage now = borrowing_->image();
  std::vector<mysqlwire::Buffer> commands;
  const auto add = [&](const auto& command) {
    mysqlwire::Writer writer(commands.emplace_back());
    command.encode(writer, context);
  };
  for (const std::uint32_t id : lent_->prepared.make_room()) close_statement(id);
  // A statement is read as the settings were when the client prepared it.
  const lending::SessionImage then = lending::as_read_by(*now, *source);
  for (auto& command : lending::difference(*now, then, borrowing_->server()).commands)
    commands.push_back(std::move(command));
  add(mysqlwire::ComStmtPrepare{source->text});
  const std::size_t prepare = commands.size() - 1;
  for (auto& command : lending::difference(then, *now, borrowing_->server()).commands)
    commands.push_back(std::move(command));
  std::optional<std::uint32_t> id;
  BatchMeans means = own_batch();
  means.client = &client_.socket;
  means.on_packet = [&](PacketKind kind, Bytes payload) {
    if (kind != PacketKind::prepare_ok) return;
    const auto ok = mysqlwire::StmtPrepareOk::decode(payload, context);
    if (ok) id = ok->statement_id;
  };
  const BatchOutcome outcome = co_await run_batch(means, commands);
  if (outcome.kind == BatchOutcome::Kind::done && id) {
    borrowing_->prepared(source, *id);
    co_return Readiness::ready;
  }
  // A refused PREPARE is as much as a refused execute; where something else failed the connection
  // is not what it should be.
  const bool only_prepare =
      outcome.kind == BatchOutcome::Kind::refused && !id && commands.size() == prepare + 1;
  if (only_prepare && !refused_by_cluster(outcome)) {
    refuse_command(outcome.err);
    co_return Readiness::over;
  }
  const Readiness readiness = lose_connection(outcome, "left while a statement was prepared");
  co_return readiness;
}

/// There is no answer to it.
void Session::close_statement(std::uint32_t server_id) {
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  mysqlwire::ComStmtClose{server_id}.encode(writer, borrowing_->server_side());
  mysqlwire::Buffer packet;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(packet, payload, sequence_id);
  server_->channel.send_command(packet);
}

}  // namespace mysqlproxy
