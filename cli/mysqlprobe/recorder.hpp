// What is kept of an exchange: lines for people, and a capture.
#pragma once

#include "cli/common/format.hpp"
#include "cli/common/inflate.hpp"
#include "cli/mysqlprobe/net.hpp"

#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mysqlprobe {

struct RecorderOptions {
  bool trace = false;    ///< a line a packet, as pcapdecode prints it
  bool explain = false;  ///< and what the packet is for
  bool hex = false;      ///< and its bytes
  bool secrets = false;  ///< those of salts, answers and passwords too
  bool capture = false;  ///< keep the bytes for write()
};

/// Is told what one connection sends and receives.
class Recorder {
 public:
  /// Bytes that a capture keeps at most; what comes later is left out.
  static constexpr std::size_t max_capture = std::size_t{64} << 20;

  explicit Recorder(const RecorderOptions& options);
  ~Recorder();

  void on_open(const Address& client, const Address& server);
  /// As they went over the wire.
  void on_wire(mysqlwire::Direction direction, mysqlwire::Bytes bytes);
  /// Below compression, above TLS.
  void on_bytes(mysqlwire::Direction direction, mysqlwire::Bytes bytes);
  /// From here on on_wire() sees TLS.
  void on_tls(const std::string& version, const std::string& cipher);
  void on_close(bool by_server);
  void set_secrets(const std::string& key_log) { secrets_ = key_log; }

  /// The lines so far.
  const std::string& text() const noexcept { return text_; }
  /// Writes a pcapng with made-up TCP headers (a unix socket's ends become 127.0.0.1), and the TLS
  /// secrets, readable by its owner only. Throws std::runtime_error.
  void write(const std::string& path) const;

 private:
  struct Piece {
    mysqlwire::Direction direction;
    std::int64_t time;
    std::size_t begin;
    std::size_t size;
  };
  class Tools;

  RecorderOptions options_;
  std::string text_;
  cli::Output output_;
  std::unique_ptr<cli::Format> format_;
  std::unique_ptr<Tools> tools_;
  std::optional<mysqlwire::capture::Conversation> conversation_;
  std::uint64_t events_ = 0;
  std::vector<Piece> pieces_;
  mysqlwire::Buffer wire_;
  std::string secrets_;
  Address client_;
  Address server_;
  std::int64_t opened_ = 0;
  std::int64_t closed_ = 0;
};

/// Nanoseconds since the epoch.
std::int64_t wall_clock();

}  // namespace mysqlprobe
