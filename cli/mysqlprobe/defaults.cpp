#include "cli/mysqlprobe/defaults.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

namespace mysqlprobe {

namespace {

using mysqlwire::as_bytes;
using mysqlwire::crypto::SecretBytes;

std::string home() {
  if (const char* folder = std::getenv("HOME"); folder != nullptr) return folder;
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr ? user->pw_dir : "";
}

// The last line of each name counts.
std::map<std::string, const OptionLine*> last_lines(const OptionFiles& files) {
  std::map<std::string, const OptionLine*> last;
  for (const OptionLine& line : files.lines()) last[line.name] = &line;
  return last;
}

bool is_on(const OptionLine& line) {
  return !line.value || *line.value == "1" || *line.value == "on" || *line.value == "ON" ||
         *line.value == "true" || *line.value == "TRUE";
}

class Applier {
 public:
  Applier(const OptionFiles& files, Options& options, const Settled& settled)
      : lines_(last_lines(files)), options_(options), settled_(settled) {}

  void apply() {
    target();
    account();
    tls();
    for (const auto& [name, line] : lines_)
      if (!known_.contains(name) && line->group == "mysqlprobe" && !line->is_loose)
        throw OptionFileError(fmt::format("{}: unknown option {}", line->where, name));
  }

 private:
  const OptionLine* find(const std::string& name) {
    known_.insert(name);
    const auto it = lines_.find(name);
    return it == lines_.end() ? nullptr : it->second;
  }

  // The value of an option that has one, into `out` when that is still empty.
  void text(const std::string& name, std::string& out) {
    const OptionLine* line = find(name);
    if (line == nullptr || !out.empty()) return;
    if (!line->value) throw OptionFileError(line->where + ": " + name + " has no value");
    out = *line->value;
  }

  // As the stock clients: a socket for localhost, unless TCP is asked for.
  void target() {
    std::string host, port, socket, protocol;
    text("host", host);
    text("port", port);
    text("socket", socket);
    text("protocol", protocol);
    if (!options_.targets.empty()) return;
    const bool by_socket = !socket.empty() && protocol != "tcp" && protocol != "TCP" &&
                           (host.empty() || host == "localhost");
    if (!by_socket && host.empty() && port.empty()) return;
    std::string given = by_socket ? "unix:" + socket : host.empty() ? "localhost" : host;
    if (!by_socket && given.find(':') != std::string::npos && given[0] != '[')
      given = "[" + given + "]";
    if (!by_socket && !port.empty()) given += ":" + port;
    std::string why;
    auto target = parse_target(given, why);
    if (!target) throw OptionFileError("option file: " + why);
    options_.targets.push_back(std::move(*target));
  }

  void account() {
    LoginPlan& plan = options_.login.plan;
    if (const OptionLine* user = find("user"); user != nullptr && !options_.has_user) {
      plan.user = user->value.value_or("");
      options_.has_user = true;
    }
    text("database", plan.database);
    text("default-auth", plan.plugin);
    if (const OptionLine* line = find("password"); line != nullptr && !options_.has_password) {
      options_.has_password = true;
      options_.asks_password = !line->value;
      if (line->value) options_.password = std::make_shared<SecretBytes>(as_bytes(*line->value));
    }
    if (const OptionLine* line = find("get-server-public-key"); line != nullptr && is_on(*line))
      plan.take_public_key = true;
    if (const OptionLine* line = find("enable-cleartext-plugin"); line != nullptr && is_on(*line))
      plan.allow_cleartext = true;
    if (const OptionLine* line = find("compress"); line != nullptr && is_on(*line))
      plan.compress_zlib = plan.compress_zlib || !plan.compress_zstd;
    if (const OptionLine* line = find("connect-timeout");
        line != nullptr && line->value && !settled_.timeout) {
      const auto timeout = parse_duration(*line->value);
      if (!timeout || timeout->count() == 0) throw OptionFileError(line->where + ": no duration");
      options_.login.connection.timeout = *timeout;
    }
  }

  void tls() {
    TlsSettings& tls = options_.login.connection.tls;
    text("ssl-ca", tls.ca);
    text("ssl-capath", tls.ca_folder);
    text("ssl-cert", tls.certificate);
    text("ssl-key", tls.key);
    text("ssl-cipher", tls.ciphers);
    text("tls-ciphersuites", tls.ciphersuites);
    const OptionLine* mode = find("ssl-mode");
    const OptionLine* on = find("ssl");
    const OptionLine* off = find("skip-ssl");
    const OptionLine* verified = find("ssl-verify-server-cert");
    if (settled_.tls) return;
    if (mode != nullptr) {
      const auto parsed = parse_tls_mode(mode->value.value_or(""));
      if (!parsed) throw OptionFileError(mode->where + ": no TLS mode");
      tls.mode = *parsed;
    } else if (off != nullptr && is_on(*off)) {
      tls.mode = TlsMode::disabled;
    } else if (verified != nullptr && is_on(*verified)) {
      tls.mode = TlsMode::verify_identity;
    } else if (on != nullptr) {
      tls.mode = is_on(*on) ? TlsMode::required : TlsMode::disabled;
    }
  }

  std::map<std::string, const OptionLine*> lines_;
  std::set<std::string> known_;
  Options& options_;
  Settled settled_;
};

}  // namespace

OptionFiles read_option_files(const std::string& path) {
  OptionFiles files({"client", "client-server", "client-mariadb", "mysqlprobe"});
  if (!path.empty()) {
    files.read(path);
    return files;
  }
  files.read_if_there("/etc/my.cnf");
  files.read_if_there("/etc/mysql/my.cnf");
  if (const std::string folder = home(); !folder.empty()) files.read_if_there(folder + "/.my.cnf");
  return files;
}

void apply_option_files(const OptionFiles& files, Options& options, const Settled& settled) {
  Applier(files, options, settled).apply();
}

}  // namespace mysqlprobe
