// What a server is among the others: primary or replica.
#pragma once

#include "proxy/pool/steady.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace mysqlproxy {

/// As its last checks found it.
struct Standing {
  bool writable = false;  ///< read_only is off
  /// It belongs to a cluster (Galera): while it is in step it has what the others have.
  bool clustered = false;
  /// It belongs to a cluster that it is not in step with: it takes no statement.
  bool out_of_step = false;
  /// It takes statements, and is not to be asked while others can be: it gives a new member its
  /// data, has not caught up yet, or an operator has set wsrep_desync.
  bool unsynced = false;
  /// It copies from another server, and both of its threads run.
  bool replicating = false;
  /// The thread that receives has a connection to its source. Of several sources: all have.
  bool receiving = false;
  /// How far it is behind; nothing where it does not replicate or can't say.
  std::optional<std::chrono::seconds> lag;

  friend bool operator==(const Standing&, const Standing&) = default;
};

/// How busy a server is, by its own count: everybody's connections, not only ours.
struct Threads {
  std::uint32_t connected = 0;
  std::uint32_t running = 0;
  std::uint32_t most = 0;  ///< max_connections

  /// It has no room for another connection, but the one that is kept for administrators.
  bool full() const noexcept { return most != 0 && connected >= most; }

  friend bool operator==(const Threads&, const Threads&) = default;
};

/// Lets a standing change only when it has been seen often enough. Pure.
class SteadyStanding {
 public:
  /// `read_only` is for writable, `replication` for the rest; nothing for what was not looked at
  /// this time.
  const Standing& take(const Standing& seen, std::optional<RiseFall> read_only,
                       std::optional<RiseFall> replication) noexcept {
    if (read_only) writable_.take(seen.writable, *read_only);
    if (replication) {
      // Here a yes is a fault.
      const RiseFall inverse{.rise = replication->fall, .fall = replication->rise};
      out_of_step_.take(seen.out_of_step, inverse);
      unsynced_.take(seen.unsynced, inverse);
      replicating_.take(seen.replicating, *replication);
    }
    standing_ = seen;
    standing_.writable = writable_.value().value_or(false);
    standing_.out_of_step = out_of_step_.value().value_or(false);
    standing_.unsynced = unsynced_.value().value_or(false);
    standing_.replicating = replicating_.value().value_or(false);
    return standing_;
  }

 private:
  Steady writable_;
  Steady out_of_step_;
  Steady unsynced_;
  Steady replicating_;
  Standing standing_;
};

}  // namespace mysqlproxy
