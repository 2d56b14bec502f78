#include "proxy/rules/regex.hpp"
#include "proxy/rules/rule_book_parts.hpp"
#include "proxy/rules/text_pattern.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

// What of a rule does not fit a client or a statement.

namespace mysqlproxy::rules {
namespace {

using mysqlwire::sql::Classification;
using mysqlwire::sql::Effect;

constexpr std::uint64_t reads_only_bit = std::uint64_t{1} << 32;

bool any_name(const std::vector<std::string>& patterns, std::string_view name,
              bool ignore_case) noexcept {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return matches_pattern(pattern, name, ignore_case);
  });
}

/// "orders" is a table of any schema, "shop.orders" one of that schema.
bool names_table(const std::vector<std::string>& patterns, const Classification& what,
                 std::string_view schema, bool ignore_case) noexcept {
  for (const auto& table : what.tables()) {
    for (const std::string_view pattern : patterns) {
      const std::size_t dot = pattern.find('.');
      const std::string_view name = dot == pattern.npos ? pattern : pattern.substr(dot + 1);
      if (!matches_pattern(name, table.name, ignore_case)) continue;
      if (dot == pattern.npos) return true;
      const std::string_view of = table.schema.empty() ? schema : table.schema;
      if (matches_pattern(pattern.substr(0, dot), of, ignore_case)) return true;
    }
  }
  return false;
}

bool is_within(const std::vector<TimeWindow>& windows, unsigned minute) noexcept {
  return std::ranges::any_of(windows, [&](const TimeWindow& one) {
    if (one.begin <= one.end) return minute >= one.begin && minute < one.end;
    return minute >= one.begin || minute < one.end;
  });
}

bool is_one_of(const std::vector<Weekday>& days, unsigned day) noexcept {
  return std::ranges::find(days, static_cast<Weekday>(day)) != days.end();
}

/// Evenly spread over [0, 100), another one for each rule.
double throw_dice(std::uint64_t dice, std::size_t rule) noexcept {
  std::uint64_t x = dice + (rule + 1) * 0x9e3779b97f4a7c15U;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
  x = (x ^ x >> 27) * 0x94d049bb133111ebU;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) * 0x1.0p-53 * 100;
}
}  // namespace

std::uint64_t bit_of(RuleEffect effect) noexcept {
  const auto bit = [](Effect one) { return std::uint64_t{static_cast<std::uint32_t>(one)}; };
  switch (effect) {
    case RuleEffect::reads_only: return reads_only_bit;
    case RuleEffect::writes: return bit(Effect::writes);
    case RuleEffect::locks: return bit(Effect::locks);
    case RuleEffect::changes_session: return bit(Effect::changes_session);
    case RuleEffect::reads_session: return bit(Effect::reads_session);
    case RuleEffect::begins_transaction: return bit(Effect::begins_transaction);
    case RuleEffect::ends_transaction: return bit(Effect::ends_transaction);
    case RuleEffect::implicit_commit: return bit(Effect::implicit_commit);
    case RuleEffect::nondeterministic: return bit(Effect::nondeterministic);
    case RuleEffect::waits: return bit(Effect::waits);
    case RuleEffect::writes_file: return bit(Effect::writes_file);
    case RuleEffect::reads_file: return bit(Effect::reads_file);
    case RuleEffect::calls: return bit(Effect::calls);
    case RuleEffect::has_where: return bit(Effect::has_where);
    case RuleEffect::has_limit: return bit(Effect::has_limit);
    case RuleEffect::unions: return bit(Effect::unions);
    case RuleEffect::comment: return bit(Effect::comment);
    case RuleEffect::version_comment: return bit(Effect::version_comment);
    case RuleEffect::several: return bit(Effect::several);
    case RuleEffect::invalid: return bit(Effect::invalid);
  }
  return 0;
}

std::uint64_t effects_of(const Classification& what) noexcept {
  return what.effects.bits() | (what.reads_only() ? reads_only_bit : 0);
}
bool has_effect(const Classification& what, RuleEffect effect) noexcept {
  return (effects_of(what) & bit_of(effect)) != 0;
}

Misfit RuleBook::misfit_of_connection(const Compiled& rule, const Client& client, bool& by_unless) {
  const bool ignore_case = !rule.config().case_sensitive;
  const auto fits = [&](const RuleMatch& match, bool wanted) {
    const auto differs = [&](bool asked, bool is_so) { return asked && is_so != wanted; };
    if (differs(!match.user.empty(), any_name(match.user, client.user, false))) return Misfit::user;
    if (differs(!match.schema.empty(), any_name(match.schema, client.schema, ignore_case)))
      return Misfit::schema;
    if (differs(!match.client.empty(),
                std::ranges::any_of(match.client, [&](const HostPattern& host) {
                  return host.matches(client.from);
                })))
      return Misfit::client;
    if (differs(!match.listener.empty(), any_name(match.listener, client.listener, false)))
      return Misfit::listener;
    if (differs(!match.pool.empty(), any_name(match.pool, client.pool, false))) return Misfit::pool;
    return Misfit::none;
  };
  by_unless = false;
  const Misfit first = fits(rule.config().when, true);
  if (first != Misfit::none) return first;
  by_unless = true;
  return fits(rule.config().unless, false);
}

bool RuleBook::text_hit(Question& question, std::size_t regex) const {
  Decision& decision = question.decision;
  if (!question.text_known) {
    question.text_known = true;
    question.text_by_set =
        index_->text.match_all(question.statement->text, decision.scratch_, decision.text_hits_);
  }
  if (question.text_by_set) return has_bit(decision.text_hits_, regex);
  return RE2::PartialMatch(piece(question.statement->text), index_->text.at(regex));
}

/// Some text of the statement's shape can match.
bool RuleBook::may_hit_text(Question& question, std::size_t regex) const {
  const Shape* const shape = question.statement->shape;
  if (shape == nullptr || shape->of != Shape::Of::pattern) return true;
  if (question.possible.empty()) question.possible = index_->text.possible(*shape);
  return has_bit(question.possible, regex);
}

bool RuleBook::digest_hit(Question& question, std::size_t regex) const {
  Decision& decision = question.decision;
  if (!question.digest_known) {
    question.digest_known = true;
    question.digest_by_set = index_->digest.match_all(question.statement->digest_text,
                                                      decision.scratch_, decision.digest_hits_);
  }
  if (question.digest_by_set) return has_bit(decision.digest_hits_, regex);
  return RE2::PartialMatch(piece(question.statement->digest_text), index_->digest.at(regex));
}

/// Cheap questions first; `unless` after all of `when`. `by_shape`: only what is the same for all
/// statements of one shape; what is not is taken to fit.
Misfit RuleBook::misfit_of_statement(const Compiled& rule, Question& question, bool& by_unless,
                                     bool by_shape) const {
  const Statement& statement = *question.statement;
  const bool ignore_case = !rule.config().case_sensitive;
  const auto fits = [&](const Conditions& asked, bool wanted) {
    const RuleMatch& match = *asked.match;
    if (asked.kinds != 0 && ((asked.kinds & question.kind) != 0) != wanted) return Misfit::kind;
    if (asked.effects != 0 && ((asked.effects & question.effects) != 0) != wanted)
      return Misfit::effect;
    if (!match.digest.empty() && std::ranges::any_of(match.digest, [&](const RuleDigest& one) {
                                   return one.hash == statement.digest &&
                                          (one.text.empty() || one.text == statement.digest_text);
                                 }) != wanted)
      return Misfit::digest;
    if (!match.table.empty() &&
        names_table(match.table, *statement.what, question.client.schema, ignore_case) != wanted)
      return Misfit::table;
    // Without a comment there is no hint, whatever the text.
    const bool ask_hint = !by_shape || !statement.what->has(Effect::comment);
    if (!match.hint.empty() && ask_hint &&
        std::ranges::any_of(match.hint, [&](const RuleHint& one) {
          return std::ranges::any_of(question.all_hints().all(), [&](const Hint& hint) {
            return matches_pattern(one.key, hint.key, ignore_case) &&
                   matches_pattern(one.value, hint.value, ignore_case);
          });
        }) != wanted)
      return Misfit::hint;
    if (asked.digest_regex != no_regex && digest_hit(question, asked.digest_regex) != wanted)
      return Misfit::match_digest;
    if (asked.text_regex == no_regex) return Misfit::none;
    // All texts of what is prepared, or to be, are the same.
    const bool one_text = statement.prepared ||
                          (statement.shape != nullptr && statement.shape->of == Shape::Of::exact);
    if (by_shape && !one_text)
      return wanted && !may_hit_text(question, asked.text_regex) ? Misfit::match : Misfit::none;
    if (text_hit(question, asked.text_regex) != wanted) return Misfit::match;
    return Misfit::none;
  };
  by_unless = false;
  const Misfit first = fits(rule.when, true);
  if (first != Misfit::none) return first;
  by_unless = true;
  return fits(rule.unless, false);
}

/// All but what a Scope has seen to.
Misfit RuleBook::misfit(const Compiled& rule, Question& question, bool& by_unless) const {
  const RuleConfig& config = rule.config();
  if (rule.asks_time) {
    const WeekMinute now = config.local_time ? local_minute(question.moment.wall)
                                             : minute_at(question.moment.wall, config.utc_offset);
    by_unless = false;
    if (!config.when.time.empty() && !is_within(config.when.time, now.minute)) return Misfit::time;
    if (!config.when.weekday.empty() && !is_one_of(config.when.weekday, now.day))
      return Misfit::weekday;
    by_unless = true;
    if (is_within(config.unless.time, now.minute)) return Misfit::time;
    if (is_one_of(config.unless.weekday, now.day)) return Misfit::weekday;
  }
  if (question.statement != nullptr) {
    const Misfit found = misfit_of_statement(rule, question, by_unless);
    if (found != Misfit::none) return found;
  }
  by_unless = false;
  if (config.percent < 100 && throw_dice(question.moment.dice, rule.rule->number) >= config.percent)
    return Misfit::percent;
  if (config.then.routes() && !find_target(rule, question)) return Misfit::value;
  return Misfit::none;
}

}  // namespace mysqlproxy::rules
