#include "proxy/app/proxy.hpp"

#include "proxy/app/run_as.hpp"
#include "proxy/config/files.hpp"
#include "proxy/net/address.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/statistics/report.hpp"

#include <mysqlwire/wire/frame.hpp>

#include <asio/post.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace mysqlproxy {
namespace {

/// As the loops have it.
std::uint64_t monotonic_milliseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

constexpr std::chrono::milliseconds drain_poll{50};
constexpr std::chrono::seconds learn_interval{5};
/// How long sessions that were cut have to say their last words.
constexpr std::chrono::milliseconds last_words{1000};

/// A client and its server take a descriptor each, and the system's default is for desktops. What
/// there can be of them.
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// What was counted of the guard's checks and of rules.
nlohmann::ordered_json lending_json(const lending::FigureSums& sums) {
  nlohmann::ordered_json closed = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < lending::close_reasons; ++i)
    if (sums.closed[i] != 0)
      closed[std::string(to_string(static_cast<lending::CloseReason>(i)))] = sums.closed[i];
  nlohmann::ordered_json refused = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < lending::refusals; ++i)
    if (sums.refused[i] != 0)
      refused[std::string(to_string(static_cast<lending::Refusal>(i)))] = sums.refused[i];
  return {{"idle", sums.idle},
          {"lent", sums.lent},
          {"waiting", sums.waiting},
          {"opened", sums.opened},
          {"borrowed", sums.borrowed},
          {"same_session", sums.same_session},
          {"same_image", sums.same_image},
          {"waited", sums.waited},
          {"longest_wait_ms", sums.longest_wait_ms},
          {"closed", std::move(closed)},
          {"refused", std::move(refused)}};
}

nlohmann::ordered_json other_figures(const Services& services, const rules::RuleBook& book,
                                     const lending::FigureSums& lent) {
  nlohmann::ordered_json checks = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < guard_checks; ++i) {
    const auto check = static_cast<GuardCheck>(i);
    const Audit::Count count = services.audit.count(check);
    if (count.observed != 0 || count.refused != 0)
      checks[std::string(to_string(check))] = {{"observed", count.observed},
                                               {"refused", count.refused}};
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const rules::Rule& rule : book.rules()) {
    const rules::RuleState& state = rule.state();
    list.push_back({{"name", rule.config().name},
                    {"hits", state.hits.load(std::memory_order_relaxed)},
                    {"limited", state.limited.load(std::memory_order_relaxed)},
                    {"kept", state.kept.load(std::memory_order_relaxed)},
                    {"mirrored", state.mirrored.load(std::memory_order_relaxed)},
                    {"mirror_lost", state.mirror_lost.load(std::memory_order_relaxed)}});
  }
  return {
      {"guard", std::move(checks)}, {"rules", std::move(list)}, {"lending", lending_json(lent)}};
}

}  // namespace

Proxy::Proxy(CommandLine options, Config config)
    : options_(std::move(options)),
      log_(config.log),
      services_(log_),
      signals_(io_),
      drain_timer_(io_),
      learn_timer_(io_),
      mover_(log_,
             [this](std::function<void()> done) {
               asio::post(io_, [this, done = std::move(done)] { reconsider(done); });
             }),
      monitor_(log_,
               [this] {
                 mover_.look();
                 asio::post(io_, [this] { reconsider(); });
               }),
      account_loader_(log_, services_.directory) {
  services_.account_loader = &account_loader_;
  prepare_tls(config);
  const std::string& folder = config.proxy.data_dir;
  services_.rsa_key = std::make_shared<const mysqlwire::crypto::RsaKey>(
      folder.empty() ? mysqlwire::crypto::RsaKey::generate() : rsa_key_in(folder));
  topology_ = std::make_shared<const Topology>(std::move(config), nullptr, key_log_, log_);
}

Proxy::~Proxy() = default;

ExitCode Proxy::run() {
  const std::uint64_t descriptors = raise_descriptor_limit();
  const std::uint64_t most_clients = topology_->config().proxy.max_connections;
  if (descriptors < 2 * most_clients)
    log_.warn("there are fewer descriptors than max_connections clients and their servers need",
              {{"descriptors", descriptors}, {"max_connections", most_clients}});
  services_.set_topology(topology_);
  services_.failed_logins.reset(topology_->config().login_limits);
  const Config& config = topology_->config();
  try {
    services_.audit.reconfigure(config.guard.audit_log);
    services_.slow_log.open(config.statistics.slow_log);
  } catch (const std::system_error& error) {
    log_.error(error.what());
    return ExitCode::failure;
  }
  wait_for_signals();
  save_learnt();
  try {
    open_listeners(config);
  } catch (const std::system_error& error) {
    log_.error(error.what());
    return ExitCode::cannot_bind;
  }
  if (!give_up_root()) return ExitCode::failure;
  look_up_servers(*topology_);
  resolver_.start();
  resolver_.watch(topology_->servers());
  monitor_.start();
  monitor_.watch(topology_->servers(), config.health, topology_->has_roles());
  mover_.start();
  mover_.watch(topology_);
  monitor_.wait_for_first_round(config.health.reachable.timeout + std::chrono::milliseconds(500));
  account_loader_.start();
  account_loader_.watch(*topology_);
  account_loader_.wait_for_first_round();
  start_workers(config.proxy.threads);
  open_control(config.proxy.control);
  announce();
  for (const auto& listener : listeners_) listener->start();
  io_.run();
  resolver_.stop();
  mover_.stop();
  monitor_.stop();
  account_loader_.stop();
  for (const auto& worker : workers_) worker->stop();
  write_learnt();
  const auto& counters = services_.counters;
  log_.info("stopped", {{"connections", counters.accepted.load()},
                        {"silent_probes", counters.silent_probes.load()},
                        {"refused_logins", counters.refused_logins.load()}});
  return exit_;
}

/// With --run-as; addresses below port 1024 are bound by now, and nothing has been read from a
/// peer.
bool Proxy::give_up_root() {
  if (options_.run_as.empty()) return true;
  const std::string fault = run_as(options_.run_as);
  if (!fault.empty()) log_.error(fault);
  return fault.empty();
}

/// What all TLS contexts share. Throws TlsError or std::system_error.
void Proxy::prepare_tls(const Config& config) {
  if (config.proxy.tls_keylog != key_log_path_) {
    key_log_path_ = config.proxy.tls_keylog;
    key_log_ = key_log_path_.empty() ? nullptr : std::make_shared<KeyLog>(key_log_path_);
    if (key_log_)
      log_.warn("the secrets of TLS sessions are written down", {{"tls_keylog", key_log_path_}});
  }
  const bool needed = std::ranges::any_of(config.listeners, [](const ListenerConfig& one) {
    return one.tls.mode != TlsMode::disabled && one.tls.files.certificate.empty() &&
           one.tls.self_signed;
  });
  if (!needed || own_certificate_) return;
  const std::string& folder = config.proxy.data_dir;
  own_certificate_ = folder.empty() ? make_certificate() : certificate_in(folder);
}

std::shared_ptr<const TlsContext> Proxy::tls_for(const ListenerConfig& listener) {
  const bool certified = !listener.tls.files.certificate.empty() || listener.tls.self_signed;
  if (listener.tls.mode == TlsMode::disabled || !certified) return nullptr;
  return TlsContext::for_listener(listener.tls, own_certificate_ ? &*own_certificate_ : nullptr,
                                  key_log_);
}

/// The listener that has this address already; one of the same name first, and none twice.
std::unique_ptr<Listener>* Proxy::find_listener(const Endpoint& endpoint, const std::string& name,
                                                std::span<const Listener* const> taken) {
  std::unique_ptr<Listener>* found = nullptr;
  for (auto& one : listeners_) {
    if (one->endpoint() != endpoint || std::ranges::find(taken, one.get()) != taken.end()) continue;
    if (found == nullptr || one->name() == name) found = &one;
  }
  return found;
}

/// Listeners that stay are kept, new ones are opened, others are closed; nothing of this happens
/// when one can't be opened.
void Proxy::open_listeners(const Config& config) {
  struct Plan {
    const ListenerConfig* wanted;
    std::shared_ptr<const TlsContext> tls;
    std::unique_ptr<Listener>* kept;  // null: `fresh` is in its place
    std::unique_ptr<Listener> fresh;
  };
  std::vector<Plan> plans;
  std::vector<const Listener*> taken;
  for (const auto& wanted : config.listeners) {
    const auto tls = tls_for(wanted);
    for (const auto& endpoint : wanted.bind) {
      Plan plan{&wanted, tls, find_listener(endpoint, wanted.name, taken), nullptr};
      if (plan.kept != nullptr)
        taken.push_back(plan.kept->get());
      else
        plan.fresh = std::make_unique<Listener>(io_, log_, wanted.name, endpoint,
                                                [this](const Listener& listener, Arrival arrival) {
                                                  admit(listener, std::move(arrival));
                                                });
      plans.push_back(std::move(plan));
    }
  }
  std::vector<std::unique_ptr<Listener>> opened;
  for (auto& plan : plans) {
    opened.push_back(plan.kept != nullptr ? std::move(*plan.kept) : std::move(plan.fresh));
    opened.back()->set_name(plan.wanted->name);
    opened.back()->set_server_version(plan.wanted->server_version.value_or(""));
    opened.back()->set_compression(plan.wanted->compression);
    opened.back()->set_max_handshakes(plan.wanted->max_handshakes);
    opened.back()->set_balancers(plan.wanted->proxy_protocol_from);
    opened.back()->allow_clear_password(plan.wanted->mysql_clear_password);
    opened.back()->set_tls(plan.tls, plan.wanted->tls.mode == TlsMode::required);
  }
  listeners_ = std::move(opened);
}

/// Numbers and paths cost nothing; names wait for DNS, on this thread, which carries no data. What
/// has been looked up before is the resolver's business.
void Proxy::look_up_servers(const Topology& topology) {
  for (const auto& server : topology.servers()) {
    if (!server->addresses().empty()) continue;
    auto addresses = resolve_now(server->config().address);
    if (!addresses.empty()) server->set_addresses(std::move(addresses));
  }
}

void Proxy::start_workers(std::uint32_t threads) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  for (std::uint32_t i = 0; i < threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(services_, i, threads));
    workers_.back()->start();
  }
}

/// One screen: where clients are awaited, and what is behind.
void Proxy::announce() {
  for (const auto& listener : listeners_) {
    const CommonGround ground = topology_->ground(listener->server_version());
    log_.info(fmt::format("listening on {}", to_string(listener->bound())),
              {{"listener", listener->name()}, {"shown_version", ground.version}});
  }
  for (const auto& pool : topology_->config().pools) {
    std::string states;
    for (const auto& server : topology_->servers()) {
      if (std::ranges::find(pool.servers, server->name()) == pool.servers.end()) continue;
      const auto facts = server->facts();
      states += fmt::format("{}{} ({}{}{})", states.empty() ? "" : "; ",
                            topology_->find_pool(pool.name)->describe(*server),
                            to_string(server->config().address), facts ? ", " : "",
                            facts ? facts->version : "");
    }
    log_.info(fmt::format("pool {}: {}", pool.name, states),
              {{"balance", to_string(pool.balance)}});
  }
  log_.info("ready", {{"users", topology_->config().users.size()}, {"threads", workers_.size()}});
}

void Proxy::admit(const Listener& listener, Arrival arrival) {
  services_.counters.accepted.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t clients = 0;
  for (const auto& worker : workers_) clients += worker->load();
  if (clients >= topology_->config().proxy.max_connections)
    return refuse(arrival, too_many_connections, "Too many connections");
  // Most clients are shown what the one before was: they share it.
  CommonGround ground = topology_->ground(listener.server_version());
  if (!last_ground_ || *last_ground_ != ground)
    last_ground_ = std::make_shared<const CommonGround>(std::move(ground));
  arrival.ground = last_ground_;
  // Behind a balancer it is not known yet whose connection it is.
  if (!arrival.proxied && services_.failed_logins.blocked(arrival.from, monotonic_milliseconds()))
    return refuse(arrival, host_blocked,
                  host_blocked_message(arrival.host, arrival.ground->flavor));
  arrival.handshake = listener.take_handshake();
  if (!arrival.handshake) return refuse(arrival, too_many_connections, "Too many connections");
  const auto least =
      std::ranges::min_element(workers_, {}, [](const auto& worker) { return worker->load(); });
  (*least)->adopt(std::move(arrival));
}

/// Servers came or went, or took each other's place.
void Proxy::reconsider(const std::function<void()>& done) {
  const auto due = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (const auto& worker : workers_)
    worker->reconsider([due, done] {
      if (due->fetch_sub(1) == 1 && done) done();
    });
}

/// In the place of a greeting, as servers do it.
void Proxy::refuse(const Arrival& arrival, SqlError error, std::string_view message) {
  mysqlwire::Buffer out;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(out, early_error_payload(error, message), sequence_id);
  (void)::send(arrival.descriptor, out.data(), out.size(), MSG_NOSIGNAL);
  ::shutdown(arrival.descriptor, SHUT_WR);
  ::close(arrival.descriptor);
  const std::string text = fmt::format("refused before the login: {}", message);
  // That a host is blocked has been said.
  if (error.code == host_blocked.code)
    log_.debug(text, {{"client", arrival.address}});
  else
    log_.warn(text, {{"client", arrival.address}});
}

void Proxy::wait_for_signals() {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) signals_.add(signal);
  signals_.async_wait([this](const asio::error_code& error, int signal) {
    if (error) return;
    on_signal(signal);
    wait_for_signals();
  });
}

void Proxy::on_signal(int signal) {
  switch (signal) {
    case SIGHUP: return reload();
    case SIGUSR1:
      reopen_logs();
      log_lending();
      return write_statistics();
    default: return drain();
  }
}

void Proxy::reconfigure_logs(const Config& config) {
  log_.reconfigure(config.log);
  services_.audit.reconfigure(config.guard.audit_log);
  services_.slow_log.open(config.statistics.slow_log);
}

/// After they were moved away.
void Proxy::reopen_logs() {
  log_.reopen();
  try {
    services_.audit.reopen();
    services_.slow_log.reopen();
  } catch (const std::system_error& error) {
    log_.error(error.what());
  }
}

lending::FigureSums Proxy::lending_figures() const {
  lending::FigureSums sums;
  for (const auto& worker : workers_) sums.add(worker->lending());
  return sums;
}

/// Where connections are lent at all.
void Proxy::log_lending() {
  const lending::FigureSums sums = lending_figures();
  if (sums.empty()) return;
  log_.info("lent connections", {{"idle", sums.idle},
                                 {"lent", sums.lent},
                                 {"waiting", sums.waiting},
                                 {"opened", sums.opened},
                                 {"borrowed", sums.borrowed},
                                 {"waited", sums.waited},
                                 {"longest_wait_ms", sums.longest_wait_ms}});
}

/// Has each data thread hand over what it has counted; the last one's makes the file.
void Proxy::write_statistics() {
  const StatisticsConfig& statistics = topology_->config().statistics;
  if (!statistics.enabled || statistics.file.empty() || workers_.empty()) return;
  struct Collection {
    StatementReport report;
    std::size_t due = 0;
  };
  const auto collection = std::make_shared<Collection>();
  collection->due = workers_.size();
  for (const auto& worker : workers_) {
    worker->report_statistics([this, collection](StatementReport report) {
      asio::post(io_, [this, collection, part = std::move(report)]() mutable {
        collection->report.merge(std::move(part));
        if (--collection->due == 0) put_statistics(std::move(collection->report));
      });
    });
  }
}

void Proxy::put_statistics(StatementReport report) {
  const StatisticsConfig& statistics = topology_->config().statistics;
  if (statistics.file.empty()) return;  // by a reload in between
  const auto since_epoch = [](std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  };
  const std::size_t lines = report.statements.size();
  const std::string text = format_statistics(
      std::move(report), since_epoch(std::chrono::system_clock::now()), since_epoch(started_),
      workers_.size(), other_figures(services_, *topology_->rules(), lending_figures()));
  const std::string fault = replace_file(statistics.file, text);
  if (fault.empty())
    log_.info("statistics were written", {{"file", statistics.file}, {"statements", lines}});
  else
    log_.error(fault);
}

/// What was learnt goes into the allow file every few seconds.
void Proxy::save_learnt() {
  write_learnt();
  learn_timer_.expires_after(learn_interval);
  learn_timer_.async_wait([this](const asio::error_code& error) {
    if (!error) save_learnt();
  });
}

void Proxy::write_learnt() {
  const GuardConfig& guard = topology_->config().guard;
  const Learner::Count before = services_.learner.count();
  if (guard.allow_file.empty() || before.unsaved == 0) return;
  const std::string fault = services_.learner.save(guard.allow_file);
  if (!fault.empty()) return log_.error(fault);
  log_.info("learnt statements were written", {{"allow_file", guard.allow_file},
                                               {"new", before.unsaved},
                                               {"learnt", before.digests},
                                               {"dropped", before.dropped}});
}

/// A good configuration replaces the old one; a bad one changes nothing. Clients stay either way.
void Proxy::reload() {
  if (draining_) return log_.warn("stopping: the configuration is not reloaded");
  write_learnt();
  LoadResult loaded = load(options_);
  for (const auto& problem : loaded.warnings) log_.warn(to_string(problem));
  if (!loaded.config) {
    for (const auto& problem : loaded.errors) log_.error(to_string(problem));
    log_.error("the configuration was not reloaded; the old one stays in force");
    return;
  }
  std::shared_ptr<const Topology> topology;
  try {
    prepare_tls(*loaded.config);
    topology = std::make_shared<const Topology>(std::move(*loaded.config), topology_.get(),
                                                key_log_, log_);
    reconfigure_logs(topology->config());
    try {
      open_listeners(topology->config());
    } catch (const std::runtime_error&) {
      reconfigure_logs(topology_->config());
      throw;
    }
  } catch (const std::runtime_error& error) {
    log_.error(error.what());
    log_.error("the configuration was not reloaded; the old one stays in force");
    return;
  }
  for (const auto& listener : listeners_) listener->start();
  if (topology->config().proxy.threads != topology_->config().proxy.threads)
    log_.warn("proxy.threads takes effect at the next start");
  look_up_servers(*topology);
  topology_ = topology;
  services_.set_topology(topology);
  services_.directory.keep(topology->config().pools);
  services_.failed_logins.reset(topology->config().login_limits);
  resolver_.watch(topology->servers());
  monitor_.watch(topology->servers(), topology->config().health, topology->has_roles());
  mover_.watch(topology);
  if (control_ == nullptr || control_->path() != topology->config().proxy.control)
    open_control(topology->config().proxy.control);
  account_loader_.watch(*topology);
  reconsider();
  log_.info("the configuration was reloaded");
  announce();
}

/// Clients are served without it, too.
void Proxy::open_control(const std::string& path) {
  control_.reset();
  if (path.empty()) return;
  try {
    control_ = std::make_unique<Control>(io_, log_, path, control_handlers());
  } catch (const std::system_error& error) {
    log_.error(error.what());
  }
}

/// No new clients; those that are here finish what they are doing.
void Proxy::drain() {
  if (draining_) {
    log_.warn("asked to stop again: clients are cut off");
    return wait_for_sessions(std::chrono::steady_clock::now());
  }
  draining_ = true;
  listeners_.clear();
  const auto limit = topology_->config().proxy.drain_timeout;
  log_.info("stopping: waiting for clients", {{"clients", services_.counters.sessions.load()}});
  for (const auto& worker : workers_) worker->drain();
  wait_for_sessions(std::chrono::steady_clock::now() + limit);
}

void Proxy::wait_for_sessions(std::chrono::steady_clock::time_point limit) {
  std::uint64_t clients = 0;
  for (const auto& worker : workers_) clients += worker->load();
  const auto now = std::chrono::steady_clock::now();
  if (clients == 0 || (exit_ == ExitCode::drain_timeout && now >= limit)) return io_.stop();
  if (now >= limit) {
    log_.warn("drain_timeout: clients are cut off", {{"clients", clients}});
    exit_ = ExitCode::drain_timeout;
    for (const auto& worker : workers_) worker->cut();
    limit = now + last_words;
  }
  drain_timer_.expires_after(drain_poll);
  drain_timer_.async_wait([this, limit](const asio::error_code& error) {
    if (!error) wait_for_sessions(limit);
  });
}

}  // namespace mysqlproxy
