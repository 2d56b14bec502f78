// matrix: every way to log in that the server might take.
#include "cli/mysqlprobe/commands.hpp"
#include "cli/mysqlprobe/product.hpp"
#include "cli/mysqlprobe/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

struct ProtocolOption {
  const char* name;
  const char* what;
  Capabilities add;
  Capabilities remove;
  bool for_mariadb;
};

const std::vector<ProtocolOption>& protocol_options() {
  static const std::vector<ProtocolOption> list{
      {"usual", "what mysqlprobe uses", {}, {}, false},
      {"eof", "EOF packets (no DEPRECATE_EOF)", {}, Capability::deprecate_eof, false},
      {"no-track", "no SESSION_TRACK", {}, Capability::session_track, false},
      {"no-plugin",
       "no PLUGIN_AUTH",
       {},
       {Capability::plugin_auth, Capability::plugin_auth_lenenc_client_data,
        Capability::connect_attrs},
       false},
      {"short-auth",
       "no PLUGIN_AUTH_LENENC_CLIENT_DATA",
       {},
       Capability::plugin_auth_lenenc_client_data,
       false},
      {"metadata",
       "OPTIONAL_RESULTSET_METADATA",
       Capability::optional_resultset_metadata,
       {},
       false},
      {"attributes", "QUERY_ATTRIBUTES", Capability::query_attributes, {}, false},
      {"mariadb",
       "MariaDB's own capabilities",
       {Capability::mariadb_extended_metadata, Capability::mariadb_cache_metadata,
        Capability::mariadb_progress},
       Capability::long_password,
       true},
  };
  return list;
}

/// One way to log in, and how it went.
struct Cell {
  std::string plugin;
  bool tls = false;
  std::string compression;
  const ProtocolOption* option = nullptr;
  bool ok = false;
  std::string used;  ///< the plugin that it ended with
  Failure failure;
  double ms = 0;

  std::string text() const {
    if (ok) return "ok";
    if (failure.kind == FailureKind::err_packet) return std::to_string(failure.code);
    switch (failure.kind) {
      case FailureKind::withheld: return "withheld";
      case FailureKind::plugin: return "plugin";
      case FailureKind::timed_out: return "timeout";
      case FailureKind::lost: return "closed";
      case FailureKind::tls_failed:
      case FailureKind::certificate: return "tls";
      default: return "broken";
    }
  }
};

class Matrix {
 public:
  Matrix(const Target& target, const Options& options, Report& report)
      : target_(target), report_(report), base_(settings_for(target, options)) {}

  void run() {
    if (!look()) return;
    for (const bool tls : tls_)  // first without: a login by TLS fills the server's cache
      for (const std::string& plugin : plugins_)
        for (const std::string& compression : compressions_)
          for (const ProtocolOption& option : protocol_options()) {
            if (interrupted()) return;
            if (option.for_mariadb && flavor_ != Flavor::mariadb) continue;
            if (!(option.add & offered_).empty() || option.add.empty())
              cells_.push_back(attempt(plugin, tls, compression, option));
          }
    tell();
  }

 private:
  LoginSettings settings(const std::string& plugin, bool tls, const std::string& compression,
                         const ProtocolOption& option) const {
    LoginSettings settings = base_;
    settings.plan.plugin = plugin;
    settings.plan.compress_zlib = compression == "zlib";
    settings.plan.compress_zstd = compression == "zstd";
    settings.plan.add.set(option.add & offered_);
    settings.plan.remove.set(option.remove);
    TlsMode& mode = settings.connection.tls.mode;
    if (!tls)
      mode = TlsMode::disabled;
    else if (mode == TlsMode::disabled || mode == TlsMode::preferred)
      mode = TlsMode::required;
    return settings;
  }

  // The usual login says what is on offer. When the server refuses it there is no use in a hundred
  // more.
  bool look() {
    // Without TLS where that is left open: one by TLS would fill the server's cache, and hide what
    // happens when it is cold.
    LoginSettings usual = base_;
    if (usual.connection.tls.mode == TlsMode::preferred)
      usual.connection.tls.mode = TlsMode::disabled;
    Login login(target_, usual);
    const bool good = run_login(login, report_);
    const ServerGreeting& greeting = login.machine().handshake().greeting();
    if (!good) {
      const bool by_route = report_.failure->kind == FailureKind::withheld ||
                            report_.failure->kind == FailureKind::tls_failed ||
                            report_.failure->kind == FailureKind::certificate;
      if (!by_route) return false;
      report_.failure.reset();
      report_.causes.clear();
      report_.exit = ExitCode::good;
    } else {
      login.connection().quit();
    }
    report_.steps.clear();
    offered_ = greeting.capabilities;
    flavor_ = greeting.flavor();
    tls_ = {false};
    if (offered_.has(Capability::ssl)) tls_.push_back(true);
    if (offered_.has(Capability::compress)) compressions_.push_back("zlib");
    if (offered_.has(Capability::zstd_compression_algorithm)) compressions_.push_back("zstd");
    plugins_ = {"mysql_native_password", "caching_sha2_password", "sha256_password"};
    if (flavor_ == Flavor::mariadb)
      plugins_ = {"mysql_native_password", "client_ed25519", "parsec"};
    if (std::find(plugins_.begin(), plugins_.end(), greeting.auth_plugin) == plugins_.end() &&
        !greeting.auth_plugin.empty())
      plugins_.push_back(greeting.auth_plugin);
    if (!base_.plan.plugin.empty()) plugins_ = {base_.plan.plugin};
    const Product product = detect_product(greeting.server_version, flavor_);
    report_.summary = product.name + " " + product.version;
    return true;
  }

  Cell attempt(const std::string& plugin, bool tls, const std::string& compression,
               const ProtocolOption& option) {
    Cell cell{plugin, tls, compression, &option, false, "", {}, 0};
    const LoginSettings how = settings(plugin, tls, compression, option);
    Login login(target_, how);
    const Clock::time_point begin = Clock::now();
    try {
      login.run();
      const QueryResult answer = ask(login.connection(), login.context(), "SELECT 1");
      cell.ok = !answer.error && answer.cell(0) == "1";
      if (answer.error) cell.failure = *answer.error;
      login.connection().quit();
    } catch (const ProbeError& error) {
      cell.failure = error.failure;
    }
    cell.used = login.facts().plugin;
    cell.ms = to_ms(Clock::now() - begin);
    return cell;
  }

  void tell() {
    std::vector<const ProtocolOption*> columns;
    for (const Cell& cell : cells_)
      if (std::find(columns.begin(), columns.end(), cell.option) == columns.end())
        columns.push_back(cell.option);
    std::string head = fmt::format("{:<24}{:<6}{:<7}", "plugin begun with", "TLS", "compr.");
    for (const ProtocolOption* each : columns) head += fmt::format("{:<12}", each->name);
    end_row(head);
    report_.found["cells"] = Json::array();
    std::map<std::string, std::string> errors;
    std::string row, key;
    std::size_t working = 0;
    for (const Cell& cell : cells_) {
      const std::string name = fmt::format("{:<24}{:<6}{:<7}", cell.plugin, cell.tls ? "yes" : "no",
                                           cell.compression.empty() ? "none" : cell.compression);
      if (name != key) {
        end_row(row);
        row = key = name;
      }
      row += fmt::format("{:<12}", cell.text());
      working += cell.ok ? 1 : 0;
      if (!cell.ok) errors[cell.text()] = cell.failure.message;
      report_.found["cells"].push_back(
          {{"plugin", cell.plugin},
           {"tls", cell.tls},
           {"compression", cell.compression.empty() ? Json(nullptr) : Json(cell.compression)},
           {"option", cell.option->name},
           {"ok", cell.ok},
           {"used_plugin", cell.used},
           {"error", cell.ok ? Json(nullptr) : Json(cell.failure.code)},
           {"message", cell.ok ? Json(nullptr) : Json(cell.failure.message)},
           {"ms", cell.ms}});
    }
    end_row(row);
    for (const auto& [word, message] : errors)
      report_.lines.push_back(fmt::format("{:<10}{}", word, message));
    for (const ProtocolOption* each : columns)
      report_.lines.push_back(fmt::format("{:<12}{}", each->name, each->what));
    report_.found["tried"] = cells_.size();
    report_.found["working"] = working;
    report_.summary += fmt::format(": {} of {} ways to log in work", working, cells_.size());
    report_.step = "matrix";
    if (working == 0) report_.raise(ExitCode::refused);
  }

  void end_row(std::string row) {
    while (row.ends_with(' ')) row.pop_back();
    if (!row.empty()) report_.lines.push_back(std::move(row));
  }

  const Target& target_;
  Report& report_;
  LoginSettings base_;
  Capabilities offered_;
  Flavor flavor_ = Flavor::mysql;
  std::vector<bool> tls_;
  std::vector<std::string> plugins_;
  std::vector<std::string> compressions_{""};
  std::vector<Cell> cells_;
};

}  // namespace

Report matrix(const Target& target, const Options& options) {
  Report report;
  Matrix(target, options, report).run();
  return report;
}

}  // namespace mysqlprobe
