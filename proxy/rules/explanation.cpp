#include "proxy/rules/explanation.hpp"

#include "proxy/config/units.hpp"

#include <fmt/format.h>

namespace mysqlproxy::rules {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view nothing_to_hash = "has no value to hash, or the hint names nothing";

std::string verdict_text(const Verdict& verdict) {
  if (!verdict.asked) return "not asked: a rule in front of it stopped";
  switch (verdict.misfit) {
    case Misfit::none: return "matches: " + describe_action(verdict.rule->config().then);
    case Misfit::disabled: return "is not enabled";
    case Misfit::stage: return "is of the other stage";
    case Misfit::percent: return "does not match: percent";
    case Misfit::value: return fmt::format("does not match: {}", nothing_to_hash);
    default: break;
  }
  return fmt::format("does not match: {}.{}", verdict.by_unless ? "unless" : "when",
                     to_string(verdict.misfit));
}

std::string table_text(const mysqlwire::sql::TableName& table) {
  return table.schema.empty() ? std::string(table.name)
                              : fmt::format("{}.{}", table.schema, table.name);
}

std::vector<std::string> tables_of(const mysqlwire::sql::Classification& what) {
  std::vector<std::string> tables;
  for (const auto& table : what.tables()) tables.push_back(table_text(table));
  if (what.more_tables) tables.emplace_back("…");
  return tables;
}

void print_verdicts(std::string& out, std::string_view title, const std::vector<Verdict>& all) {
  bool any = false;
  for (const Verdict& verdict : all) {
    if (verdict.misfit == Misfit::stage) continue;
    if (!any) out += fmt::format("\n{}\n", title);
    any = true;
    const RuleConfig& rule = verdict.rule->config();
    const bool hit = verdict.asked && verdict.misfit == Misfit::none;
    out += fmt::format("  {} {} ({}): {}\n", hit ? '+' : '-', rule.name, rule.where,
                       verdict_text(verdict));
  }
}

std::vector<std::string_view> names_of(GuardChecks checks) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < guard_checks; ++i) {
    const auto check = static_cast<GuardCheck>(i);
    if (checks.has(check)) names.push_back(to_string(check));
  }
  return names;
}

void print_guard(std::string& out, const std::optional<GuardFindings>& guard) {
  if (!guard) return;
  out += "\nguard\n";
  if (!guard->refused.empty())
    out += fmt::format("  refuses: {}\n", fmt::join(names_of(guard->refused), ", "));
  if (!guard->observed.empty())
    out += fmt::format("  notes: {}\n", fmt::join(names_of(guard->observed), ", "));
  if (guard->is_new || !guard->new_inside.empty()) out += "  learns a digest\n";
  if (guard->clean()) out += "  finds nothing\n";
}

/// What becomes of it, a line for each thing.
std::vector<std::string> outcome(const Explanation& one) {
  std::vector<std::string> lines;
  const auto refuse = [&](const Rule& rule) {
    const RuleRefusal& refusal = *rule.config().then.refuse;
    lines.push_back(fmt::format("refused with {} ({}): {}", refusal.code, refusal.sqlstate,
                                refusal_text(rule.config())));
  };
  if (one.at_connection.last_word != nullptr) {
    refuse(*one.at_connection.last_word);
    return lines;
  }
  if (one.guard && !one.guard->refused.empty()) {
    const Refusal refusal = refusal_of(one.guard->refused, "…");
    lines.push_back(
        fmt::format("refused with {} ({}): {}", refusal.code, refusal.sqlstate, refusal.message));
    return lines;
  }
  const Decision& decision = one.at_statement;
  if (decision.delay.count() != 0)
    lines.push_back(fmt::format("waits {}", format_duration(decision.delay)));
  for (const Rule* rule : decision.matched()) {
    const RuleAction& then = rule->config().then;
    if (then.rate)
      lines.push_back(fmt::format("counts against the rate of {}", rule->config().name));
    if (then.concurrency)
      lines.push_back(fmt::format("counts against the concurrency of {}", rule->config().name));
  }
  if (decision.last_word != nullptr) {
    if (decision.last_word->config().then.refuse)
      refuse(*decision.last_word);
    else
      lines.push_back(
          fmt::format("answered by the proxy, by {}", decision.last_word->config().name));
    return lines;
  }
  if (decision.rewritten) lines.push_back(fmt::format("rewritten: {}", *decision.rewritten));
  for (const Rule* rule : decision.matched()) {
    if (!rule->config().then.mirror.empty())
      lines.push_back(fmt::format("mirrored to pool {}", rule->config().then.mirror));
  }
  std::string where = "stays with its session";
  if (decision.route != nullptr) {
    where = decision.server.empty() ? fmt::format("pool {}", decision.pool)
                                    : fmt::format("server {}", decision.server);
    where += fmt::format(", by {}", decision.route->config().name);
    if (!one.tie.empty())
      where = fmt::format("stays with its session, though {} says {}: it needs it ({})",
                          decision.route->config().name, where, one.tie);
  }
  lines.push_back(std::move(where));
  return lines;
}

ordered_json verdicts_json(const std::vector<Verdict>& all) {
  ordered_json list = ordered_json::array();
  for (const Verdict& verdict : all) {
    if (verdict.misfit == Misfit::stage) continue;
    const RuleConfig& rule = verdict.rule->config();
    ordered_json one{{"rule", rule.name},
                     {"where", rule.where},
                     {"matches", verdict.asked && verdict.misfit == Misfit::none}};
    if (!verdict.asked)
      one["why"] = "stopped";
    else if (verdict.misfit != Misfit::none)
      one["why"] = to_string(verdict.misfit);
    if (verdict.by_unless) one["unless"] = true;
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

bool Explanation::refused() const noexcept {
  return (at_connection.last_word != nullptr) || (guard && !guard->refused.empty()) ||
         (at_statement.last_word != nullptr && at_statement.last_word->config().then.refuse);
}

std::vector<std::string> effects_of(const mysqlwire::sql::Classification& what) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rule_effects; ++i) {
    const auto effect = static_cast<RuleEffect>(i);
    if (has_effect(what, effect)) names.emplace_back(to_string(effect));
  }
  return names;
}

std::string describe_action(const RuleAction& then) {
  std::vector<std::string> parts;
  const auto named = [&](std::string_view what, const std::string& name) {
    if (!name.empty()) parts.push_back(fmt::format("{} {}", what, name));
  };
  named("pool", then.pool);
  named("server", then.server);
  named("pool of the hint", then.pool_from_hint);
  named("server of the hint", then.server_from_hint);
  if (then.hash) parts.push_back(fmt::format("hash over pool {}", then.hash->pool));
  if (then.rewrite) parts.emplace_back("rewrite");
  if (then.refuse) parts.push_back(fmt::format("refuse with {}", then.refuse->code));
  if (then.answer) parts.emplace_back("answer");
  if (then.delay.count() != 0)
    parts.push_back(fmt::format("delay {}", format_duration(then.delay)));
  if (then.rate) parts.push_back(fmt::format("rate {} a second", then.rate->per_second));
  if (then.concurrency) parts.push_back(fmt::format("{} at once", then.concurrency->max));
  named("mirror to pool", then.mirror);
  if (then.log) parts.emplace_back("log");
  if (parts.empty()) parts.emplace_back("stop");
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string to_text(const Explanation& one) {
  const auto& what = one.analysis.what;
  std::string out;
  const auto line = [&](std::string_view key, std::string_view value) {
    out += fmt::format("{:<10} {}\n", key, value);
  };
  line("client", fmt::format("{} from {} by listener {}", one.user, one.host, one.listener));
  line("schema", one.schema.empty() ? "(none)" : one.schema);
  line("pool", one.session_pool);
  line("statement", to_string(what.kind));
  line("effects", fmt::format("{}", fmt::join(effects_of(what), ", ")));
  line("tables", fmt::format("{}", fmt::join(tables_of(what), ", ")));
  line("digest", fmt::format("{:016x}", one.analysis.digest.hash));
  line("", one.analysis.digest.text);
  print_verdicts(out, "rules of the connection", one.connection);
  print_guard(out, one.guard);
  print_verdicts(out, "rules of the statement", one.statement);
  out += "\nresult\n";
  for (const std::string& text : outcome(one)) out += fmt::format("  {}\n", text);
  if (!one.refused() && !one.servers.empty())
    out += fmt::format("  servers: {} ({})\n", fmt::join(one.servers, ", "), one.balance);
  return out;
}

ordered_json to_json(const Explanation& one) {
  const auto& what = one.analysis.what;
  ordered_json json{{"client",
                     {{"user", one.user},
                      {"host", one.host},
                      {"listener", one.listener},
                      {"schema", one.schema},
                      {"pool", one.session_pool}}},
                    {"statement",
                     {{"kind", to_string(what.kind)},
                      {"effects", effects_of(what)},
                      {"tables", tables_of(what)},
                      {"digest", fmt::format("{:016x}", one.analysis.digest.hash)},
                      {"digest_text", one.analysis.digest.text},
                      {"prepared", one.prepared}}},
                    {"connection_rules", verdicts_json(one.connection)},
                    {"statement_rules", verdicts_json(one.statement)}};
  if (one.guard)
    json["guard"] = {{"refused", names_of(one.guard->refused)},
                     {"observed", names_of(one.guard->observed)}};
  ordered_json result{{"refused", one.refused()}, {"outcome", outcome(one)}};
  const Decision& decision = one.at_statement;
  if (decision.route != nullptr) result["rule"] = decision.route->config().name;
  if (!decision.pool.empty()) result["pool"] = decision.pool;
  if (!decision.server.empty()) result["server"] = decision.server;
  if (decision.hashed) result["hashed"] = decision.hash_value;
  if (decision.rewritten) result["rewritten"] = *decision.rewritten;
  if (!one.tie.empty()) result["tied_by"] = one.tie;
  if (!one.refused()) {
    result["servers"] = one.servers;
    result["balance"] = one.balance;
  }
  json["result"] = std::move(result);
  return json;
}

}  // namespace mysqlproxy::rules
