// Session: COM_CHANGE_USER, which begins anew on the same client connection.
#include "proxy/app/worker.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/login_dialog.hpp"
#include "proxy/session/server_proof.hpp"
#include "proxy/session/session.hpp"

#include <mysqlwire/session/client_change_user.hpp>
#include <mysqlwire/session/server_change_user.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::ClientStep;

namespace {

mysqlwire::ServerStep receive_change(mysqlwire::ServerAuth& role, const mysqlwire::Packet& packet,
                                     mysqlwire::Buffer& out) {
  return static_cast<mysqlwire::ServerChangeUser&>(role).on_packet(packet, out);
}

}  // namespace

/// While somebody logs in, nothing of what passes is left in memory.
void Session::set_wiping(bool on) noexcept {
  client_.set_wiping(on);
  if (server_) server_->channel.set_wiping(on);
  if (on) mysqlwire::crypto::cleanse(worker_.loop().scratch());
}

/// A new user, maybe of another pool. True when the session goes on.
Task<bool> Session::change_user() {
  const auto topology = services_.topology();
  mysqlwire::FrameReader reader;
  reader.set_wiping(true);
  set_wiping(true);
  SecretBuffer command;
  command.bytes() = relay_->surrender();
  reader.feed(command.bytes());
  command.clear();
  mysqlwire::ServerChangeUser role(wishes_.capabilities, arrival_.ground->flavor, salt_);
  deadline_.set(topology->config().proxy.handshake_timeout);
  LoginDialog dialog(client_side(), role, receive_change, reader);
  if (borrowing_) co_await hand_back();
  std::unique_ptr<Borrowing> old_borrowing = std::exchange(borrowing_, nullptr);
  const std::shared_ptr<Pool> old_pool = pool_;
  Credentials old = std::exchange(credentials_, Credentials());
  bool authentic = co_await dialog.hear();
  if (authentic) {
    authentic = co_await authenticate(dialog, role.login(), false);
  }
  const auto& login = role.login();
  SessionWishes wishes{wishes_.capabilities, wishes_.max_packet_size, login.collation, login.schema,
                       login.attributes};
  if (old_borrowing)
    wishes.capabilities.set(mysqlwire::Capability::multi_statements,
                            old_borrowing->multi_statements());
  Verdict verdict = dialog.denied() ? Verdict::refused : Verdict::over;
  if (!authentic) {
    if (ending_.reason.empty()) ending_ = dialog.ending();
  } else if (server_ && pool_->has(*server_->server()) && !borrows()) {
    verdict = co_await change_user_on_server(dialog, wishes);
  } else {
    verdict = co_await connect_server(dialog, wishes);
  }
  if (verdict == Verdict::done) {
    wishes_ = std::move(wishes);
    if (old_borrowing && borrowing_) borrowing_->number_behind(*old_borrowing);
    rest_deadline();
    begin_relay(reader.unread());
    co_return true;
  }
  credentials_ = std::move(old);
  pool_ = old_pool;
  borrowing_ = std::move(old_borrowing);
  // After a refusal MariaDB lets the session go on as it was, MySQL ends it.
  // Nor may it try passwords for ever, where a new connection would not be let in.
  if (verdict == Verdict::over || relay_->tracker().context().flavor == mysqlwire::Flavor::mysql ||
      services_.failed_logins.blocked(arrival_.from, worker_.loop().now()))
    co_return false;
  ending_ = {};
  rest_deadline();
  // The server has forgotten its statements, unless it has not been asked.
  if (authentic)
    begin_relay(reader.unread());
  else
    relay_->give_back(reader.unread());
  set_wiping(false);
  co_return true;
}

/// The server changes its user too. Unless that is done, the client has its ERR and the session its
/// end.
Task<Session::Verdict> Session::change_user_on_server(LoginDialog& dialog,
                                                      const SessionWishes& wishes) {
  mysqlwire::ClientLogin login;
  login.collation = collation_for(*server_->server(), wishes.collation);
  login.user = credentials_.account();
  login.schema = wishes.schema;
  login.attributes =
      attributes_for(server_->server()->config(), wishes.attributes, arrival_.address);
  mysqlwire::ClientChangeUser change(login, server_->capabilities, server_->greeting);
  ServerProof proof(credentials_, &dialog, server_->link());
  SecretBuffer secret_out;
  mysqlwire::Buffer& out = secret_out.bytes();
  mysqlwire::FrameReader reader;
  reader.set_max_payload(mysqlwire::ClientChangeUser::max_payload);
  Deadline deadline(worker_.loop(), waker_);
  deadline.set(services_.topology()->config().proxy.connect_timeout);
  bool declined = false;
  server_->channel.begin_command();
  ClientStep step = change.start(out);
  while (step == ClientStep::need_more || step == ClientStep::need_auth) {
    if (step == ClientStep::need_auth) {
      const ServerProof::Answer answer = co_await proof.answer(change);
      declined = answer == ServerProof::Answer::declined;
      if (declined) break;
      if (answer == ServerProof::Answer::reply) step = change.respond(proof.reply(), out);
    }
    server_->channel.send(out);
    secret_out.clear();
    const Reception got = co_await receive_packet(worker_.loop(), waker_, server_->channel, reader,
                                                  deadline, &client_.socket);
    if (got.kind != Reception::Kind::packet) {
      step = ClientStep::failed;
      break;
    }
    step = change.on_packet(got.packet, out);
  }
  if (dialog.wrong()) co_await note_late_denial(dialog);
  if (!dialog.ending().reason.empty()) {
    ending_ = dialog.ending();
    co_return Verdict::over;
  }
  co_await note_verdict_of_server(step == ClientStep::ready, change.err_payload());
  if (step == ClientStep::ready) {
    dialog.accept(change.ok_payload());
    co_return Verdict::done;
  }
  const std::string& name = server_->server()->name();
  std::string reason =
      fmt::format("server {} refused to change to user '{}'", name, credentials_.user);
  if (step == ClientStep::refused) {
    dialog.reject(change.err_payload());
  } else if (declined) {
    reason = no_proof_reason(name, credentials_.account(), proof);
    dialog.reject(error_payload(auth_not_supported, reason));
  } else {
    reason = fmt::format("server {} closed the connection", name);
    dialog.reject(error_payload(read_error, reason));
  }
  end(EndedBy::server, std::move(reason));
  co_return step == ClientStep::refused ? Verdict::refused : Verdict::over;
}

}  // namespace mysqlproxy
