#include "proxy/config/load_rules.hpp"

#include "proxy/config/rule_checks.hpp"
#include "proxy/config/suggest.hpp"
#include "proxy/rules/regex.hpp"
#include "proxy/rules/text_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace mysqlproxy {
namespace {

using namespace std::chrono_literals;
using mysqlwire::sql::to_string;

constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_message = 512;  // of an ERR packet
constexpr std::uint32_t highest_limit = 1'000'000'000;

/// Where the table stands, for messages of a running proxy.
std::string place_of(const Report& report, const toml::source_region& at) {
  return fmt::format("{}:{}:{}", report.file(), at.begin.line, at.begin.column);
}

/// The index in a list of words; an unknown one is reported.
template <class Enum>
void read_words(TableReader& reader, std::string_view key, std::size_t count,
                std::vector<Enum>& out) {
  if (reader.take(key) == nullptr) return;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < count; ++i) words.emplace_back(to_string(static_cast<Enum>(i)));
  const auto texts = reader.texts(key, fmt::format("one of {}", fmt::join(words, ", ")), true);
  for (const Located& text : texts.value_or(std::vector<Located>())) {
    const auto found = std::ranges::find(words, text.text);
    if (found == words.end())
      reader.fault(text.at, key,
                   fmt::format("expected one of {}; found {}{}", fmt::join(words, ", "),
                               shown(text.text), did_you_mean(text.text, words)));
    else
      out.push_back(static_cast<Enum>(found - words.begin()));
  }
}

/// Texts that `parse` makes something of.
template <class T, class Parse>
void read_parsed(TableReader& reader, std::string_view key, std::string_view expected,
                 std::vector<T>& out, Parse parse) {
  if (reader.take(key) == nullptr) return;
  const auto texts = reader.texts(key, expected, true);
  for (const Located& text : texts.value_or(std::vector<Located>())) {
    if (auto value = parse(text.text))
      out.push_back(std::move(*value));
    else
      reader.fault(text.at, key, fmt::format("expected {}, found {}", expected, shown(text.text)));
  }
}

bool is_sqlstate(std::string_view text) noexcept {
  return text.size() == 5 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

}  // namespace

std::vector<RuleConfig> RuleReader::read(TableReader& top) {
  const toml::node* node = top.take("rule");
  if (node == nullptr) return {};
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    top.expected("rule", *node, "tables [[rule]]");
    return {};
  }
  std::size_t number = 0;
  for (const toml::node& element : *list) {
    ++number;
    if (const toml::table* table = element.as_table())
      read_rule(*table, number);
    else
      top.expected("rule", element, "a table [[rule]]");
  }
  // Half a rule asks for less than it is meant to.
  if (report_.clean()) check_rules(rules_, places_, report_);
  return std::move(rules_);
}

void RuleReader::read_rule(const toml::table& table, std::size_t number) {
  RuleConfig rule;
  rule.name = fmt::format("rule {}", number);
  rule.where = place_of(report_, table.source());
  std::string path = fmt::format("rule[{}]", number);
  if (const auto* name = table.get_as<std::string>("name"); name != nullptr && is_bare_key(**name))
    path = fmt::format("rule.{}", **name);
  TableReader reader(table, path, report_);
  if (const auto name = reader.text("name", "a name")) {
    rule.name = name->text;
    if (name->text.empty() || name->text.size() > longest_name ||
        std::ranges::any_of(name->text, [](char c) { return c >= 0 && (c < ' ' || c == 0x7f); }))
      reader.fault(
          name->at, "name",
          fmt::format("a rule's name has 1 to {} bytes and no control characters", longest_name));
    if (std::ranges::find(rules_, name->text, &RuleConfig::name) != rules_.end())
      reader.fault(name->at, "name", fmt::format("{} is another rule's name", shown(name->text)));
  }
  reader.read("enabled", rule.enabled);
  reader.read("stage", rule.stage, {RuleStage::statement, RuleStage::connection});
  reader.read("case_sensitive", rule.case_sensitive);
  read_percent(reader, table, rule);
  read_zone(reader, rule);
  read_match(reader, "when", rule, rule.when);
  read_match(reader, "unless", rule, rule.unless);
  read_action(reader, rule);
  rule.stops = rule.then.terminal();
  const bool says_continue = table.contains("continue");
  bool goes_on = !rule.stops;
  reader.read("continue", goes_on);
  rule.stops = !goes_on;
  for (const std::string_view key : {"user", "schema", "client", "listener", "kind", "effect",
                                     "table", "hint", "digest", "match", "match_digest"})
    reader.hint(key, "what a rule asks for stands in when = { ... } or in unless = { ... }");
  for (const std::string_view key : {"pool", "server", "hash", "rewrite", "refuse", "answer",
                                     "delay", "rate", "concurrency", "mirror", "log"})
    reader.hint(key, "what a rule does stands in then = { ... }");
  reader.reject_unknown();
  check_action(table.source(), path, rule, says_continue);
  rules_.push_back(std::move(rule));
  places_.push_back(table.source());
}

void RuleReader::read_percent(TableReader& reader, const toml::table& table, RuleConfig& rule) {
  const toml::node* node = reader.take("percent");
  if (node == nullptr) return;
  const auto value = table["percent"].value<double>();
  if (!value || !(*value >= 0 && *value <= 100))
    return reader.expected("percent", *node, "a number from 0 to 100");
  rule.percent = *value;
}

void RuleReader::read_zone(TableReader& reader, RuleConfig& rule) {
  const auto zone = reader.text("time_zone", "\"local\", \"UTC\" or \"+02:00\"");
  if (!zone || zone->text == "local") return;
  if (const auto offset = parse_utc_offset(zone->text)) {
    rule.local_time = false;
    rule.utc_offset = *offset;
  } else {
    reader.fault(
        zone->at, "time_zone",
        fmt::format("expected \"local\", \"UTC\" or \"+02:00\", found {}", shown(zone->text)));
  }
}

void RuleReader::read_match(TableReader& parent, std::string_view key, RuleConfig& rule,
                            RuleMatch& match) {
  const toml::node* node = parent.take(key);
  if (node == nullptr) return;
  if (!node->is_table()) return parent.expected(key, *node, fmt::format("{} = {{ ... }}", key));
  TableReader reader(*node->as_table(), fmt::format("{}.{}", parent.path(), key), report_);
  read_names(reader, "user", "user", match.user);
  read_names(reader, "schema", "", match.schema);
  read_names(reader, "listener", "listener", match.listener);
  read_names(reader, "pool", "pool", match.pool);
  read_parsed(reader, "client", "a host such as \"10.0.0.0/8\", \"10.0.%\" or \"localhost\"",
              match.client, [](const std::string& text) { return HostPattern::parse(text); });
  read_parsed(reader, "time", "a time of day such as \"09:00-17:30\"", match.time,
              [](const std::string& text) { return parse_time_window(text); });
  read_words(reader, "weekday", 7, match.weekday);
  read_words(reader, "kind", statement_kinds, match.kind);
  read_words(reader, "effect", rule_effects, match.effect);
  read_names(reader, "table", "", match.table);
  read_parsed(reader, "hint", "a hint such as \"pool=reporting\" or \"pool\"", match.hint,
              [](const std::string& text) { return parse_rule_hint(text); });
  read_parsed(reader, "digest", "16 hex digits or a digest's text", match.digest,
              [](const std::string& text) { return std::optional(parse_rule_digest(text)); });
  read_regex(reader, "match", match.match);
  read_regex(reader, "match_digest", match.match_digest);
  reader.reject_unknown();
  if (rule.stage == RuleStage::connection && match.asks_of_statement())
    report_.error(node->source(),
                  fmt::format("{}: a rule of the stage \"connection\" can't ask for "
                              "what a statement is: there is none yet",
                              reader.path()));
}

/// `what`: "" for names of what the configuration does not have.
void RuleReader::read_names(TableReader& reader, std::string_view key, std::string_view what,
                            std::vector<std::string>& out) {
  if (reader.take(key) == nullptr) return;
  const auto texts = reader.texts(key, "a name, or several; * stands for any bytes", true);
  for (const Located& text : texts.value_or(std::vector<Located>())) {
    if (what == "pool") check_known(reader, key, what, text, pools_);
    if (what == "listener") {
      std::vector<std::string> known;
      for (const ListenerConfig& one : config_.listeners) known.push_back(one.name);
      check_known(reader, key, what, text, known);
    }
    const bool elsewhere = std::ranges::any_of(
        config_.pools, [](const PoolConfig& pool) { return pool.load_users.has_value(); });
    if (what == "user" && !elsewhere) {
      std::vector<std::string> known;
      for (const UserConfig& one : config_.users) known.push_back(one.name);
      check_known(reader, key, what, text, known);
    }
    out.push_back(text.text);
  }
}

void RuleReader::check_known(TableReader& reader, std::string_view key, std::string_view what,
                             const Located& pattern, const std::vector<std::string>& known) {
  const bool there = std::ranges::any_of(known, [&](const std::string& name) {
    return rules::matches_pattern(pattern.text, name, false);
  });
  if (!there)
    reader.fault(pattern.at, key,
                 fmt::format("there is no {} {}{}", what, shown(pattern.text),
                             did_you_mean(pattern.text, known)));
}

void RuleReader::read_regex(TableReader& reader, std::string_view key, std::string& out) {
  const auto text = reader.text(key, "a regular expression");
  if (!text) return;
  const std::string fault = rules::regex_fault(text->text, false);
  if (!fault.empty())
    reader.fault(text->at, key, fmt::format("not a regular expression of RE2: {}", fault));
  else if (text->text.empty())
    reader.fault(text->at, key, "an empty expression matches everything: leave it out");
  else
    out = text->text;
}

void RuleReader::read_action(TableReader& parent, RuleConfig& rule) {
  const toml::node* node = parent.take("then");
  if (node == nullptr) return;
  if (!node->is_table()) return parent.expected("then", *node, "then = { ... }");
  TableReader reader(*node->as_table(), parent.path() + ".then", report_);
  read_targets(reader, rule);
  read_hash(reader, rule);
  read_rewrite(reader, rule);
  read_refusal(reader, rule);
  read_answer(reader, rule);
  reader.read("delay", rule.then.delay, 0ms);
  read_rate(reader, rule);
  read_concurrency(reader, rule);
  rule.then.mirror = target(reader, "mirror", "pool", pools_);
  reader.read("log", rule.then.log);
  reader.reject_unknown();
}

std::string RuleReader::target(TableReader& reader, std::string_view key, std::string_view what,
                               const std::vector<std::string>& known) {
  const auto text = reader.text(key, fmt::format("a {}'s name", what));
  if (!text) return {};
  if (std::ranges::find(known, text->text) == known.end())
    reader.fault(text->at, key,
                 fmt::format("there is no {} {}{}", what, shown(text->text),
                             did_you_mean(text->text, known)));
  if (what == "pool") used_pools_.push_back(text->text);
  return text->text;
}

void RuleReader::read_targets(TableReader& reader, RuleConfig& rule) {
  rule.then.pool = target(reader, "pool", "pool", pools_);
  rule.then.server = target(reader, "server", "server", servers_);
  for (const auto& [key, out] : {std::pair("pool_from_hint", &rule.then.pool_from_hint),
                                 std::pair("server_from_hint", &rule.then.server_from_hint)}) {
    const auto text = reader.text(key, "a hint's key");
    if (!text) continue;
    const auto hint = parse_rule_hint(text->text);
    if (!hint || text->text.find('=') != std::string::npos)
      reader.fault(
          text->at, key,
          fmt::format("expected a hint's key, such as \"pool\", found {}", shown(text->text)));
    else
      *out = text->text;
  }
}

void RuleReader::read_hash(TableReader& reader, RuleConfig& rule) {
  const toml::node* node = reader.take("hash");
  if (node == nullptr) return;
  constexpr std::string_view form = "hash = { pool = \"shards\", column = \"customer_id\" }";
  if (!node->is_table()) return reader.expected("hash", *node, form);
  TableReader inner(*node->as_table(), reader.path() + ".hash", report_);
  RuleHash hash;
  if (node->as_table()->contains("pool"))
    hash.pool = target(inner, "pool", "pool", pools_);
  else
    inner.missing("pool", "a pool's name");
  int sources = 0;
  using Of = RuleHash::Of;
  for (const auto& [key, of] : {std::pair("column", Of::column), std::pair("hint", Of::hint)}) {
    const auto text = inner.text(key, "a name");
    if (!text) continue;
    ++sources;
    hash.of = of;
    hash.name = text->text;
    if (text->text.empty()) inner.fault(text->at, key, "a name is not empty");
  }
  for (const auto& [key, of] :
       {std::pair("parameter", Of::parameter), std::pair("group", Of::group)}) {
    if (!node->as_table()->contains(key)) continue;
    ++sources;
    hash.of = of;
    inner.read(key, hash.number, of == Of::parameter ? 1 : 0, 65'535);
  }
  if (node->as_table()->contains("of")) {
    ++sources;
    hash.of = Of::user;
    inner.read("of", hash.of, {Of::user, Of::client, Of::schema});
  }
  inner.reject_unknown();
  if (sources != 1)
    report_.error(node->source(),
                  fmt::format("{}: expected one of column, parameter, group, hint and of, found {}",
                              inner.path(), sources == 0 ? "none" : "several"));
  if (hash.of == Of::group) {
    if (rule.when.match.empty())
      report_.error(node->source(),
                    fmt::format("{}.group: there is no when.match that it is of", inner.path()));
    else if (const int groups = rules::regex_groups(rule.when.match);
             hash.number > static_cast<std::uint32_t>(groups))
      report_.error(node->source(), fmt::format("{}.group: when.match has {} groups, so there is "
                                                "none of the number {}",
                                                inner.path(), groups, hash.number));
  }
  rule.then.hash = std::move(hash);
}

void RuleReader::read_rewrite(TableReader& reader, RuleConfig& rule) {
  for (const bool all : {false, true}) {
    const std::string_view key = all ? "rewrite_all" : "rewrite";
    const auto text = reader.text(key, "a text, with \\1 for the first group");
    if (!text) continue;
    if (rule.then.rewrite)
      reader.fault(text->at, key, "rewrite is there too: one of the two can be");
    rule.then.rewrite = text->text;
    rule.then.rewrite_all = all;
    if (rule.when.match.empty()) {
      reader.fault(text->at, key, "there is no when.match whose place it could take");
    } else if (const auto fault = rules::replacement_fault(rule.when.match, text->text);
               !fault.empty()) {
      reader.fault(text->at, key, fmt::format("does not fit when.match: {}", fault));
    }
  }
}

void RuleReader::read_refusal_table(TableReader& parent, const toml::table& table,
                                    RuleRefusal& refusal) {
  TableReader reader(table, parent.path() + ".refuse", report_);
  std::uint32_t code = refusal.code;
  reader.read("code", code, 1000, 65'535);
  if (code >= 2000 && code <= 2999)
    reader.fault(table.source(), "code", "numbers from 2000 to 2999 belong to client libraries");
  refusal.code = static_cast<std::uint16_t>(code);
  if (const auto state = reader.text("sqlstate", "5 letters and digits")) {
    refusal.sqlstate = state->text;
    if (!is_sqlstate(state->text) || state->text.starts_with("00"))
      reader.fault(state->at, "sqlstate",
                   fmt::format("expected 5 digits and capital letters such as \"42000\", found {}",
                               shown(state->text)));
  }
  if (const auto text = reader.text("text", "a text")) refusal.text = text->text;
  reader.reject_unknown();
}

void RuleReader::read_refusal(TableReader& reader, RuleConfig& rule) {
  const toml::node* node = reader.take("refuse");
  if (node == nullptr) return;
  RuleRefusal refusal;
  if (rule.stage == RuleStage::connection) refusal = {1045, "28000", ""};
  const auto* yes = node->as_boolean();
  if (const auto* bare = node->as_string())
    refusal.text = bare->get();
  else if (const toml::table* table = node->as_table())
    read_refusal_table(reader, *table, refusal);
  else if (yes == nullptr || !yes->get())
    return reader.expected(
        "refuse", *node, "true, a text, or { code = 1148, sqlstate = \"42000\", text = \"...\" }");
  if (refusal.text.size() > longest_message)
    reader.fault(node->source(), "refuse",
                 fmt::format("an error's text has {} bytes at most", longest_message));
  rule.then.refuse = std::move(refusal);
}

void RuleReader::read_answer(TableReader& reader, RuleConfig& rule) {
  const toml::node* node = reader.take("answer");
  if (node == nullptr) return;
  RuleAnswer answer;
  const auto* word = node->as_string();
  if (const toml::table* table = node->as_table()) {
    TableReader inner(*table, reader.path() + ".answer", report_);
    inner.read("affected_rows", answer.affected_rows, 0, 4'294'967'295);
    if (inner.take("columns") != nullptr) {
      const auto names = inner.texts("columns", "names of columns", false);
      for (const Located& name : names.value_or(std::vector<Located>()))
        answer.columns.push_back(name.text);
      if (table->contains("affected_rows"))
        inner.fault(node->source(), "affected_rows", "belongs to OK, not to columns and rows");
    }
    read_rows(inner, *table, answer);
    inner.reject_unknown();
  } else if (word == nullptr || word->get() != "ok") {
    return reader.expected("answer", *node,
                           "\"ok\", { affected_rows = 1 } or { columns = [...], rows = [[...]] }");
  }
  rule.then.answer = std::move(answer);
}

void RuleReader::read_rows(TableReader& reader, const toml::table& table, RuleAnswer& answer) {
  const toml::node* node = reader.take("rows");
  if (node == nullptr) return;
  const toml::array* rows = node->as_array();
  if (rows == nullptr) return reader.expected("rows", *node, "a list of rows [[...], [...]]");
  if (!table.contains("columns"))
    return reader.missing("columns", "the names of the rows' columns");
  for (const toml::node& element : *rows) {
    const toml::array* cells = element.as_array();
    if (cells == nullptr || cells->size() != answer.columns.size())
      return reader.expected("rows", element,
                             fmt::format("a row of {} values", answer.columns.size()));
    auto& row = answer.rows.emplace_back();
    for (const toml::node& cell : *cells) {
      if (const auto* text = cell.as_string())
        row.emplace_back(text->get());
      else if (const auto* number = cell.as_integer())
        row.emplace_back(fmt::to_string(number->get()));
      else if (const auto* real = cell.as_floating_point())
        row.emplace_back(fmt::to_string(real->get()));
      else if (const auto* truth = cell.as_boolean())
        row.emplace_back(truth->get() ? "1" : "0");
      else if (const toml::table* empty = cell.as_table(); empty != nullptr && empty->empty())
        row.emplace_back(std::nullopt);
      else
        reader.expected("rows", cell, "a text, a number, true, false, or {} for NULL");
    }
  }
}

void RuleReader::read_rate(TableReader& reader, RuleConfig& rule) {
  const toml::node* node = reader.take("rate");
  if (node == nullptr) return;
  if (!node->is_table()) return reader.expected("rate", *node, "rate = { per_second = 100 }");
  TableReader inner(*node->as_table(), reader.path() + ".rate", report_);
  RuleRate rate;
  if (!node->as_table()->contains("per_second")) inner.missing("per_second", "a number");
  inner.read("per_second", rate.per_second, 1, highest_limit);
  rate.burst = rate.per_second;
  inner.read("burst", rate.burst, 1, highest_limit);
  inner.read("by", rate.by, {LimitBy::rule, LimitBy::user, LimitBy::client});
  inner.read("wait", rate.wait, 0ms);
  inner.reject_unknown();
  rule.then.rate = rate;
}

void RuleReader::read_concurrency(TableReader& reader, RuleConfig& rule) {
  const toml::node* node = reader.take("concurrency");
  if (node == nullptr) return;
  if (!node->is_table()) return reader.expected("concurrency", *node, "concurrency = { max = 10 }");
  TableReader inner(*node->as_table(), reader.path() + ".concurrency", report_);
  RuleConcurrency limit;
  if (!node->as_table()->contains("max")) inner.missing("max", "a number");
  inner.read("max", limit.max, 1, highest_limit);
  inner.read("by", limit.by, {LimitBy::rule, LimitBy::user, LimitBy::client});
  inner.read("wait", limit.wait, 0ms);
  inner.reject_unknown();
  rule.then.concurrency = limit;
}

/// Actions that contradict each other, or the stage, and rules without any.
void RuleReader::check_action(const toml::source_region& at, std::string_view path,
                              const RuleConfig& rule, bool says_continue) {
  const RuleAction& then = rule.then;
  const auto fault = [&](std::string_view text) {
    report_.error(at, fmt::format("{}: {}", path, text));
  };
  if (!then.any() && !(says_continue && rule.stops))
    fault(
        "does nothing: it needs then = { ... }, or continue = false to keep the rules behind it "
        "from what it matches");
  std::vector<std::string_view> ends;
  if (!then.pool.empty()) ends.push_back("pool");
  if (!then.server.empty()) ends.push_back("server");
  if (!then.pool_from_hint.empty()) ends.push_back("pool_from_hint");
  if (!then.server_from_hint.empty()) ends.push_back("server_from_hint");
  if (then.hash) ends.push_back("hash");
  if (then.refuse) ends.push_back("refuse");
  if (then.answer) ends.push_back("answer");
  if (ends.size() > 1) fault(fmt::format("{} exclude each other", fmt::join(ends, " and ")));
  if ((then.refuse || then.answer) && !rule.stops)
    fault("continue = true has no meaning behind a refusal or an answer");
  if ((then.refuse || then.answer) && (then.rewrite || !then.mirror.empty()))
    fault("what is refused or answered is neither rewritten nor mirrored");
  if (rule.stage != RuleStage::connection) return;
  if (then.answer || then.rewrite || !then.mirror.empty() || !then.pool_from_hint.empty() ||
      !then.server_from_hint.empty())
    fault(
        "answer, rewrite, mirror and hints need a statement, and there is none yet at the stage "
        "\"connection\"");
  if (then.hash && then.hash->of < RuleHash::Of::user)
    fault(
        "at the stage \"connection\" there is nothing to hash but { of = \"user\", \"client\" or "
        "\"schema\" }");
}

}  // namespace mysqlproxy
