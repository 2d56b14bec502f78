// Accepts clients on one address.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/session/session.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include <functional>
#include <string>
#include <vector>

namespace mysqlproxy {

/// A bound, listening socket on the control thread. Clients are handed on by descriptor.
class Listener {
 public:
  /// Gets each client, with `descriptor`, `address` and `host` set.
  using Handler = std::function<void(const Listener&, Arrival)>;

  /// Binds and listens. Throws std::system_error when the address can't be had.
  Listener(asio::io_context& io, Log& log, std::string name, Endpoint endpoint, Handler handler);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Accepts from now on; once is enough.
  void start();
  const Endpoint& endpoint() const noexcept { return endpoint_; }
  /// The endpoint with the port that the system chose, where it was to choose one.
  Endpoint bound();
  const std::string& name() const noexcept { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  /// The version to show in place of the servers' own; empty for those.
  const std::string& server_version() const noexcept { return server_version_; }
  void set_server_version(std::string version) { server_version_ = std::move(version); }
  /// At most so many clients may be at their login.
  void set_max_handshakes(std::uint32_t limit) noexcept { max_handshakes_ = limit; }
  /// A client's place among them; null when there is none.
  std::shared_ptr<HandshakeSlot> take_handshake() const {
    return HandshakeSlot::take(handshakes_, max_handshakes_);
  }
  /// Whose connections begin with a PROXY header.
  void set_balancers(std::vector<Network> networks) { balancers_ = std::move(networks); }
  /// What clients that ask for TLS get; null: it is not offered.
  void allow_clear_password(bool allowed) { clear_password_ = allowed; }
  void set_tls(std::shared_ptr<const TlsContext> tls, bool required) {
    tls_ = std::move(tls);
    tls_required_ = required;
  }
  /// How clients may compress.
  void set_compression(const CompressionConfig& compression) {
    compression_ = std::make_shared<const CompressionConfig>(compression);
  }

 private:
  void wait();
  void accept_all();

  Log& log_;
  std::string name_;
  Endpoint endpoint_;
  std::string server_version_;
  std::shared_ptr<const TlsContext> tls_;
  bool tls_required_ = false;
  bool clear_password_ = false;
  std::shared_ptr<const CompressionConfig> compression_;
  std::shared_ptr<HandshakeSlot::Count> handshakes_ = std::make_shared<HandshakeSlot::Count>(0);
  std::uint32_t max_handshakes_ = 0;
  std::vector<Network> balancers_;
  Handler handler_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer pause_;
  bool started_ = false;
};

}  // namespace mysqlproxy
