#include "proxy/health/move_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlproxy {

namespace {

MovePlan refuse(std::string why) {
  MovePlan plan;
  plan.refusal = std::move(why);
  return plan;
}

/// Why this one can't be the primary; empty when it can.
std::string obstacle(const Candidate& one) {
  if (!one.asked()) return one.trouble;
  if (one.writable) return "it can be written to already";
  if (one.sources == 0) return "it is no replica";
  if (one.sources > 1 || one.named_source)
    return "it copies from several servers, or by a connection with a name";
  if (!one.gtid) return "it does not replicate by GTID";
  if (!one.binary_log) return "it does not write what it copies to a binary log";
  if (one.forgets())
    return "it does not replicate, and when it is told to it throws away what it has received and "
           "not applied";
  if (one.port == 0) return "it has no address that the others reach; see replication_address";
  if (!one.missing.empty())
    return fmt::format("the account of the health check lacks {}", fmt::join(one.missing, ", "));
  return {};
}

/// The same for a move that waits until it has everything.
std::string obstacle(const Candidate& one, std::chrono::seconds most_lag) {
  std::string why = obstacle(one);
  if (!why.empty()) return why;
  if (!one.receiving || !one.applying) return "it does not replicate just now";
  if (!one.lag) return "it can't say how far behind it is";
  if (*one.lag > most_lag)
    return fmt::format("it is {} s behind, and {} s are the limit", one.lag->count(),
                       most_lag.count());
  return {};
}

/// Chooses who is promoted; `why` says what speaks against one.
template <class Obstacle>
void choose(MovePlan& plan, std::span<const Candidate> servers, const MoveWishes& wishes,
            Obstacle why) {
  std::string reasons;
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (i == plan.from || (wishes.to && i != *wishes.to)) continue;
    const std::string against = why(servers[i]);
    if (!against.empty()) {
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", servers[i].name, against);
      continue;
    }
    if (!best || servers[i].received > servers[*best].received) best = i;
  }
  if (!best) {
    plan.refusal = fmt::format("no server can be the primary: {}",
                               reasons.empty() ? "there is no other" : reasons);
    return;
  }
  plan.to = *best;
  // Whoever follows must not have what the new one lacks. Where the primary is there the new one
  // will have all that it has; until then they are told apart by when they were asked.
  if (plan.from && servers[*plan.from].asked()) return;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const Candidate& one = servers[i];
    if (i == plan.to || i == plan.from || !one.asked()) continue;
    if (!servers[plan.to].received.has(one.received)) {
      plan.refusal =
          fmt::format("{} has transactions that {} lacks", one.name, servers[plan.to].name);
      return;
    }
  }
}

/// Replicas that can be told to follow the new primary.
void choose_followers(MovePlan& plan, std::span<const Candidate> servers) {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const Candidate& one = servers[i];
    if (i == plan.to || i == plan.from) continue;
    std::string why;
    if (!one.asked())
      why = one.trouble;
    else if (one.sources != 1 || one.named_source || !one.gtid)
      why = "it is no replica by GTID of one server";
    else if (!one.missing.empty())
      why = fmt::format("the account of the health check lacks {}", fmt::join(one.missing, ", "));
    if (why.empty())
      plan.others.push_back(i);
    else
      plan.warnings.push_back(fmt::format("{} is left as it is: {}", one.name, why));
  }
}

void choose_demotion(MovePlan& plan, const MoveWishes& wishes, const std::string& name) {
  plan.demote = wishes.replication_user;
  if (!plan.demote)
    plan.warnings.push_back(
        fmt::format("{} does not become a replica: there is no replication_user", name));
}

}  // namespace

MovePlan plan_switchover(std::span<const Candidate> servers, std::optional<std::size_t> primary,
                         const MoveWishes& wishes) {
  if (!primary) return refuse("the pool has no primary; see promote");
  if (wishes.to == primary)
    return refuse(fmt::format("{} is the primary already", servers[*primary].name));
  const Candidate& old = servers[*primary];
  if (!old.asked()) return refuse(fmt::format("{}: {}", old.name, old.trouble));
  if (!old.writable) return refuse(fmt::format("{} is read-only", old.name));
  if (!old.gtid) return refuse(fmt::format("{} does not use GTIDs", old.name));
  if (!old.missing.empty())
    return refuse(fmt::format("{}: the account of the health check lacks {}", old.name,
                              fmt::join(old.missing, ", ")));
  MovePlan plan;
  plan.from = primary;
  choose(plan, servers, wishes,
         [&](const Candidate& one) { return obstacle(one, wishes.most_lag); });
  if (!plan.good()) return plan;
  choose_followers(plan, servers);
  choose_demotion(plan, wishes, old.name);
  return plan;
}

MovePlan plan_failover(std::span<const Candidate> servers, std::optional<std::size_t> primary,
                       const MoveWishes& wishes, bool forced) {
  MovePlan plan;
  plan.from = primary;
  std::size_t replicas = 0;
  std::size_t asked = 0;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const Candidate& one = servers[i];
    if (i == primary) {
      if (one.asked()) return refuse(fmt::format("{} answers", one.name));
      continue;
    }
    ++replicas;
    if (!one.asked()) continue;
    ++asked;
    if (one.writable) return refuse(fmt::format("{} can be written to", one.name));
    if (one.receiving && !forced)
      return refuse(fmt::format("{} is still connected to its source", one.name));
    // It could acknowledge what the primary still writes, and nobody could stop it.
    if (one.receiver_runs && !one.missing.empty() && !forced)
      return refuse(fmt::format("{}: the account of the health check lacks {}", one.name,
                                fmt::join(one.missing, ", ")));
  }
  if (!forced && asked * 2 < replicas)
    return refuse(fmt::format("only {} of {} replicas can be asked", asked, replicas));
  choose(plan, servers, wishes, [](const Candidate& one) { return obstacle(one); });
  if (!plan.good()) return plan;
  choose_followers(plan, servers);
  if (primary) choose_demotion(plan, wishes, servers[*primary].name);
  return plan;
}

std::string sign_of_life(std::span<const Candidate> before, std::span<const Candidate> after,
                         std::optional<std::size_t> primary) {
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    if (i == primary || !before[i].asked() || !after[i].asked()) continue;
    if (!before[i].received.has(after[i].received))
      return fmt::format("{} has just received something: the primary is back", after[i].name);
  }
  return {};
}

std::vector<std::string> describe(const MovePlan& plan, std::span<const Candidate> servers) {
  std::vector<std::string> lines;
  if (!plan.good()) return lines;
  const std::string& to = servers[plan.to].name;
  const bool planned = plan.from && servers[*plan.from].asked();
  lines.push_back("hold new writes back");
  if (planned) {
    const std::string& from = servers[*plan.from].name;
    lines.push_back(fmt::format("let open transactions on {} end", from));
    lines.push_back(fmt::format("make {} read-only", from));
    lines.push_back(fmt::format("wait until {} has everything of {}", to, from));
  } else {
    lines.push_back("have the replicas receive nothing more");
    lines.push_back(fmt::format("wait until {} has applied everything that it has received", to));
  }
  lines.push_back(fmt::format("make {} the primary", to));
  lines.push_back("let writes go on");
  for (const std::size_t other : plan.others)
    lines.push_back(fmt::format("make {} a replica of {}", servers[other].name, to));
  if (plan.from && plan.demote)
    lines.push_back(fmt::format("make {} a replica of {}{}", servers[*plan.from].name, to,
                                planned ? "" : ", read-only, when it is back"));
  else if (plan.from && !planned)
    lines.push_back(fmt::format("make {} read-only when it is back", servers[*plan.from].name));
  return lines;
}

FailoverVerdict judge(const FailoverSight& sight) {
  if (!sight.primary_down || sight.another) return {};
  if (sight.replicas == 0) return {false, "there is no other server"};
  if (sight.reachable * 2 < sight.replicas || sight.reachable == 0)
    return {false,
            fmt::format("only {} of {} replicas can be asked", sight.reachable, sight.replicas)};
  if (sight.receiving != 0)
    return {false, fmt::format("{} of {} replicas still have a connection to it", sight.receiving,
                               sight.reachable)};
  return {true, {}};
}

}  // namespace mysqlproxy
