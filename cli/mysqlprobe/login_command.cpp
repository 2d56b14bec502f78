// login: step by step, and who one is afterwards.
#include "cli/mysqlprobe/commands.hpp"
#include "cli/mysqlprobe/product.hpp"
#include "cli/mysqlprobe/query.hpp"

#include <mysqlwire/compress/algorithm.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

class WhoAmI {
 public:
  WhoAmI(Login& login, Report& report) : login_(login), report_(report) {}

  void run(bool with_grants) {
    ask_identity();
    ask_tls();
    if (with_grants) ask_grants();
    login_.mark("whoami", report_.found.value("current_user", std::string()));
  }

 private:
  QueryResult query(std::string_view sql) {
    return ask(login_.connection(), login_.context(), sql);
  }

  void add(const char* head, const std::string& text) {
    report_.lines.push_back(fmt::format("{:<14}{}", head, text.empty() ? "-" : text));
  }

  void ask_identity() {
    const QueryResult who = query("SELECT CURRENT_USER(), USER(), DATABASE(), CONNECTION_ID()");
    // The login may be of use for setting a new password only.
    if (who.error) {
      Failure failure = *who.error;
      failure.step = "whoami";
      throw ProbeError{failure};
    }
    Json& found = report_.found;
    found["current_user"] = who.cell(0);
    found["user"] = who.cell(1);
    found["database"] = who.rows.empty() || !who.rows[0][2] ? Json(nullptr) : Json(who.cell(2));
    found["connection_id"] = login_.machine().handshake().greeting().connection_id;
    add("current user", fmt::format("{}  (as {})", who.cell(0), who.cell(1)));
    add("schema", who.cell(2));

    const QueryResult server =
        query("SELECT @@version, @@version_comment, @@hostname, @@read_only");
    if (server.error) return;
    found["full_version"] = server.cell(0);
    found["version_comment"] = server.cell(1);
    found["hostname"] = server.cell(2);
    // MariaDB 11.8 and later say NO_LOCK … in words.
    found["read_only"] = !(server.cell(3) == "0" || server.cell(3) == "OFF");
    add("server", fmt::format("{} ({}) on {}{}", server.cell(0), server.cell(1), server.cell(2),
                              found["read_only"].get<bool>() ? ", read-only" : ""));
  }

  void ask_tls() {
    Json& found = report_.found;
    const TlsClient* tls = login_.connection().tls();
    found["tls"] = tls != nullptr;
    found["tls_version"] = tls == nullptr ? Json(nullptr) : Json(tls->version());
    found["tls_cipher"] = tls == nullptr ? Json(nullptr) : Json(tls->cipher());
    const QueryResult status = query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
    const std::string cipher = status.error ? std::string() : status.value_of("Ssl_cipher");
    found["server_tls_cipher"] = cipher.empty() ? Json(nullptr) : Json(cipher);
    add("TLS", tls == nullptr ? "none" : tls->version() + " " + tls->cipher());
    if ((tls != nullptr) != !cipher.empty() && !status.error)
      add("", tls != nullptr ? "not as far as the server: a proxy in between ends it"
                             : "the server has TLS (" + cipher + "): from a proxy in between");
  }

  void ask_grants() {
    const QueryResult grants = query("SHOW GRANTS");
    report_.found["grants"] = Json::array();
    for (const QueryResult::Row& row : grants.rows) {
      if (row.empty() || !row[0]) continue;
      std::string grant = *row[0];
      // MariaDB shows the hash.
      for (const std::string_view mark : {" IDENTIFIED BY ", " IDENTIFIED VIA "})
        if (const std::size_t at = grant.find(mark); at != std::string::npos) grant.resize(at);
      report_.found["grants"].push_back(grant);
      add(report_.found["grants"].size() == 1 ? "grants" : "", grant);
    }
  }

  Login& login_;
  Report& report_;
};

void describe(Login& login, Report& report) {
  const LoginFacts& facts = login.facts();
  const ServerGreeting& greeting = login.machine().handshake().greeting();
  const Product product = detect_product(greeting.server_version, facts.flavor);
  Json& found = report.found;
  found["product"] = product.name;
  found["version"] = product.version;
  found["server_version"] = greeting.server_version;
  found["plugin"] = facts.plugin;
  found["switched"] = facts.switches != 0;
  found["fast_auth"] = facts.plugin == "caching_sha2_password" ? Json(facts.fast) : Json(nullptr);
  found["full_auth"] = facts.full;
  const auto algorithm = compress::agreed_algorithm(login.machine().handshake().capabilities());
  found["compression"] = !algorithm                                ? Json(nullptr)
                         : *algorithm == compress::Algorithm::zlib ? Json("zlib")
                                                                   : Json("zstd");
  found["capabilities"] = Json::array();
  for (const Capability each : all_capabilities())
    if (login.context().capabilities.has(each))
      found["capabilities"].push_back(std::string(to_string(each)));
  report.summary = fmt::format("logged in to {} {} as '{}' by {}", product.name, product.version,
                               facts.user, facts.plugin);
}

}  // namespace

Report log_in(const Target& target, const Options& options) {
  Report report;
  Recorder recorder(options.recorder);
  LoginSettings settings = settings_for(target, options);
  settings.connection.recorder = &recorder;
  {
    Login login(target, settings);
    if (run_login(login, report)) {
      describe(login, report);
      try {
        WhoAmI(login, report).run(options.grants);
        report.step = "whoami";
        report.steps = login.steps();
        login.connection().quit();
      } catch (const ProbeError& error) {
        Failure failure = error.failure;
        if (failure.step.empty()) failure.step = "whoami";
        report.summary.clear();
        report.fail(failure, login.facts());
      }
    }
  }
  double total = 0;
  for (const Step& step : report.steps) total += step.ms;
  report.found["total_ms"] = total;
  report.performance = {fmt::format("time={:.3f}ms", total)};
  report.trace = recorder.text();
  if (!options.write.empty()) recorder.write(options.write);
  return report;
}

}  // namespace mysqlprobe
