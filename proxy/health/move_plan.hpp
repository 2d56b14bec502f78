// Whether, and how, the primary of a pool can be moved to another of its servers.
#pragma once

#include "proxy/health/progress.hpp"

#include <mysqlwire/wire/context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mysqlproxy {

/// One server of the pool, as it was found a moment ago.
struct Candidate {
  std::string name;
  std::string host;        ///< where the others reach it
  std::uint16_t port = 0;  ///< 0: they can't
  std::string trouble;     ///< why it could not be asked; empty: it was
  mysqlwire::Flavor flavor = mysqlwire::Flavor::mysql;
  bool writable = false;
  bool gtid = false;           ///< it uses GTIDs; of a replica: to copy by
  bool binary_log = false;     ///< it writes one, and what it copies as well
  std::size_t sources = 0;     ///< how many servers it copies from
  bool named_source = false;   ///< by a connection with a name (MariaDB)
  bool receiver_runs = false;  ///< and tries to connect, where it is not receiving
  bool receiving = false;
  bool applying = false;
  std::optional<std::chrono::seconds> lag;
  Progress has;                      ///< executed
  Progress received;                 ///< executed, or waiting to be
  std::vector<std::string> missing;  ///< privileges of the account of the health check

  bool asked() const noexcept { return trouble.empty(); }
  /// Whether it would lose what it has received and not applied: MariaDB throws that away when a
  /// part of replication is started while no other runs, to receive it anew.
  bool forgets() const noexcept {
    return flavor == mysqlwire::Flavor::mariadb && !receiver_runs && !applying &&
           !has.has(received);
  }
};

/// What is decided. Servers are named by their place.
struct MovePlan {
  std::string refusal;  ///< why it can't be done; empty: it can
  std::vector<std::string> warnings;
  std::optional<std::size_t> from;  ///< the primary so far
  std::size_t to = 0;
  std::vector<std::size_t> others;  ///< replicas that are to follow the new one
  bool demote = false;              ///< the old one is to become a replica

  bool good() const noexcept { return refusal.empty(); }
};

struct MoveWishes {
  std::optional<std::size_t> to;      ///< this one and no other
  std::chrono::seconds most_lag{10};  ///< of the one that is promoted
  bool replication_user = false;      ///< with which an old primary can copy
};

/// A planned move away from `primary`, which is there.
MovePlan plan_switchover(std::span<const Candidate> servers, std::optional<std::size_t> primary,
                         const MoveWishes& wishes);

/// The primary is lost. `forced`: an operator says so, and answers for the replicas that can't be
/// asked.
MovePlan plan_failover(std::span<const Candidate> servers, std::optional<std::size_t> primary,
                       const MoveWishes& wishes, bool forced);

/// Whether somebody has received more between two looks at the same servers, in which nobody was
/// connected to the primary: then that is back. Empty text: nobody has.
std::string sign_of_life(std::span<const Candidate> before, std::span<const Candidate> after,
                         std::optional<std::size_t> primary);

/// What will be done, a line each.
std::vector<std::string> describe(const MovePlan& plan, std::span<const Candidate> servers);

/// What the checks know of a pool whose primary may be lost.
struct FailoverSight {
  bool primary_down = false;  ///< there was one, and enough checks in a row have failed
  bool another = false;       ///< a server that can be written to, and is not fenced
  std::size_t replicas = 0;   ///< all but the primary
  std::size_t reachable = 0;  ///< of these
  std::size_t receiving = 0;  ///< of these: still connected to their source
};

/// Whether the checks' quorum says that the primary is lost: its own have failed, at least half of
/// the replicas can be asked, and none of these has a connection to it. Else why not, where it is
/// down; empty text when all is well.
struct FailoverVerdict {
  bool act = false;
  std::string waits_for;
};
FailoverVerdict judge(const FailoverSight& sight);

}  // namespace mysqlproxy
