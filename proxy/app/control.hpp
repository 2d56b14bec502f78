// The socket by which operators talk to the running proxy.
#pragma once

#include "proxy/log/log.hpp"

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace mysqlproxy {

/// A unix socket that only its owner may use. A connection carries one request, a JSON object on
/// one line with a "command", and answers, JSON objects on a line each, the last with "over": true
/// and "good", which says whether it was done. Whoever leaves before that ends nothing.
class Control {
 public:
  /// Sends one answer; from the control thread, as often as it takes.
  using Reply = std::function<void(const nlohmann::ordered_json& answer)>;
  using Handler = std::function<void(const nlohmann::json& request, const Reply& reply)>;
  using Handlers = std::map<std::string, Handler, std::less<>>;

  /// Listens. Throws std::system_error when the path can't be had.
  Control(asio::io_context& io, Log& log, std::string path, Handlers handlers);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  class Connection;
  void accept();

  Log& log_;
  const std::string path_;
  const std::shared_ptr<const Handlers> handlers_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
};

}  // namespace mysqlproxy
