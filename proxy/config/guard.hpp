// What the guard looks for, and what it does about it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// What is done about a finding.
enum class GuardMode : std::uint8_t {
  off,      ///< not looked for
  observe,  ///< written to the audit log
  enforce,  ///< and refused
};

/// The findings. The names of those with a mode of their own are keys of [guard].
enum class GuardCheck : std::uint8_t {
  // What a statement says.
  no_where,    ///< UPDATE or DELETE without WHERE, or with one that is the same for all rows
  no_limit,    ///< UPDATE or DELETE without LIMIT on a table of `limit_tables`
  ddl,         ///< CREATE, ALTER, DROP, RENAME, TRUNCATE, but for temporary tables
  account,     ///< GRANT, CREATE USER, SET PASSWORD …
  admin,       ///< FLUSH, SHUTDOWN, INSTALL …, and the commands of this kind
  read_file,   ///< LOAD DATA, LOAD_FILE()
  write_file,  ///< INTO OUTFILE, INTO DUMPFILE
  sleep,       ///< SLEEP(), BENCHMARK()
  several_statements,  ///< more than one behind `;`
  comment,             ///< a comment inside of the statement
  version_comment,     ///< a version comment, which other servers read otherwise
  union_,     ///< UNION, EXCEPT, INTERSECT in a statement that is not allowed by its digest
  tautology,  ///< a condition without a row in it that is true; the same
  prepare_from_variable,  ///< PREPARE or EXECUTE IMMEDIATE of a text that does not show
  unreadable,             ///< what can't be inspected: no token, too long, too complex
  denied,                 ///< a digest of `deny`
  unknown_digest,         ///< a digest that the allow file does not have for the user
  // Limits, which have the mode `limits`.
  statement_size,
  result_rows,
  result_bytes,
  running_time,
};
constexpr std::size_t guard_checks = static_cast<std::size_t>(GuardCheck::running_time) + 1;

/// "no_where", "union" …
std::string_view to_string(GuardCheck check) noexcept;
std::string_view to_string(GuardMode mode) noexcept;

/// How users are watched: [guard], or [guard.NAME] for some of them.
struct GuardSettings {
  std::array<GuardMode, guard_checks> modes{};
  std::vector<std::string> limit_tables;  ///< "table" or "schema.table"
  std::vector<std::string> deny;          ///< statements or digests
  // 0: no limit.
  std::uint64_t max_statement_size = 0;  ///< bytes of the text
  std::uint64_t max_result_rows = 0;     ///< of all results of a command
  std::uint64_t max_result_bytes = 0;
  std::chrono::milliseconds max_running_time{0};

  /// One at least is set, whatever becomes of what exceeds it.
  bool has_limits() const noexcept {
    return max_statement_size != 0 || max_result_rows != 0 || max_result_bytes != 0 ||
           max_running_time.count() != 0;
  }

  GuardMode mode(GuardCheck check) const noexcept { return modes[static_cast<std::size_t>(check)]; }
  GuardMode& mode(GuardCheck check) noexcept { return modes[static_cast<std::size_t>(check)]; }

  friend bool operator==(const GuardSettings&, const GuardSettings&) = default;
};

/// [guard.NAME]: other settings for some users.
struct GuardProfile {
  std::string name;
  std::vector<std::string> users;  ///< no user is in two
  GuardSettings settings;

  friend bool operator==(const GuardProfile&, const GuardProfile&) = default;
};

/// Digests by user; "" is all users.
using DigestsByUser = std::map<std::string, std::set<std::string>>;

/// [guard]
struct GuardConfig {
  GuardSettings settings;  ///< of those who have no profile
  std::vector<GuardProfile> profiles;
  std::string allow_file;  ///< the digests that are known, by user; empty: none
  /// What it says, read with the configuration; null: nothing.
  std::shared_ptr<const DigestsByUser> known;
  bool learn = false;     ///< what is not in the allow file is added to it
  std::string audit_log;  ///< "-": standard output; empty: findings are in the program's log

  /// Nothing is looked for and nothing is learnt: no statement has to be inspected.
  bool idle() const noexcept;

  /// By what the file is called.
  friend bool operator==(const GuardConfig& a, const GuardConfig& b) {
    return a.settings == b.settings && a.profiles == b.profiles && a.allow_file == b.allow_file &&
           a.learn == b.learn && a.audit_log == b.audit_log;
  }
};

}  // namespace mysqlproxy
