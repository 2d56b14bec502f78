// What a server is among the others: primary or replica.
#pragma once

#include <chrono>
#include <optional>

namespace mysqlproxy {

/// As its last check found it.
struct Standing {
  bool writable = false;  ///< read_only is off
  /// It belongs to a cluster (Galera) that it is not in step with: it takes no statement.
  bool out_of_step = false;
  /// It copies from another server, and both of its threads run.
  bool replicating = false;
  /// How far it is behind; nothing where it does not replicate or can't say.
  std::optional<std::chrono::seconds> lag;

  friend bool operator==(const Standing&, const Standing&) = default;
};

}  // namespace mysqlproxy
