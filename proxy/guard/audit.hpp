// What the guard found, one line of JSON each.
#pragma once

#include "proxy/guard/guard.hpp"
#include "proxy/log/log.hpp"
#include "proxy/log/writer.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// Who sent the command and which one it was. Borrows for the duration of the call.
struct AuditRecord {
  std::chrono::system_clock::time_point time;
  std::string_view request;
  std::uint64_t connection_id = 0;
  const ConnectionFacts& facts;
  mysqlwire::Command command;
  std::string_view digest_text;
  std::uint64_t digest = 0;
  std::string_view statement;  ///< redacted
  GuardChecks observed;
  GuardChecks refused;
};

/// {"time":…,"type":"guard","request":…,"action":"refused","checks":["no_where"],…}
std::string format_audit(const AuditRecord& record);

/// Counts findings and writes them down. Any thread.
class Audit {
 public:
  /// `target` is [guard] audit_log: with "" findings go to the program's log. Throws
  /// std::system_error when the file can't be opened.
  Audit(const std::string& target, Log& log);

  /// A number for a refusal, different in each run of the program: "3f2a91c07b-17".
  std::string next_request();
  void write(const AuditRecord& record);

  struct Count {
    std::uint64_t observed = 0;
    std::uint64_t refused = 0;
  };
  Count count(GuardCheck check) const noexcept;

  /// As those of Log.
  void reopen();
  void reconfigure(const std::string& target);

 private:
  struct Counter {
    std::atomic<std::uint64_t> observed = 0;
    std::atomic<std::uint64_t> refused = 0;
  };
  Log& log_;
  LineWriter writer_;
  const std::string run_;
  std::atomic<std::uint64_t> requests_ = 0;
  std::array<Counter, guard_checks> counters_;
};

}  // namespace mysqlproxy
