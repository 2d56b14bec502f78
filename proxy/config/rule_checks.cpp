#include "proxy/config/rule_checks.hpp"

#include "proxy/rules/text_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlproxy {
namespace {

using mysqlwire::sql::StatementKind;

/// Every one of `narrow` is within one of `wide`.
template <class T, class Within>
bool all_within(const std::vector<T>& narrow, const std::vector<T>& wide, Within within) {
  return std::ranges::all_of(narrow, [&](const T& one) {
    return std::ranges::any_of(wide, [&](const T& other) { return within(other, one); });
  });
}

/// A condition that asks for nothing covers all; one that asks covers what asks for no more.
template <class T, class Within>
bool list_covers(const std::vector<T>& wide, const std::vector<T>& narrow, Within within) {
  return wide.empty() || (!narrow.empty() && all_within(narrow, wide, within));
}

constexpr auto equal = [](const auto& a, const auto& b) { return a == b; };

/// What `when` asks for. `cased`: patterns are compared with regard to case.
bool match_covers(const RuleMatch& wide, const RuleMatch& narrow, bool cased) {
  const auto name = [](const std::string& a, const std::string& b) {
    return rules::covers_pattern(a, b, false);
  };
  const auto loose = [&](const std::string& a, const std::string& b) {
    return rules::covers_pattern(a, b, !cased);
  };
  const auto hint = [&](const RuleHint& a, const RuleHint& b) {
    return loose(a.key, b.key) && loose(a.value, b.value);
  };
  const auto client = [](const HostPattern& a, const HostPattern& b) {
    return a == b || a == HostPattern();
  };
  const auto digest = [](const RuleDigest& a, const RuleDigest& b) {
    return a.hash == b.hash && (a.text.empty() || a.text == b.text);
  };
  return list_covers(wide.user, narrow.user, name) &&
         list_covers(wide.schema, narrow.schema, loose) &&
         list_covers(wide.client, narrow.client, client) &&
         list_covers(wide.listener, narrow.listener, name) &&
         list_covers(wide.pool, narrow.pool, name) && list_covers(wide.time, narrow.time, equal) &&
         list_covers(wide.weekday, narrow.weekday, equal) &&
         list_covers(wide.kind, narrow.kind, equal) &&
         list_covers(wide.effect, narrow.effect, equal) &&
         list_covers(wide.table, narrow.table, loose) &&
         list_covers(wide.hint, narrow.hint, hint) &&
         list_covers(wide.digest, narrow.digest, digest) &&
         (wide.match.empty() || wide.match == narrow.match) &&
         (wide.match_digest.empty() || wide.match_digest == narrow.match_digest);
}

/// Whatever `wide` excludes is excluded by `narrow` too.
bool exclusions_cover(const RuleMatch& wide, const RuleMatch& narrow) {
  const auto within = [](const auto& one, const auto& other) {
    return all_within(one, other, equal);
  };
  return within(wide.user, narrow.user) && within(wide.schema, narrow.schema) &&
         within(wide.client, narrow.client) && within(wide.listener, narrow.listener) &&
         within(wide.pool, narrow.pool) && within(wide.time, narrow.time) &&
         within(wide.weekday, narrow.weekday) && within(wide.kind, narrow.kind) &&
         within(wide.effect, narrow.effect) && within(wide.table, narrow.table) &&
         within(wide.hint, narrow.hint) && within(wide.digest, narrow.digest) &&
         (wide.match.empty() || wide.match == narrow.match) &&
         (wide.match_digest.empty() || wide.match_digest == narrow.match_digest);
}

/// It matches only where there is a value to be had from the statement.
bool needs_value(const RuleAction& then) {
  return !then.pool_from_hint.empty() || !then.server_from_hint.empty() ||
         (then.hash && then.hash->of < RuleHash::Of::user);
}

bool unconditional(const RuleConfig& rule) {
  return rule.when == RuleMatch() && rule.unless == RuleMatch() && rule.percent >= 100 &&
         !needs_value(rule.then);
}

template <class T>
bool excluded(const std::vector<T>& asked, const std::vector<T>& excluded_ones) {
  return !asked.empty() && all_within(asked, excluded_ones, equal);
}

/// The key of both `when` and `unless` whose values leave nothing; empty when there is none.
std::string_view contradiction(const RuleMatch& when, const RuleMatch& unless) {
  if (excluded(when.user, unless.user)) return "user";
  if (excluded(when.schema, unless.schema)) return "schema";
  if (excluded(when.client, unless.client)) return "client";
  if (excluded(when.listener, unless.listener)) return "listener";
  if (excluded(when.pool, unless.pool)) return "pool";
  if (excluded(when.time, unless.time)) return "time";
  if (excluded(when.weekday, unless.weekday)) return "weekday";
  if (excluded(when.kind, unless.kind)) return "kind";
  if (excluded(when.effect, unless.effect)) return "effect";
  if (excluded(when.hint, unless.hint)) return "hint";
  if (excluded(when.digest, unless.digest)) return "digest";
  if (!when.match.empty() && when.match == unless.match) return "match";
  if (!when.match_digest.empty() && when.match_digest == unless.match_digest) return "match_digest";
  return {};
}

/// Statements of this kind never are what a replica may answer.
bool always_writes(StatementKind kind) {
  using enum StatementKind;
  switch (kind) {
    case unknown:
    case insert:
    case replace:
    case update:
    case delete_:
    case load_data:
    case call:
    case create:
    case alter:
    case drop:
    case rename:
    case truncate:
    case account:
    case admin: return true;
    default: return false;
  }
}

/// Statements of this kind never begin or end a transaction.
bool leaves_transaction(StatementKind kind) {
  using enum StatementKind;
  return kind == select || kind == insert || kind == replace || kind == update || kind == delete_ ||
         kind == do_ || kind == show;
}

bool is_of_transactions(RuleEffect effect) {
  return effect == RuleEffect::begins_transaction || effect == RuleEffect::ends_transaction ||
         effect == RuleEffect::implicit_commit;
}

}  // namespace

std::string never_matches(const RuleConfig& rule) {
  const RuleMatch& when = rule.when;
  if (rule.percent <= 0) return "percent is 0";
  if (!when.time.empty() &&
      std::ranges::all_of(when.time, [](const TimeWindow& one) { return one.begin == one.end; }))
    return fmt::format("the time {} is empty", to_string(when.time.front()));
  if (when.kind.empty() || when.effect.empty()) return {};
  const bool reads = std::ranges::all_of(
      when.effect, [](RuleEffect effect) { return effect == RuleEffect::reads_only; });
  if (reads && std::ranges::all_of(when.kind, always_writes))
    return fmt::format("no {} is {}", mysqlwire::sql::to_string(when.kind.front()),
                       to_string(RuleEffect::reads_only));
  if (std::ranges::all_of(when.effect, is_of_transactions) &&
      std::ranges::all_of(when.kind, leaves_transaction))
    return fmt::format("no {} has the effect {}", mysqlwire::sql::to_string(when.kind.front()),
                       to_string(when.effect.front()));
  return {};
}

bool covers(const RuleConfig& first, const RuleConfig& second) {
  if (first.percent < 100 || needs_value(first.then)) return false;
  if (first.unless == RuleMatch() && first.when == RuleMatch()) return true;
  const bool patterns_alike = first.case_sensitive == second.case_sensitive;
  const bool zones_alike =
      first.local_time == second.local_time && first.utc_offset == second.utc_offset;
  const bool asks_time = !first.when.time.empty() || !first.when.weekday.empty() ||
                         !first.unless.time.empty() || !first.unless.weekday.empty();
  return patterns_alike && (zones_alike || !asks_time) &&
         match_covers(first.when, second.when, first.case_sensitive) &&
         exclusions_cover(first.unless, second.unless);
}

void check_rules(const std::vector<RuleConfig>& rules,
                 const std::vector<toml::source_region>& places, Report& report) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const RuleConfig& rule = rules[i];
    if (!rule.enabled) continue;
    if (const auto key = contradiction(rule.when, rule.unless); !key.empty()) {
      report.error(places[i], fmt::format("{}: when.{} and unless.{} leave nothing that it could "
                                          "match",
                                          shown(rule.name), key, key));
      continue;
    }
    if (const std::string why = never_matches(rule); !why.empty()) {
      report.warn(places[i], fmt::format("{} never matches: {}", shown(rule.name), why));
      continue;
    }
    for (std::size_t j = 0; j < i; ++j) {
      const RuleConfig& first = rules[j];
      if (!first.enabled || !first.stops || first.stage != rule.stage || !covers(first, rule))
        continue;
      if (unconditional(first))
        report.error(places[i], fmt::format("{} can't be reached: {} matches everything and stops",
                                            shown(rule.name), shown(first.name)));
      else
        report.warn(places[i], fmt::format("{} never matches: {} stops all that it asks for",
                                           shown(rule.name), shown(first.name)));
      break;
    }
  }
}

}  // namespace mysqlproxy
