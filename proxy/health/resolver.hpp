// Looks up the names of servers again, since what they lead to changes.
#pragma once

#include "proxy/pool/server.hpp"

#include <chrono>
#include <memory>
#include <vector>

namespace mysqlproxy {

/// Asks DNS on a thread of its own, which may be stuck in that for as long as it likes: often for
/// servers that are down or have no address yet, now and then for the others. A name that leads
/// nowhere leaves a server with the addresses that it had.
class Resolver {
 public:
  static constexpr std::chrono::seconds when_down{2};
  static constexpr std::chrono::seconds when_up{30};

  Resolver();
  ~Resolver() { stop(); }
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void start();
  /// Does not wait for a question that is under way.
  void stop();
  /// These from now on, in the place of the former ones.
  void watch(const std::vector<std::shared_ptr<Server>>& servers);

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace mysqlproxy
