#include "proxy/rules/rule_book.hpp"

#include "proxy/rules/bits.hpp"
#include "proxy/rules/hints.hpp"
#include "proxy/rules/regex.hpp"
#include "proxy/rules/regex_set.hpp"
#include "proxy/rules/rendezvous.hpp"
#include "proxy/rules/shape_memo.hpp"
#include "proxy/rules/text_pattern.hpp"

#include <mysqlwire/sql/literals.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace mysqlproxy::rules {
namespace {

using mysqlwire::sql::Classification;
using mysqlwire::sql::Effect;

constexpr std::size_t no_regex = std::numeric_limits<std::size_t>::max();
constexpr std::uint64_t reads_only_bit = std::uint64_t{1} << 32;

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

bool names_schema(const RuleMatch& match) noexcept {
  return std::ranges::any_of(
      match.table, [](std::string_view pattern) { return pattern.find('.') != pattern.npos; });
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

/// What of `when` or `unless` is asked often.
struct Conditions {
  const RuleMatch* match = nullptr;
  std::uint64_t kinds = 0;  // 0: not asked
  std::uint64_t effects = 0;
  std::size_t text_regex = no_regex;
  std::size_t digest_regex = no_regex;
};

}  // namespace

struct RuleBook::Compiled {
  const Rule* rule = nullptr;
  Conditions when;
  Conditions unless;
  bool asks_time = false;
  const RuleConfig& config() const noexcept { return rule->config(); }
};

struct RuleBook::Index {
  std::vector<Compiled> rules;
  std::vector<std::uint64_t> at_connection;
  std::vector<std::uint64_t> at_statement;
  /// The rules of the stage `statement` that a statement of this kind can match.
  std::array<std::vector<std::uint64_t>, statement_kinds> by_kind;
  RegexSet text;
  RegexSet digest;
};

/// One connection or statement, with what has been found out of it up to now.
struct RuleBook::Question {
  const Client& client;
  const Statement* statement;
  const Moment& moment;
  Decision& decision;

  std::uint64_t kind = 0;
  std::uint64_t effects = 0;
  // What costs something is found out when the first rule asks.
  bool text_known = false;
  bool text_by_set = false;
  bool digest_known = false;
  bool digest_by_set = false;
  bool hints_known = false;
  Hints hints;
  Bits fresh;     ///< the rules that are likely, where that is not remembered
  Bits possible;  ///< the expressions that texts of this shape can match, once one was asked for

  const Hints& all_hints() {
    if (!hints_known && statement != nullptr &&
        statement->what->has(mysqlwire::sql::Effect::comment))
      hints = find_hints(statement->text, statement->dialect);
    hints_known = true;
    return hints;
  }
};

bool has_effect(const Classification& what, RuleEffect effect) noexcept {
  return (effects_of(what) & bit_of(effect)) != 0;
}

std::string refusal_text(const RuleConfig& rule) {
  const std::string& text = rule.then.refuse->text;
  return text.empty() ? fmt::format("Refused by the rule {:?} of the proxy", rule.name) : text;
}

std::string_view to_string(Misfit misfit) noexcept {
  constexpr std::array<std::string_view, 19> words{
      "none",   "disabled", "stage",        "user",    "schema", "client", "listener",
      "pool",   "time",     "weekday",      "kind",    "effect", "table",  "hint",
      "digest", "match",    "match_digest", "percent", "value"};
  return words[static_cast<std::size_t>(misfit)];
}

RuleState::RuleState(const RuleAction& then) {
  if (then.rate) rate = std::make_shared<RateLimit>(*then.rate);
  if (then.concurrency) concurrency = std::make_shared<ConcurrencyLimit>(*then.concurrency);
}

bool Decision::acts() const noexcept {
  return std::ranges::any_of(matched_, [](const Rule* rule) { return rule->config().then.any(); });
}

void Decision::clear() {
  matched_.clear();
  route = nullptr;
  pool = {};
  server = {};
  hash_value.clear();
  hashed = false;
  last_word = nullptr;
  rewritten.reset();
  delay = std::chrono::milliseconds(0);
}

RuleBook::RuleBook(const Config& config, const RuleBook* previous)
    : id_(next_id()), pools_(config.pools) {
  for (const ServerConfig& server : config.servers)
    servers_.emplace_back(server.name, server.weight);
  std::vector<bool> taken(previous == nullptr ? 0 : previous->rules_.size(), false);
  for (const RuleConfig& wanted : config.rules) {
    Rule rule;
    rule.config_ = std::make_shared<const RuleConfig>(wanted);
    rule.number = rules_.size() + 1;
    for (std::size_t i = 0; i < taken.size() && !rule.state_; ++i) {
      if (taken[i] || !(previous->rules_[i].config() == wanted)) continue;
      taken[i] = true;
      rule.state_ = previous->rules_[i].state_;
    }
    if (!rule.state_) rule.state_ = std::make_shared<RuleState>(wanted.then);
    rules_.push_back(std::move(rule));
  }
  const std::size_t words = (rules_.size() + 63) / 64;
  auto index = std::make_unique<Index>();
  index->at_connection.assign(words, 0);
  index->at_statement.assign(words, 0);
  for (auto& bits : index->by_kind) bits.assign(words, 0);
  const auto prepare = [&](const RuleMatch& match, bool case_sensitive) {
    Conditions conditions;
    conditions.match = &match;
    for (const auto kind : match.kind)
      conditions.kinds |= std::uint64_t{1} << static_cast<unsigned>(kind);
    for (const RuleEffect effect : match.effect) conditions.effects |= bit_of(effect);
    if (!match.match.empty()) conditions.text_regex = index->text.add(match.match, case_sensitive);
    if (!match.match_digest.empty())
      conditions.digest_regex = index->digest.add(match.match_digest, case_sensitive);
    return conditions;
  };
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const RuleConfig& rule = rules_[i].config();
    Compiled compiled;
    compiled.rule = &rules_[i];
    compiled.when = prepare(rule.when, rule.case_sensitive);
    compiled.unless = prepare(rule.unless, rule.case_sensitive);
    compiled.asks_time = !rule.when.time.empty() || !rule.when.weekday.empty() ||
                         !rule.unless.time.empty() || !rule.unless.weekday.empty();
    index->rules.push_back(compiled);
    if (!rule.enabled) continue;
    asks_schema_ = asks_schema_ || names_schema(rule.when) || names_schema(rule.unless);
    asks_moment_ = asks_moment_ || compiled.asks_time || rule.percent < 100;
    if (rule.stage == RuleStage::connection) {
      set_bit(index->at_connection, i);
      continue;
    }
    set_bit(index->at_statement, i);
    for (std::size_t kind = 0; kind < statement_kinds; ++kind) {
      const bool wanted = compiled.when.kinds == 0 || (compiled.when.kinds >> kind & 1) != 0;
      if (wanted && (compiled.unless.kinds >> kind & 1) == 0) set_bit(index->by_kind[kind], i);
    }
  }
  index->text.compile();
  index->digest.compile();
  index_ = std::move(index);
}

RuleBook::~RuleBook() = default;

bool RuleBook::empty(RuleStage stage) const noexcept {
  const auto& bits = stage == RuleStage::connection ? index_->at_connection : index_->at_statement;
  return is_empty(bits);
}

bool RuleBook::Scope::nothing() const noexcept { return is_empty(rules_); }

RuleBook::Scope RuleBook::scope(const Client& client) const {
  Scope scope;
  scope.rules_ = index_->at_statement;
  bool by_unless = false;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (has_bit(scope.rules_, i) &&
        misfit_of_connection(index_->rules[i], client, by_unless) != Misfit::none)
      clear_bit(scope.rules_, i);
  }
  scope.id_ = id_of(scope.rules_, client.schema);
  return scope;
}

std::uint64_t RuleBook::id_of(const Bits& rules, std::string_view schema) const {
  std::pair key(rules, std::string(asks_schema_ ? schema : std::string_view()));
  const std::scoped_lock lock(scopes_mutex_);
  const auto known = scope_ids_.find(key);
  if (known != scope_ids_.end()) return known->second;
  if (scope_ids_.size() >= most_scopes) return 0;
  return scope_ids_.emplace(std::move(key), next_id()).first->second;
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

bool RuleBook::find_target(const Compiled& rule, Question& question) const {
  const RuleAction& then = rule.config().then;
  const bool ignore_case = !rule.config().case_sensitive;
  Decision& decision = question.decision;
  std::string_view pool = then.pool;
  std::string_view server = then.server;
  if (!then.pool_from_hint.empty()) {
    const std::string_view name = question.all_hints().find(then.pool_from_hint, ignore_case);
    const auto found = std::ranges::find(pools_, name, &PoolConfig::name);
    if (found == pools_.end()) return false;
    pool = found->name;
  }
  if (!then.server_from_hint.empty()) {
    const std::string_view name = question.all_hints().find(then.server_from_hint, ignore_case);
    const auto found = std::ranges::find(
        servers_, name, [](const auto& one) -> std::string_view { return one.first; });
    if (found == servers_.end()) return false;
    server = found->first;
  }
  if (then.hash) {
    auto value = value_to_hash(*then.hash, rule, question);
    if (!value) return false;
    pool = then.hash->pool;
    decision.hash_value = std::move(*value);
  }
  decision.hashed = then.hash.has_value();
  decision.pool = pool;
  decision.server = server;
  return true;
}

/// The value as text, so that 5, '5' and a bound 5 are the same.
std::optional<std::string> RuleBook::value_to_hash(const RuleHash& hash, const Compiled& rule,
                                                   Question& question) const {
  using Of = RuleHash::Of;
  const Client& client = question.client;
  const Statement* statement = question.statement;
  const auto parameter = [&](std::uint32_t number) {
    return statement->parameter ? statement->parameter(number) : std::nullopt;
  };
  switch (hash.of) {
    case Of::user: return std::string(client.user);
    case Of::client: return std::string(client.host);
    case Of::schema: return std::string(client.schema);
    case Of::parameter: return parameter(hash.number - 1);
    case Of::hint: {
      const auto value = question.all_hints().find(hash.name, !rule.config().case_sensitive);
      return value.empty() ? std::nullopt : std::optional<std::string>(value);
    }
    case Of::group: {
      const RE2& regex = index_->text.at(rule.when.text_regex);
      std::vector<re2::StringPiece> groups(hash.number + 1);
      const re2::StringPiece text = piece(statement->text);
      if (!regex.Match(text, 0, text.size(), RE2::UNANCHORED, groups.data(),
                       static_cast<int>(groups.size())) ||
          groups.back().data() == nullptr)
        return std::nullopt;
      return groups.back().as_string();
    }
    case Of::column: break;
  }
  const auto literal = mysqlwire::sql::value_of(statement->text, statement->dialect, hash.name);
  if (!literal) return std::nullopt;
  if (literal->placeholder != mysqlwire::sql::Literal::no_placeholder)
    return parameter(literal->placeholder);
  return (literal->negative ? "-" : "") + std::string(literal->content());
}

/// Adds a rule that matches to the decision. True when it is the last one.
bool RuleBook::take(const Compiled& rule, Question& question) const {
  Decision& decision = question.decision;
  const RuleAction& then = rule.config().then;
  decision.matched_.push_back(rule.rule);
  decision.delay += then.delay;
  if (then.routes()) decision.route = rule.rule;
  if (then.refuse || then.answer) decision.last_word = rule.rule;
  if (then.rewrite) {
    if (!decision.rewritten) decision.rewritten = std::string(question.statement->text);
    const RE2& regex = index_->text.at(rule.when.text_regex);
    if (then.rewrite_all)
      RE2::GlobalReplace(&*decision.rewritten, regex, *then.rewrite);
    else
      RE2::Replace(&*decision.rewritten, regex, *then.rewrite);
  }
  return rule.config().stops;
}

void RuleBook::at_connection(const Client& client, const Moment& moment, Decision& decision) const {
  decision.clear();
  Question question{client, nullptr, moment, decision};
  bool by_unless = false;
  for (const Compiled& rule : index_->rules) {
    if (!has_bit(index_->at_connection, rule.rule->number - 1)) continue;
    if (misfit_of_connection(rule, client, by_unless) != Misfit::none ||
        misfit(rule, question, by_unless) != Misfit::none)
      continue;
    rule.rule->state().hits.fetch_add(1, std::memory_order_relaxed);
    if (take(rule, question)) return;
  }
}

/// The rules that are not ruled out by the shape of the statement. The same few shapes come all the
/// time, so that is remembered.
const Bits& RuleBook::likely(Question& question) const {
  const Statement& statement = *question.statement;
  if (statement.shape != nullptr && statement.shape->lasts()) {
    Shape::RuleMemo& memo = statement.shape->rules;
    if (memo.book == id_ && memo.schema == question.client.schema) return memo.rules;
    find_likely(question, memo.rules);
    memo.book = id_;
    memo.schema = question.client.schema;
    return memo.rules;
  }
  const ShapeMemo::Key key{id_, statement, question.client.schema, question.effects};
  ShapeMemo::Entry* const entry = ShapeMemo::of_this_thread().find(key);
  if (entry != nullptr && entry->is(key)) return entry->rules;
  Bits& rules = entry != nullptr ? entry->rules : question.fresh;
  find_likely(question, rules);
  if (entry != nullptr) entry->become(key);
  return rules;
}

void RuleBook::find_likely(Question& question, Bits& rules) const {
  rules = index_->by_kind[static_cast<std::size_t>(question.statement->what->kind)];
  bool by_unless = false;
  for (const Compiled& rule : index_->rules) {
    const std::size_t place = rule.rule->number - 1;
    if (has_bit(rules, place) &&
        misfit_of_statement(rule, question, by_unless, true) != Misfit::none)
      clear_bit(rules, place);
  }
}

bool RuleBook::rules_out(const Scope& scope, const Shape& shape,
                         std::string_view schema) const noexcept {
  const Shape::RuleMemo& memo = shape.rules;
  if (memo.book != id_ || memo.schema != schema) return false;
  for (std::size_t word = 0; word < memo.rules.size(); ++word)
    if ((memo.rules[word] & scope.rules_[word]) != 0) return false;
  shape.quiet_scope = scope.id_;
  return true;
}

void RuleBook::at_statement(const Scope& scope, const Client& client, const Statement& statement,
                            const Moment& moment, Decision& decision) const {
  decision.clear();
  Question question{client, &statement, moment, decision};
  const auto kind = static_cast<std::size_t>(statement.what->kind);
  question.kind = std::uint64_t{1} << kind;
  question.effects = effects_of(*statement.what);
  const Bits& rules = likely(question);
  bool by_unless = false;
  for (std::size_t word = 0; word < rules.size(); ++word) {
    for (std::uint64_t bits = rules[word] & scope.rules_[word]; bits != 0; bits &= bits - 1) {
      const Compiled& rule =
          index_->rules[word * 64 + static_cast<std::size_t>(std::countr_zero(bits))];
      // One reading of the text has told of all of them, and most are out by that.
      if (rule.when.text_regex != no_regex && !text_hit(question, rule.when.text_regex)) continue;
      if (misfit(rule, question, by_unless) != Misfit::none) continue;
      rule.rule->state().hits.fetch_add(1, std::memory_order_relaxed);
      if (take(rule, question)) return;
    }
  }
}

std::vector<Verdict> RuleBook::explain(const Client& client, const Statement* statement,
                                       const Moment& moment, Decision& decision) const {
  decision.clear();
  Question question{client, statement, moment, decision};
  if (statement != nullptr) {
    question.kind = std::uint64_t{1} << static_cast<unsigned>(statement->what->kind);
    question.effects = effects_of(*statement->what);
  }
  const RuleStage stage = statement == nullptr ? RuleStage::connection : RuleStage::statement;
  std::vector<Verdict> verdicts;
  bool stopped = false;
  for (const Compiled& rule : index_->rules) {
    Verdict verdict;
    verdict.rule = rule.rule;
    if (!rule.config().enabled) {
      verdict.misfit = Misfit::disabled;
    } else if (rule.config().stage != stage) {
      verdict.misfit = Misfit::stage;
    } else if (stopped) {
      verdict.asked = false;
    } else {
      verdict.misfit = misfit_of_connection(rule, client, verdict.by_unless);
      if (verdict.misfit == Misfit::none)
        verdict.misfit = misfit(rule, question, verdict.by_unless);
      if (verdict.misfit == Misfit::none) stopped = take(rule, question);
    }
    verdicts.push_back(verdict);
  }
  return verdicts;
}

std::vector<std::string> RuleBook::preferred_servers(const Decision& decision) const {
  const auto pool = std::ranges::find(pools_, decision.pool, &PoolConfig::name);
  if (pool == pools_.end()) return {};
  if (!decision.hashed) return pool->servers;
  std::vector<Member> members;
  for (const std::string& name : pool->servers) {
    const auto server =
        std::ranges::find_if(servers_, [&](const auto& one) { return one.first == name; });
    members.push_back({name, server->second});
  }
  std::vector<std::string> servers;
  for (const std::size_t i : rendezvous(decision.hash_value, members))
    servers.push_back(pool->servers[i]);
  return servers;
}

}  // namespace mysqlproxy::rules
