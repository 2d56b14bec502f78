#include "proxy/health/copying.hpp"

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

Task<std::string> Copying::hold_receivers() {
  std::vector<std::string> refusals(members_.size());
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Candidate& one = members_.candidate(i);
    if (one.asked() && one.receiver_runs && one.sources == 1 && !one.named_source)
      tasks.push_back(hold_receiver(i, refusals[i]));
  }
  if (tasks.empty()) co_return std::string();
  co_await members_.all(std::move(tasks));
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (!refusals[i].empty())
      co_return fmt::format("{} does not stop receiving: {}", members_[i].name(), refusals[i]);
  notes_.note("the replicas receive nothing more");
  co_return std::string();
}

Task<void> Copying::hold_receiver(std::size_t place, std::string& refusal) {
  Member& member = members_[place];
  Candidate& one = members_.candidate(place);
  if (!one.applying) {
    // MariaDB throws away what was received and not applied when either of the two is started while
    // both are stopped.
    const std::string fault = co_await members_.tell_one(member, member.sql.start_applying(), soon);
    if (!fault.empty()) notes_.warn(fmt::format("{} does not apply: {}", member.name(), fault));
  }
  co_await shorten_farewell(member);
  member.held = true;
  const std::string fault = co_await members_.tell_one(member, member.sql.stop_receiving(), soon);
  co_await restore_farewell(member);
  if (member.connection) co_await members_.look_at(place);
  if (!member.connection) {
    one.trouble = fault.empty() ? "the connection is lost" : fault;
  } else if (!fault.empty()) {
    member.held = false;
    refusal = fault;
  }
}

Task<void> Copying::release_receivers() {
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (members_[i].held) tasks.push_back(release_receiver(i));
  co_await members_.all(std::move(tasks));
}

Task<void> Copying::release_receiver(std::size_t place) {
  Member& member = members_[place];
  Candidate& one = members_.candidate(place);
  member.held = false;
  std::string fault;
  if (!member.connection) fault = co_await members_.reconnect(member);
  one.trouble = fault;
  if (fault.empty()) co_await restore_farewell(member);
  if (fault.empty()) co_await members_.look_at(place);
  if (fault.empty()) fault = one.trouble;
  if (fault.empty() && one.forgets())
    fault = "started, it would throw away what it has received and not applied";
  if (fault.empty()) fault = co_await members_.tell_one(member, member.sql.start_receiving(), soon);
  if (fault.empty())
    notes_.note(fmt::format("{} receives again", member.name()));
  else
    notes_.warn(fmt::format("{} receives nothing any more: {}", member.name(), fault));
}

Task<std::string> Copying::catch_up(std::size_t place, std::string position, std::uint64_t until) {
  Member& next = members_[place];
  for (;;) {
    const std::string query = next.sql.wait_for(position, std::chrono::seconds(1));
    const TextResult waited = co_await members_.ask(next, query, soon);
    if (!waited.error().empty()) co_return fmt::format("{}: {}", next.name(), waited.error());
    if (only_value(waited) == "0") break;
    if (late(until)) co_return fmt::format("{} has not caught up in time", next.name());
  }
  notes_.note(fmt::format("{} has everything", next.name()));
  co_return std::string();
}

Task<std::string> Copying::apply_all(std::size_t place, std::uint64_t until) {
  Member& next = members_[place];
  const Candidate& one = members_.candidate(place);
  if (!one.applying && !one.forgets()) {
    const std::string fault = co_await members_.tell_one(next, next.sql.start_applying(), soon);
    if (!fault.empty()) co_return fmt::format("{}: {}", next.name(), fault);
  }
  for (;;) {
    co_await members_.look_at_source(place);
    if (!one.asked()) co_return fmt::format("{}: {}", next.name(), one.trouble);
    // A transaction that has come in half never will be: then the applier says that it has all.
    if (next.received.empty() || (one.applying && next.applied_all)) break;
    const std::string query = next.sql.wait_for(next.received, std::chrono::seconds(1));
    const TextResult waited = co_await members_.ask(next, query, soon);
    if (!waited.error().empty()) co_return fmt::format("{}: {}", next.name(), waited.error());
    if (only_value(waited) == "0") break;
    if (late(until))
      co_return fmt::format("{} has not applied what it has received in time", next.name());
  }
  notes_.note(fmt::format("{} has applied everything that it has received", next.name()));
  co_return std::string();
}

/// With MariaDB's semi-synchronous replication a replica first connects to its source, to end what
/// it has there; where the source is lost, that is not worth more than the shortest time there is.
Task<void> Copying::shorten_farewell(Member& member) {
  constexpr std::string_view shortest = "1";
  const std::string_view query = member.sql.farewell();
  if (query.empty()) co_return;
  const TextResult answer = co_await members_.ask(member, query, soon);
  std::string usual = only_value(answer);
  if (usual.empty() || usual == shortest) co_return;
  const std::string statement = member.sql.set_farewell(shortest);
  const std::string refused = co_await members_.tell_one(member, statement, soon);
  // Without an answer it may have been done.
  if (refused.empty() || !member.connection) member.usual_farewell = std::move(usual);
}

Task<void> Copying::restore_farewell(Member& member) {
  if (member.usual_farewell.empty() || !member.connection) co_return;
  const std::string statement = member.sql.set_farewell(member.usual_farewell);
  const std::string fault = co_await members_.tell_one(member, statement, soon);
  if (fault.empty())
    member.usual_farewell.clear();
  else
    notes_.warn(fmt::format("{} has not taken \"{}\": {}", member.name(), statement, fault));
}

Task<std::string> Copying::stop(std::size_t place) {
  Member& member = members_[place];
  const std::string fault = co_await members_.tell_one(member, member.sql.stop_copying(), soon);
  co_return fault;
}

Task<std::string> Copying::start_again(std::size_t place) {
  Member& member = members_[place];
  member.held = false;
  std::string fault;
  if (!member.connection) fault = co_await members_.reconnect(member);
  if (fault.empty()) fault = co_await members_.tell_one(member, member.sql.start_copying(), soon);
  co_return fault;
}

Task<bool> Copying::follow(std::size_t place, ReplicationSource source, std::string own_progress,
                           std::string name) {
  Member& member = members_[place];
  member.held = false;
  std::vector<std::string> statements = member.sql.copy_from(source, own_progress);
  std::string fault = co_await stop(place);
  if (fault.empty()) fault = co_await members_.tell(member, std::move(statements), soon);
  if (fault.empty()) fault = co_await wait_for_source(place);
  if (!fault.empty())
    co_return notes_.fail(fmt::format("{} does not copy from {}: {}", member.name(), name, fault));
  notes_.note(fmt::format("{} copies from {}", member.name(), name));
  co_return true;
}

/// Whether the source lets it, shows only when it has been told to copy.
Task<std::string> Copying::wait_for_source(std::size_t place) {
  const Member& member = members_[place];
  const Candidate& one = members_.candidate(place);
  Deadline deadline(loop_, waker_);
  deadline.set(soon);
  for (;;) {
    co_await members_.look_at_source(place);
    if (one.receiving) co_return std::string();
    if (!one.asked()) co_return one.trouble;
    if (!member.trouble.empty()) co_return member.trouble;
    if (deadline.passed()) co_return std::string("it has no connection yet");
    co_await members_.pause();
  }
}

}  // namespace mysqlproxy
