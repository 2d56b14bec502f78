#include "proxy/health/resolver.hpp"

#include "proxy/net/address.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace mysqlproxy {

/// Belongs to the thread as well, which may outlive the resolver by an unanswered question.
struct Resolver::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::shared_ptr<Server>> servers;  // those with names
  bool stopping = false;
};

Resolver::Resolver() : state_(std::make_shared<State>()) {}

void Resolver::start() {
  std::thread([state = state_] { run(state); }).detach();
}

void Resolver::stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
}

void Resolver::watch(const std::vector<std::shared_ptr<Server>>& servers) {
  std::vector<std::shared_ptr<Server>> named;
  for (const auto& server : servers) {
    if (is_name(server->config().address)) named.push_back(server);
  }
  const std::lock_guard lock(state_->mutex);
  state_->servers = std::move(named);
  state_->changed.notify_all();
}

void Resolver::run(const std::shared_ptr<State>& state) {
  constexpr int rounds = when_up / when_down;
  for (int round = 1;; round = round % rounds + 1) {
    std::vector<std::shared_ptr<Server>> servers;
    {
      std::unique_lock lock(state->mutex);
      state->changed.wait(lock, [&] { return state->stopping || !state->servers.empty(); });
      state->changed.wait_for(lock, when_down, [&] { return state->stopping; });
      if (state->stopping) return;
      servers = state->servers;
    }
    for (const auto& server : servers) {
      const bool lost = server->reachability() == Reachability::down || server->addresses().empty();
      if (!lost && round != rounds) continue;
      auto addresses = resolve_now(server->config().address);
      if (!addresses.empty()) server->set_addresses(std::move(addresses));
    }
  }
}

}  // namespace mysqlproxy
