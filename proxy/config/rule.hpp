// [[rule]]: which connections and statements are treated how. Plain values.
#pragma once

#include "proxy/config/host_pattern.hpp"

#include <mysqlwire/sql/classify.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// When a rule is asked.
enum class RuleStage : std::uint8_t {
  statement,   ///< for each statement
  connection,  ///< once, when the client has proved who it is
};

/// What a statement does, in the words of the configuration.
enum class RuleEffect : std::uint8_t {
  reads_only,
  writes,
  locks,
  changes_session,
  reads_session,
  begins_transaction,
  ends_transaction,
  implicit_commit,
  nondeterministic,
  waits,
  writes_file,
  reads_file,
  calls,
  has_where,
  has_limit,
  unions,
  comment,
  version_comment,
  several,
  invalid,
};

enum class Weekday : std::uint8_t { mon, tue, wed, thu, fri, sat, sun };

/// A digest as the configuration names it: by its hash, or by its text.
struct RuleDigest {
  std::uint64_t hash = 0;
  std::string text;  ///< empty: the hash alone counts

  friend bool operator==(const RuleDigest&, const RuleDigest&) = default;
};

/// Minutes since midnight; `end` is not in it any more, and may be before `begin`.
struct TimeWindow {
  std::uint16_t begin = 0;
  std::uint16_t end = 1440;

  friend bool operator==(const TimeWindow&, const TimeWindow&) = default;
};

/// What a key=value of a comment has to be. The value is a pattern.
struct RuleHint {
  std::string key;
  std::string value = "*";

  friend bool operator==(const RuleHint&, const RuleHint&) = default;
};

/// `when` and `unless`. What is empty is not asked for; of a list any one is enough; everything
/// that is asked for has to be so. Names are patterns: `*` stands for any bytes.
struct RuleMatch {
  // Of the connection.
  std::vector<std::string> user;
  std::vector<std::string> schema;  ///< the current one; "" when there is none
  std::vector<HostPattern> client;
  std::vector<std::string> listener;
  std::vector<std::string> pool;  ///< the session's
  // Of the time.
  std::vector<TimeWindow> time;
  std::vector<Weekday> weekday;
  // Of the statement.
  std::vector<mysqlwire::sql::StatementKind> kind;
  std::vector<RuleEffect> effect;
  std::vector<std::string> table;  ///< "orders", "shop.orders", "shop.*"
  std::vector<RuleHint> hint;
  std::vector<RuleDigest> digest;
  std::string match;         ///< RE2 on the statement
  std::string match_digest;  ///< RE2 on the digest's text

  bool asks_of_statement() const noexcept {
    return !kind.empty() || !effect.empty() || !table.empty() || !hint.empty() || !digest.empty() ||
           !match.empty() || !match_digest.empty();
  }

  friend bool operator==(const RuleMatch&, const RuleMatch&) = default;
};

/// Where the value that is hashed comes from.
struct RuleHash {
  enum class Of : std::uint8_t { column, parameter, group, hint, user, client, schema };
  std::string pool;
  Of of = Of::column;
  std::string name;          ///< of the column or the hint; a column may be "table.column"
  std::uint32_t number = 0;  ///< of the parameter, from 1; of the group

  friend bool operator==(const RuleHash&, const RuleHash&) = default;
};

struct RuleRefusal {
  std::uint16_t code = 1148;
  std::string sqlstate = "42000";
  std::string text;  ///< empty: one with the rule's name

  friend bool operator==(const RuleRefusal&, const RuleRefusal&) = default;
};

/// OK, or rows of texts. A cell without a text is NULL.
struct RuleAnswer {
  std::uint32_t affected_rows = 0;
  std::vector<std::string> columns;  ///< none: OK
  std::vector<std::vector<std::optional<std::string>>> rows;

  friend bool operator==(const RuleAnswer&, const RuleAnswer&) = default;
};

/// Whose limit it is.
enum class LimitBy : std::uint8_t { rule, user, client };

struct RuleRate {
  std::uint32_t per_second = 0;
  std::uint32_t burst = 0;  ///< at least 1
  LimitBy by = LimitBy::rule;
  std::chrono::milliseconds wait{0};  ///< at most, for its turn; then it is refused

  friend bool operator==(const RuleRate&, const RuleRate&) = default;
};

struct RuleConcurrency {
  std::uint32_t max = 0;
  LimitBy by = LimitBy::rule;
  std::chrono::milliseconds wait{0};

  friend bool operator==(const RuleConcurrency&, const RuleConcurrency&) = default;
};

/// `then`.
struct RuleAction {
  std::string pool;
  std::string server;
  std::string pool_from_hint;    ///< a hint's key; its value names the pool
  std::string server_from_hint;  ///< the same for a server
  std::optional<RuleHash> hash;
  std::optional<std::string> rewrite;  ///< what `match` found becomes this
  bool rewrite_all = false;            ///< everywhere, not only at the first place
  std::optional<RuleRefusal> refuse;
  std::optional<RuleAnswer> answer;
  std::chrono::milliseconds delay{0};
  std::optional<RuleRate> rate;
  std::optional<RuleConcurrency> concurrency;
  std::string mirror;  ///< a pool
  bool log = false;

  bool routes() const noexcept {
    return !pool.empty() || !server.empty() || !pool_from_hint.empty() ||
           !server_from_hint.empty() || hash;
  }
  /// Says what becomes of a statement.
  bool terminal() const noexcept { return routes() || refuse || answer; }
  bool any() const noexcept {
    return terminal() || rewrite || delay.count() != 0 || rate || concurrency || !mirror.empty() ||
           log;
  }

  friend bool operator==(const RuleAction&, const RuleAction&) = default;
};

/// One [[rule]].
struct RuleConfig {
  std::string name;   ///< "rule 3" where the file gives it none
  std::string where;  ///< "proxy.toml:12:1"
  bool enabled = true;
  RuleStage stage = RuleStage::statement;
  RuleMatch when;
  RuleMatch unless;  ///< what is asked for here must not be so; each thing by itself
  double percent = 100;
  bool case_sensitive = false;  ///< of patterns, tables, schemas and hints
  int utc_offset = 0;           ///< minutes, for time and weekday
  bool local_time = true;       ///< the process's zone instead
  RuleAction then;
  /// The rules behind it are not asked when it matches.
  bool stops = true;

  /// Where it stands is no matter.
  friend bool operator==(const RuleConfig& a, const RuleConfig& b) {
    return a.name == b.name && a.enabled == b.enabled && a.stage == b.stage && a.when == b.when &&
           a.unless == b.unless && a.percent == b.percent && a.case_sensitive == b.case_sensitive &&
           a.utc_offset == b.utc_offset && a.local_time == b.local_time && a.then == b.then &&
           a.stops == b.stops;
  }
};

/// The words of the file.
std::string_view to_string(RuleStage stage) noexcept;
std::string_view to_string(RuleEffect effect) noexcept;
std::string_view to_string(Weekday day) noexcept;
std::string_view to_string(LimitBy by) noexcept;
std::string_view to_string(RuleHash::Of of) noexcept;
std::string to_string(const TimeWindow& window);
std::string to_string(const RuleHint& hint);
std::string to_string(const RuleDigest& digest);

/// "09:00-17:30"; 24:00 is an end. Nothing for what is none.
std::optional<TimeWindow> parse_time_window(std::string_view text) noexcept;
/// Minutes east of UTC: "UTC", "+05:30", "-08:00".
std::optional<int> parse_utc_offset(std::string_view text) noexcept;
/// "pool=reporting", "pool=report*", or "pool" for any value.
std::optional<RuleHint> parse_rule_hint(std::string_view text);
/// 16 hex digits, or else the digest's text.
RuleDigest parse_rule_digest(std::string_view text);

/// Every word there is.
inline constexpr std::size_t rule_effects = static_cast<std::size_t>(RuleEffect::invalid) + 1;
inline constexpr std::size_t statement_kinds =
    static_cast<std::size_t>(mysqlwire::sql::StatementKind::admin) + 1;

}  // namespace mysqlproxy
