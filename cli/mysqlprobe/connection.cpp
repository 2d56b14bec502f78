#include "cli/mysqlprobe/connection.hpp"

#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/wipe.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

constexpr std::size_t piece = 64 << 10;
constexpr std::size_t kept_bytes = 512;

[[noreturn]] void fail(FailureKind kind, std::string message, std::int64_t code = 0) {
  throw ProbeError{{kind, "", code, "", std::move(message)}};
}

bool is_tls_record(std::string_view bytes) {
  return bytes.size() < 2 || ((bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 0x03);
}

}  // namespace

const char* closed_text(bool mid_packet) noexcept {
  return mid_packet ? "the server closed the connection inside a packet"
                    : "the server closed the connection";
}

Connection::Connection(const Target& target, const ConnectionSettings& settings)
    : target_(target), settings_(settings), frames_(max_frame_payload, max_payload) {}

Connection::~Connection() {
  close();
  wipe(plain_);
}

void Connection::resolve() { addresses_ = mysqlprobe::resolve(target_, deadline()); }

void Connection::connect() {
  peer_ = addresses_.front();
  socket_ = Socket::connect(addresses_, deadline(), peer_);
  if (settings_.recorder != nullptr) {
    settings_.recorder->on_open(socket_.local(), peer_);
    recorded_ = true;
  }
}

void Connection::note_first(Bytes bytes) {
  if (first_bytes_.size() < kept_bytes)
    first_bytes_ += as_text(bytes).substr(0, kept_bytes - first_bytes_.size());
}

Bytes Connection::receive_wire(Deadline deadline) {
  received_.resize(piece);
  const std::size_t size = socket_.receive(received_, deadline);
  const Bytes bytes = Bytes(received_).first(size);
  note_first(bytes);
  if (settings_.recorder != nullptr && size != 0)
    settings_.recorder->on_wire(Direction::to_client, bytes);
  return bytes;
}

Bytes Connection::receive(Deadline deadline) {
  if (!tls_) {
    const Bytes bytes = receive_wire(deadline);
    if (settings_.recorder != nullptr && !bytes.empty())
      settings_.recorder->on_bytes(Direction::to_client, bytes);
    return bytes;
  }
  wipe(plain_);
  for (;;) {
    const bool open = tls_->read(plain_);
    flush_tls(deadline);
    if (!plain_.empty()) break;
    if (!open && !tls_->error().empty()) fail(FailureKind::tls_failed, tls_->error());
    if (!open) return {};
    const Bytes bytes = receive_wire(deadline);
    if (bytes.empty()) return {};
    tls_->feed(bytes);
  }
  if (settings_.recorder != nullptr) settings_.recorder->on_bytes(Direction::to_client, plain_);
  return plain_;
}

void Connection::flush_tls(Deadline deadline) {
  const Buffer out = tls_->take_output();
  if (out.empty()) return;
  if (settings_.recorder != nullptr) settings_.recorder->on_wire(Direction::to_server, out);
  socket_.send(out, deadline);
}

void Connection::send(Bytes bytes) {
  if (settings_.recorder != nullptr) settings_.recorder->on_bytes(Direction::to_server, bytes);
  if (tls_) {
    tls_->write(bytes);
    return flush_tls(deadline());
  }
  if (settings_.recorder != nullptr) settings_.recorder->on_wire(Direction::to_server, bytes);
  socket_.send(bytes, deadline());
}

void Connection::start_tls() {
  const Deadline until = deadline();
  try {
    tls_ = std::make_unique<TlsClient>(settings_.tls, target_.host);
  } catch (const net::TlsError& error) {
    fail(FailureKind::tls_files, error.what());
  }
  first_bytes_.clear();
  for (;;) {
    const TlsClient::Handshake state = tls_->shake_hands();
    if (state == TlsClient::Handshake::failed) {
      try {
        flush_tls(until);  // the alert
      } catch (const ProbeError&) {
        // The reason is known already.
      }
      if (tls_->certificate_error() != 0)
        fail(FailureKind::certificate, tls_->error(), tls_->certificate_error());
      // A server that refuses in clear, or something that is no server.
      if (!is_tls_record(first_bytes_)) fail(FailureKind::foreign, tls_->error());
      fail(FailureKind::tls_failed, tls_->error());
    }
    flush_tls(until);
    if (state == TlsClient::Handshake::done) break;
    const Bytes bytes = receive_wire(until);
    if (bytes.empty()) fail(FailureKind::lost, "the server closed the connection");
    tls_->feed(bytes);
  }
  if (settings_.recorder != nullptr) settings_.recorder->on_tls(tls_->version(), tls_->cipher());
}

void Connection::start_compression(compress::Algorithm algorithm, int level) {
  compressor_.emplace(algorithm, level);
  decompressor_.emplace(algorithm);
}

void Connection::send_packet(Bytes payload, std::uint8_t sequence_id) {
  Buffer out;
  // At once in full: a growing buffer would leave copies behind.
  out.reserve(payload.size() + 4 * frame_count(payload.size()));
  const bool begins_command = sequence_id == 0;
  append_packet(out, payload, sequence_id);
  if (compressor_) {
    Buffer frames;
    // A command begins anew; a packet within one (of a file) goes on behind the server's frames.
    std::uint8_t id = begins_command ? std::uint8_t{0} : decompressor_->next_sequence_id();
    compressor_->append(out, id, frames);
    decompressor_->expect_sequence(id);
    return send(frames);
  }
  send(out);
  wipe(out);
}

void Connection::feed_frames(Bytes bytes) {
  if (!decompressor_) return frames_.feed(bytes);
  decompressor_->feed(bytes);
  for (;;) {
    const auto inflated = decompressor_->next();
    if (!inflated) fail(FailureKind::protocol, "compressed frame: " + to_string(inflated.error()));
    if (inflated->empty()) return;
    frames_.feed(*inflated);
  }
}

Packet Connection::read_packet(Deadline deadline) {
  for (;;) {
    const auto next = frames_.next();
    if (!next) fail(FailureKind::protocol, to_string(next.error()));
    if (*next) return **next;
    const Bytes bytes = receive(deadline);
    if (bytes.empty()) fail(FailureKind::lost, closed_text(frames_.mid_packet()));
    feed_frames(bytes);
  }
}

std::optional<Packet> Connection::read_packet_or_end() {
  try {
    return read_packet();
  } catch (const ProbeError& error) {
    if (error.failure.kind == FailureKind::lost) return std::nullopt;
    throw;
  }
}

void Connection::quit() noexcept {
  if (!socket_.is_open()) return;
  try {
    const std::uint8_t com_quit[] = {0x01};
    send_packet(com_quit);
    if (tls_) {
      tls_->say_goodbye();
      flush_tls(deadline());
    }
    // A server that is left before it has read the goodbye may count an aborted client.
    socket_.shut_write();
    const Deadline until = Clock::now() + std::chrono::milliseconds(200);
    while (!receive_wire(until).empty()) continue;
  } catch (...) {
    // It ends either way.
  }
  close();
}

void Connection::close() noexcept {
  if (socket_.is_open() && recorded_) {
    try {
      if (tls_) settings_.recorder->set_secrets(tls_->secrets());
      settings_.recorder->on_close(false);
    } catch (...) {
      // A record that could not be finished.
    }
    recorded_ = false;
  }
  socket_.close();
}

}  // namespace mysqlprobe
