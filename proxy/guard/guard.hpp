// Which statements are none of a user's business. Pure: no socket, no clock, nothing is counted.
//
// What each check means is in proxy/config/guard.hpp, and for users in docs/guard.md.
#pragma once

#include "proxy/config/guard.hpp"
#include "proxy/guard/digest_list.hpp"
#include "proxy/statement/decision.hpp"
#include "proxy/statement/inspection.hpp"

#include <mysqlwire/sql/dialect.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mysqlproxy {

/// A set of checks.
class GuardChecks {
 public:
  constexpr bool has(GuardCheck check) const noexcept { return (bits_ & bit(check)) != 0; }
  constexpr void add(GuardCheck check) noexcept { bits_ |= bit(check); }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  constexpr std::uint32_t bits() const noexcept { return bits_; }
  constexpr bool operator==(const GuardChecks&) const noexcept = default;

 private:
  static constexpr std::uint32_t bit(GuardCheck check) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(check);
  }
  std::uint32_t bits_ = 0;
};

/// What was found in one command.
struct GuardFindings {
  GuardChecks observed;  ///< to be written down
  GuardChecks refused;   ///< and not to reach the server
  /// While learning: the inspection's digest is not in the allow file.
  bool is_new = false;
  /// The same of texts that a PREPARE has in it.
  std::vector<std::string> new_inside;

  bool clean() const noexcept { return observed.empty() && refused.empty(); }
};

/// How the statements of one user are judged. Immutable.
class UserGuard {
 public:
  /// `known` are the allow file's digests of this user, `common` those of all users; null: none.
  UserGuard(const GuardSettings& settings, std::shared_ptr<const DigestSet> known,
            std::shared_ptr<const DigestSet> common, bool learn);

  /// Judges COM_QUERY, COM_STMT_PREPARE and commands without a text; of COM_STMT_EXECUTE the
  /// statement was judged when it was prepared. All statements of a text are judged, and the text
  /// that a PREPARE has in it.
  GuardFindings judge(const ConnectionFacts& facts, const Inspection& inspection,
                      const mysqlwire::sql::Dialect& dialect) const;

  /// It is known without judging that judge() finds nothing.
  bool lets_pass(const ConnectionFacts& facts, const Inspection& inspection) const noexcept;

  const GuardSettings& settings() const noexcept { return settings_; }

 private:
  class Judge;

  bool has_passed(const Inspection& inspection, const ConnectionFacts& facts) const noexcept;
  bool on(GuardCheck check) const noexcept { return settings_.mode(check) != GuardMode::off; }
  bool knows(const Inspection& inspection) const noexcept;
  bool limits_table(std::string_view schema, std::string_view name,
                    const ConnectionFacts& facts) const;

  std::uint64_t id_;  ///< of this guard and its copies alone, in this process
  GuardSettings settings_;
  std::shared_ptr<const DigestSet> known_;
  std::shared_ptr<const DigestSet> common_;
  DigestSet deny_;
  bool learn_;
  bool reads_digests_;  ///< some check is about digests
};

/// The guard that a configuration describes. Immutable; any thread.
class Guard {
 public:
  /// `known` is what `config.allow_file` says.
  Guard(const GuardConfig& config, const DigestsByUser& known);

  /// Valid as long as the guard.
  const UserGuard& of(std::string_view user) const;

 private:
  std::map<std::string, UserGuard, std::less<>> users_;
  UserGuard others_;
};

/// The ERR for what was refused, with a number that stands in the audit log: "mysqlproxy's guard
/// refuses this: UPDATE or DELETE without WHERE (request 3f2a91c07b-17)".
Refusal refusal_of(GuardChecks refused, std::string_view request);

}  // namespace mysqlproxy
