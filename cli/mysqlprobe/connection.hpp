// One connection to a server: packets over bytes, with TLS and compression where they are agreed
// on.
#pragma once

#include "cli/mysqlprobe/net.hpp"
#include "cli/mysqlprobe/recorder.hpp"
#include "cli/mysqlprobe/tls.hpp"

#include <mysqlwire/compress/compressor.hpp>
#include <mysqlwire/compress/decompressor.hpp>
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mysqlprobe {

struct ConnectionSettings {
  std::chrono::milliseconds timeout{10000};  ///< of each step
  TlsSettings tls;
  Recorder* recorder = nullptr;  ///< must outlive the connection
};

/// In words, for FailureKind::lost.
const char* closed_text(bool mid_packet) noexcept;

/// Blocks, each call until the deadline of its own. What goes wrong is thrown as ProbeError, its
/// step empty.
class Connection {
 public:
  /// The largest answer that is read.
  static constexpr std::uint64_t max_payload = std::uint64_t{64} << 20;

  Connection(const Target& target, const ConnectionSettings& settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void resolve();
  void connect();
  /// Where connect() got to, or tried last.
  const Address& peer() const noexcept { return peer_; }
  Deadline deadline() const { return Clock::now() + settings_.timeout; }

  /// Bytes above TLS.
  void send(mysqlwire::Bytes bytes);
  /// Some bytes; none when the other side has closed. Valid until the next call.
  mysqlwire::Bytes receive(Deadline deadline);
  /// Throws with FailureKind::tls_failed, certificate or tls_files.
  void start_tls();
  const TlsClient* tls() const noexcept { return tls_.get(); }

  void start_compression(mysqlwire::compress::Algorithm algorithm, int level);
  /// What was received behind the login.
  void set_frames(mysqlwire::FrameReader frames) { frames_ = std::move(frames); }
  mysqlwire::FrameReader& frames() noexcept { return frames_; }

  /// Sends a packet, split where it is long. `sequence_id` 0 begins a command.
  void send_packet(mysqlwire::Bytes payload, std::uint8_t sequence_id = 0);
  /// The next packet; valid until the next call.
  mysqlwire::Packet read_packet() { return read_packet(deadline()); }
  mysqlwire::Packet read_packet(Deadline deadline);
  /// The next packet, or nothing when the other side closes in place of it.
  std::optional<mysqlwire::Packet> read_packet_or_end();

  /// COM_QUIT, and the end. Never throws.
  void quit() noexcept;
  /// Ends it without a word.
  void close() noexcept;
  /// The first bytes that came since the connection, or its TLS, was begun.
  const std::string& first_bytes() const noexcept { return first_bytes_; }

 private:
  void note_first(mysqlwire::Bytes bytes);
  void flush_tls(Deadline deadline);
  mysqlwire::Bytes receive_wire(Deadline deadline);
  void feed_frames(mysqlwire::Bytes bytes);

  const Target& target_;
  ConnectionSettings settings_;
  std::vector<Address> addresses_;
  Address peer_;
  Socket socket_;
  mysqlwire::Buffer received_;
  mysqlwire::Buffer plain_;
  std::unique_ptr<TlsClient> tls_;
  std::string first_bytes_;
  mysqlwire::FrameReader frames_;
  std::optional<mysqlwire::compress::Compressor> compressor_;
  std::optional<mysqlwire::compress::Decompressor> decompressor_;
  bool recorded_ = false;
};

}  // namespace mysqlprobe
