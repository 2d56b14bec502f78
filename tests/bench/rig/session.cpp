#include "session.hpp"

#include "socket.hpp"

#include <mysqlwire/crypto/client_password.hpp>
#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace mysqlwire::rig {
namespace {

constexpr std::size_t piece = 64 << 10;

crypto::PasswordAnswer answers_of(const std::string& password) {
  crypto::PasswordSecret secret;
  secret.clear.emplace(as_bytes(password));
  return {std::move(secret), {}};
}

template <Message M>
Buffer packet_of(const M& message, const Context& context) {
  Buffer packet;
  std::uint8_t sequence_id = 0;
  if (!append_message(packet, message, context, sequence_id))
    throw std::runtime_error("a command that can't be written");
  return packet;
}

/// COM_STMT_EXECUTE with one number.
Buffer execute(std::uint32_t statement, std::uint32_t id) {
  constexpr std::uint8_t longlong = 8;
  Buffer packet;
  const std::size_t start = begin_packet(packet);
  Writer writer(packet);
  writer.u8(static_cast<std::uint8_t>(Command::com_stmt_execute));
  writer.u32(statement);
  writer.u8(0);   // no cursor
  writer.u32(1);  // iterations
  writer.u8(0);   // no NULL
  writer.u8(1);   // types follow
  writer.u16(longlong);
  writer.u64(id);
  std::uint8_t sequence_id = 0;
  end_packet(packet, start, sequence_id);
  return packet;
}

}  // namespace

Session::Session(std::uint16_t port, const Account& account) : socket_(connect_to(port)) {
  log_in(account);
}

Session::~Session() { ::close(socket_); }

Packet Session::read_packet() {
  for (;;) {
    const auto packet = reader_.next();
    if (!packet) throw std::runtime_error(to_string(packet.error()));
    if (*packet) return **packet;
    const auto room = reader_.prepare(piece);
    const ssize_t size = ::recv(socket_, room.data(), room.size(), 0);
    if (size <= 0) throw std::runtime_error("the connection was closed");
    reader_.commit(static_cast<std::size_t>(size));
  }
}

void Session::log_in(const Account& account) {
  ClientLogin login;
  login.capabilities = {Capability::long_password, Capability::protocol_41,
                        Capability::transactions,  Capability::secure_connection,
                        Capability::plugin_auth,   Capability::multi_results};
  login.user = account.user;
  login.schema = account.schema;
  ClientHandshake handshake(std::move(login));
  crypto::PasswordAnswer password = answers_of(account.password);
  for (;;) {
    Buffer out;
    ClientStep step = handshake.on_packet(read_packet(), out);
    if (step == ClientStep::need_auth) {
      const crypto::AnswerAction action = crypto::answer(password, handshake);
      if (action.step == crypto::AnswerStep::impossible) throw std::runtime_error(action.reason);
      if (action.step == crypto::AnswerStep::reply) step = handshake.respond(action.data, out);
    }
    if (step == ClientStep::ready) break;
    if (step == ClientStep::refused || step == ClientStep::failed)
      throw std::runtime_error("the login was refused");
    send_all(socket_, out);
  }
  context_.capabilities = handshake.capabilities();
  context_.flavor = handshake.flavor();
  tracker_ = Tracker::in_command_phase(context_);
}

Buffer Session::ask(Bytes command) {
  static_cast<void>(
      tracker_.accept(Direction::to_server, Packet{command.subspan(packet_header_size), 0, 0}));
  send_all(socket_, command);
  Buffer answer;
  do {
    const Packet packet = read_packet();
    if (!tracker_.accept(Direction::to_client, packet))
      throw std::runtime_error("an answer that breaks the protocol");
    if (packet.payload[0] == 0xff) throw std::runtime_error("a command was refused");
    std::uint8_t sequence_id = packet.first_sequence_id;
    append_packet(answer, packet.payload, sequence_id);
  } while (!tracker_.idle());
  return answer;
}

std::uint32_t Session::prepare(const std::string& sql) {
  const Buffer answer = ask(packet_of(ComStmtPrepare{sql}, context_));
  const auto ok = StmtPrepareOk::decode(Bytes(answer).subspan(packet_header_size), context_);
  // The definitions behind it are extra bytes to it, which it notes and nothing more.
  if (!ok) throw std::runtime_error("a statement can't be prepared");
  return ok->statement_id;
}

void Session::use_point_select(bool prepared) {
  // One row for all: a server connection that is new to the rig's server learns one answer.
  if (prepared)
    command_ = execute(prepare("SELECT c FROM sbtest1 WHERE id=?"), 5014);
  else
    command_ = packet_of(ComQuery{.query = "SELECT c FROM sbtest1 WHERE id=5014"}, context_);
  for (int tries = 0; tries < 10; ++tries) {
    Buffer answer = ask(command_);
    const bool same = answer == answer_;
    answer_ = std::move(answer);
    if (same) return;
  }
  throw std::runtime_error("no two answers are the same");
}

void Session::send_command() {
  received_ = 0;
  sent = Clock::now();
  send_all(socket_, command_);
}

bool Session::receive() {
  std::array<std::uint8_t, piece> buffer;
  const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return false;
  if (size <= 0) throw std::runtime_error("the connection was closed");
  const Bytes bytes(buffer.data(), static_cast<std::size_t>(size));
  if (bytes.size() > answer_.size() - received_ ||
      !std::ranges::equal(bytes, Bytes(answer_).subspan(received_, bytes.size())))
    throw std::runtime_error("another answer than before");
  received_ += bytes.size();
  return received_ == answer_.size();
}

}  // namespace mysqlwire::rig
