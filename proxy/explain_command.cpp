#include "proxy/explain_command.hpp"

#include "proxy/arguments.hpp"
#include "proxy/config/suggest.hpp"
#include "proxy/guard/guard.hpp"
#include "proxy/rules/explanation.hpp"
#include "proxy/rules/mobility.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

namespace mysqlproxy {
namespace {

constexpr const char* description =
    R"(mysqlproxy explain: what would become of a statement

Nothing is run and nothing but the configuration is read: it says how the statement is
understood, what the guard finds, which rules match, which do not and why, and where it
would go.)";

constexpr const char* footer =
    R"(Exit codes: 0 the statement passes or is answered, 1 it is refused, 2 usage or trouble.)";

CommandLineResult failed(std::string text) {
  CommandLineResult result;
  result.exit = ExitCode::usage;
  result.err = "mysqlproxy: " + std::move(text) + "\n";
  return result;
}

std::string all_of(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems)
    text += (text.empty() ? "" : "\nmysqlproxy: ") + to_string(problem);
  return text;
}

/// "2026-11-20 09:30" in the process's zone.
std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d %H:%M", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  parts.tm_isdst = -1;
  const std::time_t time = std::mktime(&parts);
  return std::chrono::system_clock::from_time_t(time);
}

std::optional<ClientHost> parse_client(const std::string& text) {
  ClientHost host;
  if (text == "localhost") {
    host.unix_socket = true;
    return host;
  }
  const auto network = parse_network(text);
  if (!network || network->prefix != 128) return std::nullopt;
  host.ip = network->address;
  return host;
}

/// "8.0.36", "10.11.6-MariaDB", with whatever follows the three numbers.
std::optional<mysqlwire::sql::Dialect> parse_version(std::string_view text) {
  mysqlwire::sql::Dialect dialect;
  if (text.find("MariaDB") != text.npos) dialect.flavor = mysqlwire::Flavor::mariadb;
  std::uint32_t version = 0;
  for (int part = 0; part < 3; ++part) {
    std::uint32_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc() || number > 99) return std::nullopt;
    version = version * 100 + number;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (part < 2 && !text.starts_with('.')) return std::nullopt;
    if (part < 2) text.remove_prefix(1);
  }
  dialect.version = version;
  return dialect;
}

std::string contradiction(const ExplainCommand& command) {
  if (!parse_client(command.client))
    return fmt::format("--client: expected an address or \"localhost\", found {:?}",
                       command.client);
  if (!parse_version(command.server_version))
    return fmt::format(
        "--server-version: expected one such as \"8.0.36\" or \"10.11.6-MariaDB\", "
        "found {:?}",
        command.server_version);
  if (!command.parameters.empty() && !command.prepared) return "--parameter goes with --prepared";
  return {};
}

/// The account as a login from there finds it.
const UserConfig* account_of(const Config& config, const ExplainCommand& command,
                             const ClientHost& from) {
  const UserConfig* best = nullptr;
  for (const UserConfig& one : config.users) {
    if (one.name != command.user || !one.host.matches(from)) continue;
    if (best == nullptr || (one.host <=> best->host) < 0) best = &one;
  }
  return best;
}

std::string fault_of_names(const Config& config, const ExplainCommand& command,
                           const UserConfig* account) {
  std::vector<std::string> names;
  for (const UserConfig& one : config.users) names.push_back(one.name);
  if (account == nullptr && config.find_user(command.user) != nullptr)
    return fmt::format("the user {:?} may not log in from {}", command.user, command.client);
  if (account == nullptr)
    return fmt::format("there is no user {:?}{}", command.user, did_you_mean(command.user, names));
  names.clear();
  for (const ListenerConfig& one : config.listeners) names.push_back(one.name);
  if (!command.listener.empty() && std::ranges::find(names, command.listener) == names.end())
    return fmt::format("there is no listener {:?}{}", command.listener,
                       did_you_mean(command.listener, names));
  return {};
}

/// The servers that come into question, and how one of them is chosen.
void find_servers(const Config& config, const rules::RuleBook& book,
                  rules::Explanation& explanation) {
  const rules::Decision& statement = explanation.at_statement;
  const bool moves = statement.route != nullptr && explanation.tie.empty();
  const rules::Decision& decision = moves ? statement : explanation.at_connection;
  if (!decision.server.empty()) {
    explanation.servers = {std::string(decision.server)};
    explanation.balance = "named";
    return;
  }
  if (decision.route != nullptr && decision.hashed) {
    explanation.servers = book.preferred_servers(decision);
    explanation.balance = "hash";
    return;
  }
  const PoolConfig* pool =
      config.find_pool(moves ? statement.pool : std::string_view(explanation.session_pool));
  if (pool == nullptr) return;
  explanation.servers = pool->servers;
  explanation.balance = to_string(pool->balance);
}

/// What the guard says of it: of what is prepared it is asked when that is.
GuardFindings ask_guard(const GuardConfig& config, const rules::Explanation& explanation,
                        const mysqlwire::sql::Dialect& dialect) {
  Inspection inspection;
  inspection.command =
      explanation.prepared ? mysqlwire::Command::com_stmt_prepare : mysqlwire::Command::com_query;
  inspection.text = explanation.sql;
  inspection.what = &explanation.analysis.what;
  inspection.digest_text = explanation.analysis.digest.text;
  inspection.digest = explanation.analysis.digest.hash;
  ConnectionFacts facts;
  facts.user = explanation.user;
  facts.schema = explanation.schema;
  const Guard guard(config, config.known ? *config.known : DigestsByUser());
  return guard.of(explanation.user).judge(facts, inspection, dialect);
}

}  // namespace

ExplainCommandLine parse_explain_command(const std::vector<std::string>& arguments) {
  Arguments known(description, "mysqlproxy explain");
  ExplainCommand command;
  std::string time;
  known.footer(footer);
  known.allow_unwanted();
  using enum Arguments::Need;
  known.option("-c,--config", command.config_file, "FILE", "the configuration", required);
  known.option("--sql", command.sql, "TEXT", "the statement", required);
  known.option("--user", command.user, "NAME", "whose it is", required);
  known.option("--db", command.schema, "NAME", "the current schema");
  known.option("--client", command.client, "ADDR",
               "where the client is; localhost for a unix socket (default: 127.0.0.1)");
  known.option("--listener", command.listener, "NAME", "where it came in (default: the first)");
  known.flag("--prepared", command.prepared, "as a prepared statement");
  known.option("--parameter", command.parameters, "VALUE",
               "a parameter's value, in order; repeated");
  known.option("--time", time, "TIME", "when, as \"2026-11-20 09:30\" (default: now)");
  known.option("--server-version", command.server_version, "VERSION",
               "whose reading of the statement counts (default: 8.0.15)");
  known.option("--sql-mode", command.sql_mode, "MODES", "the session's sql_mode");
  known.flag("--json", command.json, "answer in JSON");
  ExplainCommandLine line;
  auto parsed = known.parse(arguments);
  if (parsed.help) {
    line.result.out = std::move(*parsed.help);
    return line;
  }
  if (parsed.fault) {
    line.result = failed(fmt::format("{}\nTry 'mysqlproxy explain --help'.", *parsed.fault));
    return line;
  }
  std::string fault = contradiction(command);
  if (const auto extras = known.unwanted(); !extras.empty())
    fault = fmt::format("unexpected argument {:?}", extras.front());
  if (!time.empty()) {
    command.time = parse_time(time);
    if (!command.time)
      fault = fmt::format("--time: expected one such as \"2026-11-20 09:30\", found {:?}", time);
  }
  if (fault.empty())
    line.command = std::move(command);
  else
    line.result = failed(fault + "\nTry 'mysqlproxy explain --help'.");
  return line;
}

CommandLineResult run_explain_command(const ExplainCommand& command) {
  const LoadResult loaded = load_file(command.config_file);
  if (!loaded.config) return failed(all_of(loaded.errors));
  const Config& config = *loaded.config;
  const ClientHost from = parse_client(command.client).value_or(ClientHost());
  const UserConfig* account = account_of(config, command, from);
  if (auto fault = fault_of_names(config, command, account); !fault.empty())
    return failed(std::move(fault));

  rules::Explanation explanation;
  explanation.user = command.user;
  explanation.host = command.client;
  explanation.schema = command.schema;
  explanation.listener =
      command.listener.empty() ? config.listeners.front().name : command.listener;
  explanation.user_pool = account->pool;
  explanation.session_pool = account->pool;
  explanation.sql = command.sql;
  explanation.prepared = command.prepared;
  const rules::RuleBook book(config);
  rules::Client client{command.user,   command.schema,       from,
                       command.client, explanation.listener, account->pool};
  rules::Moment moment = rules::Moment::now();
  if (command.time) moment.wall = *command.time;
  explanation.connection = book.explain(client, nullptr, moment, explanation.at_connection);
  if (explanation.at_connection.route != nullptr) {
    const rules::Decision& decision = explanation.at_connection;
    explanation.session_pool =
        decision.server.empty() ? std::string(decision.pool) : std::string(account->pool);
    client.pool = explanation.session_pool;
  }

  rules::Statement statement;
  statement.dialect = *parse_version(command.server_version);
  statement.dialect.set_sql_mode(command.sql_mode);
  statement.text = command.sql;
  std::vector<char> digest_text(4 * command.sql.size() + 16);
  explanation.analysis = mysqlwire::sql::analyze(command.sql, statement.dialect, digest_text);
  statement.what = &explanation.analysis.what;
  statement.digest_text = explanation.analysis.digest.text;
  statement.digest = explanation.analysis.digest.hash;
  if (command.prepared)
    statement.parameter = [&](std::uint32_t number) {
      return number < command.parameters.size() ? std::optional(command.parameters[number])
                                                : std::nullopt;
    };
  if (!config.guard.idle())
    explanation.guard = ask_guard(config.guard, explanation, statement.dialect);
  if (explanation.at_connection.last_word == nullptr)
    explanation.statement = book.explain(client, &statement, moment, explanation.at_statement);
  explanation.tie = rules::tie_to_session(explanation.analysis.what);
  if (explanation.tie.empty() && command.prepared) explanation.tie = "prepared";
  find_servers(config, book, explanation);
  CommandLineResult result;
  result.out = command.json
                   ? rules::to_json(explanation)
                             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
                         "\n"
                   : rules::to_text(explanation);
  result.exit =
      static_cast<ExitCode>(explanation.refused() ? ExplainCode::refused : ExplainCode::passes);
  return result;
}

}  // namespace mysqlproxy
