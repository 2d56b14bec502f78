#include "proxy/config/print_rules.hpp"

#include "proxy/config/table_reader.hpp"
#include "proxy/config/units.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace mysqlproxy {
namespace {

using mysqlwire::sql::to_string;

/// The inside of an inline table.
class Inline {
 public:
  void add(std::string_view key, std::string_view value) {
    text_ += fmt::format("{}{} = {}", text_.empty() ? "" : ", ", key, value);
  }
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, quote_value(value));
  }
  void duration(std::string_view key, std::chrono::milliseconds value) {
    if (value.count() != 0) add(key, quote_value(format_duration(value)));
  }
  template <class T, class Function>
  void list(std::string_view key, const std::vector<T>& items, Function as_text) {
    if (items.empty()) return;
    std::string all;
    for (const T& item : items)
      all += fmt::format("{}{}", all.empty() ? "" : ", ", quote_value(as_text(item)));
    add(key, items.size() == 1 ? all : fmt::format("[{}]", all));
  }
  bool empty() const noexcept { return text_.empty(); }
  std::string table() const { return fmt::format("{{ {} }}", text_); }

 private:
  std::string text_;
};

constexpr auto as_is = [](const std::string& text) { return text; };
constexpr auto in_words = [](const auto& value) { return to_string(value); };

std::string number(double value) {
  return value == static_cast<double>(static_cast<int>(value))
             ? fmt::to_string(static_cast<int>(value))
             : fmt::to_string(value);
}

Inline match_of(const RuleMatch& match) {
  Inline out;
  out.list("user", match.user, as_is);
  out.list("schema", match.schema, as_is);
  out.list("client", match.client, [](const HostPattern& one) { return one.text(); });
  out.list("listener", match.listener, as_is);
  out.list("pool", match.pool, as_is);
  out.list("time", match.time, in_words);
  out.list("weekday", match.weekday, in_words);
  out.list("kind", match.kind, in_words);
  out.list("effect", match.effect, in_words);
  out.list("table", match.table, as_is);
  out.list("hint", match.hint, in_words);
  out.list("digest", match.digest, in_words);
  out.text("match", match.match);
  out.text("match_digest", match.match_digest);
  return out;
}

std::string hash_of(const RuleHash& hash) {
  using Of = RuleHash::Of;
  Inline out;
  out.text("pool", hash.pool);
  if (hash.of >= Of::user)
    out.text("of", to_string(hash.of));
  else if (hash.of == Of::column || hash.of == Of::hint)
    out.text(to_string(hash.of), hash.name);
  else
    out.add(to_string(hash.of), fmt::to_string(hash.number));
  return out.table();
}

std::string answer_of(const RuleAnswer& answer) {
  Inline out;
  if (answer.affected_rows != 0) out.add("affected_rows", fmt::to_string(answer.affected_rows));
  if (!answer.columns.empty()) {
    std::string names;
    for (const auto& name : answer.columns)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", quote_value(name));
    out.add("columns", fmt::format("[{}]", names));
    std::string rows;
    for (const auto& row : answer.rows) {
      std::string cells;
      for (const auto& cell : row)
        cells += fmt::format("{}{}", cells.empty() ? "" : ", ",
                             cell ? quote_value(*cell) : std::string("{}"));
      rows += fmt::format("{}[{}]", rows.empty() ? "" : ", ", cells);
    }
    out.add("rows", fmt::format("[{}]", rows));
  }
  return out.empty() ? quote_value("ok") : out.table();
}

Inline action_of(const RuleAction& then) {
  Inline out;
  out.text("pool", then.pool);
  out.text("server", then.server);
  out.text("pool_from_hint", then.pool_from_hint);
  out.text("server_from_hint", then.server_from_hint);
  if (then.hash) out.add("hash", hash_of(*then.hash));
  if (then.rewrite)
    out.add(then.rewrite_all ? "rewrite_all" : "rewrite", quote_value(*then.rewrite));
  if (then.refuse) {
    Inline refusal;
    refusal.add("code", fmt::to_string(then.refuse->code));
    refusal.text("sqlstate", then.refuse->sqlstate);
    refusal.text("text", then.refuse->text);
    out.add("refuse", refusal.table());
  }
  if (then.answer) out.add("answer", answer_of(*then.answer));
  out.duration("delay", then.delay);
  if (then.rate) {
    Inline rate;
    rate.add("per_second", fmt::to_string(then.rate->per_second));
    rate.add("burst", fmt::to_string(then.rate->burst));
    rate.text("by", to_string(then.rate->by));
    rate.duration("wait", then.rate->wait);
    out.add("rate", rate.table());
  }
  if (then.concurrency) {
    Inline limit;
    limit.add("max", fmt::to_string(then.concurrency->max));
    limit.text("by", to_string(then.concurrency->by));
    limit.duration("wait", then.concurrency->wait);
    out.add("concurrency", limit.table());
  }
  out.text("mirror", then.mirror);
  if (then.log) out.add("log", "true");
  return out;
}

}  // namespace

std::string to_toml(const RuleConfig& rule) {
  const RuleConfig standard;
  std::string out = fmt::format("[[rule]]\nname = {}\n", quote_value(rule.name));
  const auto line = [&](std::string_view key, std::string_view value) {
    out += fmt::format("{} = {}\n", key, value);
  };
  if (!rule.enabled) line("enabled", "false");
  if (rule.stage != standard.stage) line("stage", quote_value(to_string(rule.stage)));
  if (const Inline when = match_of(rule.when); !when.empty()) line("when", when.table());
  if (const Inline unless = match_of(rule.unless); !unless.empty()) line("unless", unless.table());
  if (rule.percent < 100) line("percent", number(rule.percent));
  if (rule.case_sensitive) line("case_sensitive", "true");
  if (!rule.local_time) {
    const int minutes = rule.utc_offset < 0 ? -rule.utc_offset : rule.utc_offset;
    line("time_zone", quote_value(fmt::format("{}{:02}:{:02}", rule.utc_offset < 0 ? '-' : '+',
                                              minutes / 60, minutes % 60)));
  }
  if (const Inline then = action_of(rule.then); !then.empty()) line("then", then.table());
  if (rule.stops != rule.then.terminal()) line("continue", rule.stops ? "false" : "true");
  return out;
}

}  // namespace mysqlproxy
