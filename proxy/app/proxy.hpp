// The whole program: listeners, data threads, server checks, signals.
#pragma once

#include "proxy/app/control.hpp"
#include "proxy/app/listener.hpp"
#include "proxy/app/worker.hpp"
#include "proxy/cli.hpp"
#include "proxy/health/monitor.hpp"
#include "proxy/health/mover.hpp"
#include "proxy/health/resolver.hpp"
#include "proxy/log/log.hpp"
#include "proxy/pool/common_ground.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/services.hpp"
#include "proxy/users/account_loader.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mysqlproxy {

/// Lives on the main thread, which is the control thread: it accepts, obeys signals and looks up
/// names; data threads do everything else.
class Proxy {
 public:
  /// `options` are kept for reloads.
  Proxy(CommandLine options, Config config);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Runs until a signal ends it.
  ExitCode run();

 private:
  void open_listeners(const Config& config);
  bool give_up_root();
  std::unique_ptr<Listener>* find_listener(const Endpoint& endpoint, const std::string& name,
                                           std::span<const Listener* const> taken);
  void prepare_tls(const Config& config);
  std::shared_ptr<const TlsContext> tls_for(const ListenerConfig& listener);
  void look_up_servers(const Topology& topology);
  void start_workers(std::uint32_t threads);
  void announce();
  void reconsider(const std::function<void()>& done = {});
  void open_control(const std::string& path);
  Control::Handlers control_handlers();
  void move_primary(MoveRequest::Kind kind, const nlohmann::json& request,
                    const Control::Reply& reply);
  void admit(const Listener& listener, Arrival arrival);
  void refuse(const Arrival& arrival, SqlError error, std::string_view message);

  void wait_for_signals();
  void on_signal(int signal);
  void reload();
  void reconfigure_logs(const Config& config);
  void reopen_logs();
  lending::FigureSums lending_figures() const;
  void log_lending();
  void write_statistics();
  void put_statistics(StatementReport report);
  void save_learnt();
  void write_learnt();
  void drain();
  void wait_for_sessions(std::chrono::steady_clock::time_point limit);

  CommandLine options_;
  Log log_;
  Services services_;
  asio::io_context io_;
  asio::signal_set signals_;
  asio::steady_timer drain_timer_;
  asio::steady_timer learn_timer_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  std::shared_ptr<KeyLog> key_log_;
  std::string key_log_path_;
  std::optional<OwnCertificate> own_certificate_;
  std::shared_ptr<const Topology> topology_;
  std::shared_ptr<const CommonGround> last_ground_;  ///< that a client was shown
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Resolver resolver_;
  Mover mover_;
  Monitor monitor_;  // which tells it
  std::unique_ptr<Control> control_;
  AccountLoader account_loader_;
  bool draining_ = false;
  ExitCode exit_ = ExitCode::good;
};

}  // namespace mysqlproxy
