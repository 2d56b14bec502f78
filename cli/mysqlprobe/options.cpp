#include "cli/mysqlprobe/options.hpp"

#include "cli/mysqlprobe/defaults.hpp"
#include "cli/mysqlprobe/option_file.hpp"
#include "cli/mysqlprobe/password_input.hpp"

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/collation.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

namespace mysqlprobe {

using namespace mysqlwire;
using crypto::SecretBytes;

namespace {

constexpr const char* footer =
    R"(TARGET is host, host:port, [v6]:port, unix:/path or mysql://user@host:port/schema?tls=required.

Exit codes, for several targets the largest: 0 good, 1 login refused or a check failed, 2 usage,
3 cannot reach, 4 TLS, 5 protocol violated by the server, 6 authentication plugin not supported,
7 refused before login. With --nagios: 0 OK, 1 warning, 2 critical, 3 unknown.)";

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The texts of options, before they are understood.
struct Raw {
  std::vector<std::string> targets;
  std::string targets_file;
  std::string tls, tls_version, capabilities, compress, charset, colour = "auto";
  std::string timeout, interval, duration, public_key_file, against;
  std::string password_file, password_env;
  std::string defaults_file;
  bool no_defaults = false, password_stdin = false;
  std::vector<std::string> expectations;
};

void wipe_text(char* text) {
  if (text != nullptr) std::memset(text, 'x', std::strlen(text));
}

std::shared_ptr<SecretBytes> shared(SecretBytes secret) {
  return std::make_shared<SecretBytes>(std::move(secret));
}

// Where the password of a mysql://user:password@host stands in `text`. Also behind a / that should
// have been escaped: it is no URL then, but a password all the same.
struct Range {
  std::size_t begin = 0, end = 0;
};
std::optional<Range> password_of_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == text.npos) return std::nullopt;
  const std::size_t colon = text.find(':', scheme + 3);
  const std::size_t at = text.rfind('@');
  if (at == text.npos || colon >= at) return std::nullopt;
  return Range{colon + 1, at};
}

// A message may quote any argument, and a URL may have come to stand behind any option.
std::string without_password(std::string text) {
  if (const auto password = password_of_url(text))
    text.replace(password->begin, password->end - password->begin, "xxx");
  return text;
}

// Takes passwords out of the arguments, and overwrites them where a list of processes shows them.
std::vector<std::string> take_passwords(int argc, char** argv, Options& options, std::string& err) {
  std::vector<std::string> rest;
  for (int i = 1; i < argc; ++i) {
    char* const argument = argv[i];
    const std::string_view text(argument);
    char* value = nullptr;
    if (text.starts_with("--password="))
      value = argument + 11;
    else if (text.starts_with("-p") && text.size() > 2 && text[2] != '-')
      value = argument + 2;
    if (value != nullptr) {
      options.password = shared(SecretBytes(as_bytes(std::string_view(value))));
      options.has_password = true;
      wipe_text(value);
      err +=
          "mysqlprobe: a password on the command line can be seen by others; see "
          "--password-file\n";
      continue;
    }
    rest.emplace_back(text);
    // Refused, and nobody's business before that.
    if (text == "--password" && i + 1 < argc) {
      wipe_text(argv[++i]);
      continue;
    }
    if (const auto password = password_of_url(text)) {
      std::memset(argument + password->begin, 'x', password->end - password->begin);
      err +=
          "mysqlprobe: a password on the command line can be seen by others; see "
          "--password-file\n";
    }
  }
  return rest;
}

void add_output(CLI::App& app, Options& options, Raw& raw) {
  const char* const group = "Output";
  app.add_flag("--json", options.style.json, "one JSON object a target")->group(group);
  app.add_flag("-q,--quiet", options.style.quiet, "the exit code only")->group(group);
  app.add_flag("--nagios", options.style.nagios, "one line, performance data, exit codes 0 to 3")
      ->group(group);
  app.add_option("--color,--colour", raw.colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group(group);
  app.add_option("--expect", raw.expectations, "KEY=VALUE that must have been found; repeatable")
      ->allow_extra_args(false)
      ->group(group);
}

void add_targets(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("TARGET", raw.targets, "whom to probe; several at once");
  app.add_option("--targets", raw.targets_file, "a file with a target a line; - is standard input")
      ->group("Targets");
  app.add_option("--parallel", options.parallel, "targets at a time (8)")
      ->check(CLI::Range(1, 256))
      ->group("Targets");
  app.add_option("--timeout", raw.timeout, "for each step (10s)")->group("Targets");
  app.add_option("--defaults-file", raw.defaults_file, "read this option file and no other")
      ->group("Targets");
  app.add_flag("--no-defaults", raw.no_defaults, "read no option file")->group("Targets");
}

void add_tls(CLI::App& app, Options& options, Raw& raw) {
  TlsSettings& tls = options.login.connection.tls;
  const char* const group = "TLS";
  app.add_option("--tls,--ssl-mode", raw.tls,
                 "disabled, preferred, required, verify-ca or verify-identity (preferred)")
      ->group(group);
  app.add_option("--ca,--ssl-ca", tls.ca, "certificates of authorities (PEM)")->group(group);
  app.add_option("--ca-path,--ssl-capath", tls.ca_folder, "a folder of them")->group(group);
  app.add_option("--cert,--ssl-cert", tls.certificate, "our certificate (PEM)")->group(group);
  app.add_option("--key,--ssl-key", tls.key, "and its key (PEM)")->group(group);
  app.add_option("--ciphers,--ssl-cipher", tls.ciphers, "of TLS 1.2 and older")->group(group);
  app.add_option("--ciphersuites,--tls-ciphersuites", tls.ciphersuites, "of TLS 1.3")->group(group);
  app.add_option("--tls-version", raw.tls_version, "TLSv1.2, TLSv1.3 or both, by comma")
      ->group(group);
  app.add_option("--server-name", tls.server_name, "whom the certificate has to be for")
      ->group(group);
}

void add_login(CLI::App& app, Options& options, Raw& raw) {
  LoginPlan& plan = options.login.plan;
  const char* const group = "Login";
  app.add_option("-u,--user", plan.user, "who logs in")->group(group);
  app.add_flag("-p,--ask-password", options.asks_password, "ask for the password on the terminal")
      ->group(group);
  app.add_option("--password-file", raw.password_file, "its first line")->group(group);
  app.add_option("--password-env", raw.password_env, "a variable of the environment")->group(group);
  app.add_flag("--password-stdin", raw.password_stdin, "the first line of standard input")
      ->group(group);
  app.add_option("-D,--database", plan.database, "the schema to begin in")->group(group);
  app.add_option("--plugin,--default-auth", plan.plugin, "the plugin to begin with")->group(group);
  app.add_option("--charset", raw.charset, "character set or collation (utf8mb4_general_ci)")
      ->group(group);
  app.add_option("--capabilities", raw.capabilities, "+NAME,-NAME: more, or less, than usual")
      ->group(group);
  app.add_option("--compress", raw.compress, "zlib or zstd, with :LEVEL")->group(group);
  app.add_flag("--allow-cleartext", plan.allow_cleartext,
               "answer mysql_clear_password also without TLS")
      ->group(group);
  app.add_option("--server-public-key", raw.public_key_file, "the server's RSA key (PEM), pinned")
      ->group(group);
  app.add_flag("--get-server-public-key", plan.take_public_key,
               "take the RSA key that the server sends")
      ->group(group);
}

void add_trace(CLI::App& app, Options& options) {
  const char* const group = "Exchange";
  app.add_flag("--explain", options.recorder.explain, "every packet, and what it is for")
      ->group(group);
  app.add_flag("--trace", options.recorder.trace, "every packet, as pcapdecode prints it")
      ->group(group);
  app.add_flag("-x,--hex", options.recorder.hex, "with its bytes")->group(group);
  app.add_flag("--show-secrets", options.recorder.secrets, "also those of salts and passwords")
      ->group(group);
  app.add_option("--write", options.write, "save the exchange as a pcapng")->group(group);
}

std::vector<CLI::App*> add_commands(CLI::App& app, Options& options, Raw& raw) {
  CLI::App* const greet = app.add_subcommand("greet", "what a server says before any login");
  CLI::App* const tls = app.add_subcommand("tls", "versions, ciphers and certificates");
  CLI::App* const login = app.add_subcommand("login", "log in, step by step");
  CLI::App* const ping = app.add_subcommand("ping", "how long answers take");
  CLI::App* const verify = app.add_subcommand("verify", "a password against a hash or a login");
  CLI::App* const hash = app.add_subcommand("hash", "what a server stores for a password");
  CLI::App* const matrix = app.add_subcommand("matrix", "every way to log in");
  CLI::App* const conform = app.add_subcommand("conform", "the rules of the protocol");
  CLI::App* const storm = app.add_subcommand("storm", "many logins at once, within limits");
  for (CLI::App* each : {greet, tls, login, ping, matrix, conform, storm}) {
    add_targets(*each, options, raw);
    add_tls(*each, options, raw);
    add_output(*each, options, raw);
  }
  for (CLI::App* each : {login, ping, matrix, conform, storm}) add_login(*each, options, raw);
  for (CLI::App* each : {greet, login, ping}) add_trace(*each, options);
  for (CLI::App* each : {verify, hash}) {
    add_output(*each, options, raw);
    each->add_option("--plugin", options.verify.plugin, "mysql_native_password, …");
    each->add_flag("-p,--ask-password", options.asks_password, "ask on the terminal");
    each->add_option("--password-file", raw.password_file, "the first line of a file");
    each->add_option("--password-env", raw.password_env, "a variable of the environment");
    each->add_flag("--password-stdin", raw.password_stdin, "the first line of standard input");
  }
  for (CLI::App* each : {greet, ping}) {
    each->add_option("-c,--count", options.count, "how many times");
    each->add_option("-i,--interval", raw.interval, "time in between (greet 0, ping 1s)");
  }
  login->add_flag("--grants", options.grants, "with SHOW GRANTS");
  tls->add_option("--warn-days", options.warn_days, "say when a certificate ends sooner (14)");
  ping->add_flag("--login", options.by_login, "measure whole logins");
  verify->add_option("--hash", options.verify.hash,
                     "a stored hash, as mysql.user has it, or in hex");
  verify->add_option("--salt", options.verify.salt, "of a captured login, in hex");
  verify->add_option("--response", options.verify.response, "the client's answer to it, in hex");
  verify->add_option("--capture", options.verify.capture, "a capture (pcap, pcapng) with logins");
  hash->add_option("--rounds", options.verify.rounds, "of caching_sha2_password (5000)")
      ->check(CLI::Range(1000, 4095000));
  conform->add_option("--against", raw.against, "another target: show the differences only");
  conform->add_option("--check", options.checks, "only checks whose name begins so; repeatable")
      ->allow_extra_args(false);
  conform->add_flag("--list", options.list_checks, "the checks, and what each is about");
  storm->add_option("--connections", options.connections, "at a time; a limit has to be given")
      ->check(CLI::Range(1, 1000));
  storm->add_option("--rate", options.rate, "logins a second, at most")
      ->check(CLI::Range(0.01, 100000.0));
  storm->add_option("--duration", raw.duration, "at most so long");
  storm->add_option("-c,--count", options.count, "at most so many logins");
  return {greet, tls, login, ping, verify, hash, matrix, conform, storm};
}

std::chrono::milliseconds duration_of(const std::string& text, const char* name) {
  const auto value = parse_duration(text);
  if (!value) throw UsageError(fmt::format("{}: {:?} is no duration", name, text));
  return *value;
}

void understand_tls(Options& options, const Raw& raw) {
  TlsSettings& tls = options.login.connection.tls;
  if (!raw.tls.empty()) {
    const auto mode = parse_tls_mode(raw.tls);
    if (!mode) throw UsageError(fmt::format("--tls: {:?} is no mode", raw.tls));
    tls.mode = *mode;
  }
  if (raw.tls_version.empty()) return;
  int low = 0, high = 0;
  for (std::string_view rest = raw.tls_version; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view name = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    static constexpr std::pair<std::string_view, int> versions[] = {{"TLSv1", TLS1_VERSION},
                                                                    {"TLSv1.0", TLS1_VERSION},
                                                                    {"TLSv1.1", TLS1_1_VERSION},
                                                                    {"TLSv1.2", TLS1_2_VERSION},
                                                                    {"TLSv1.3", TLS1_3_VERSION}};
    const auto* const found = std::find_if(std::begin(versions), std::end(versions),
                                           [&](const auto& each) { return each.first == name; });
    if (found == std::end(versions))
      throw UsageError(fmt::format("--tls-version: {:?} is no version", name));
    low = low == 0 ? found->second : std::min(low, found->second);
    high = std::max(high, found->second);
  }
  tls.min_version = low;
  tls.max_version = high;
  tls.any_strength = low < TLS1_2_VERSION;  // else OpenSSL has none of these versions' signatures
}

void understand_capabilities(LoginPlan& plan, std::string_view rest) {
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view each = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (each.empty()) continue;
    const bool is_more = each[0] != '-';
    const std::string_view name = each[0] == '+' || each[0] == '-' ? each.substr(1) : each;
    const auto capability = parse_capability(name);
    if (!capability) throw UsageError(fmt::format("--capabilities: {:?} is no capability", name));
    if (!is_more &&
        (*capability == Capability::protocol_41 || *capability == Capability::secure_connection))
      throw UsageError(fmt::format("--capabilities: nothing goes without {}", name));
    (is_more ? plan.add : plan.remove).set(*capability);
    (is_more ? plan.remove : plan.add).clear(*capability);
    // MariaDB's own travel only while this one is clear.
    if (is_more && static_cast<std::uint64_t>(*capability) >> 32 != 0)
      plan.remove.set(Capability::long_password);
  }
}

void understand_compression(LoginPlan& plan, const std::string& text) {
  if (text.empty() || text == "none" || text == "uncompressed") return;
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  plan.compress_zlib = name == "zlib";
  plan.compress_zstd = name == "zstd";
  if (!plan.compress_zlib && !plan.compress_zstd)
    throw UsageError(fmt::format("--compress: {:?} is neither zlib nor zstd", name));
  if (colon == std::string::npos) return;
  plan.compression_level = std::atoi(text.c_str() + colon + 1);
  if (plan.compression_level < 1 || plan.compression_level > (plan.compress_zlib ? 9 : 22))
    throw UsageError("--compress: the level is out of range");
}

void understand_charset(LoginPlan& plan, const std::string& text) {
  if (text.empty()) return;
  auto id = parse_collation(text);
  if (!id) id = default_collation(text);
  if (!id) throw UsageError(fmt::format("--charset: {:?} is none", text));
  if (*id > 255)
    throw UsageError(
        fmt::format("--charset: {} has an id above 255, which no login can say", text));
  plan.collation = *id;
}

void understand_key(LoginPlan& plan, const std::string& path) {
  if (path.empty()) return;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError(path + ": can't be read");
  constexpr std::size_t largest = 64 << 10;
  std::string text(largest, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.find("BEGIN PUBLIC KEY") == std::string::npos)
    throw UsageError(path + ": holds no public key in PEM");
  plan.public_key = text;
}

void add_target(Options& options, const std::string& text) {
  std::string why;
  auto target = parse_target(text, why);
  if (!target) throw UsageError("target: " + why);
  options.targets.push_back(std::move(*target));
}

void understand_targets(Options& options, const Raw& raw) {
  for (const std::string& text : raw.targets) add_target(options, text);
  if (raw.targets_file.empty()) return;
  std::ifstream file;
  if (raw.targets_file != "-") {
    file.open(raw.targets_file);
    if (!file) throw UsageError(raw.targets_file + ": can't be read");
  }
  std::istream& in = raw.targets_file == "-" ? std::cin : file;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.pop_back();
    line.erase(0, line.find_first_not_of(" \t"));
    if (line.empty() || line[0] == '#') continue;
    try {
      add_target(options, line);
    } catch (const UsageError& error) {
      throw UsageError(fmt::format("{}:{}: {}", raw.targets_file, number, error.what()));
    }
  }
}

void take_password(Options& options, const Raw& raw) {
  const int given = (raw.password_file.empty() ? 0 : 1) + (raw.password_env.empty() ? 0 : 1) +
                    (raw.password_stdin ? 1 : 0) + (options.asks_password ? 1 : 0);
  if (given > 1) throw UsageError("the password from several places at once");
  if (raw.password_stdin && raw.targets_file == "-")
    throw UsageError("targets and password both from standard input");
  if (given == 0) return;
  options.has_password = true;
  if (!raw.password_file.empty())
    options.password = shared(password_from_file(raw.password_file));
  else if (!raw.password_env.empty())
    options.password = shared(password_from_environment(raw.password_env));
  else if (raw.password_stdin)
    options.password = shared(password_from_stdin());
}

void understand(Options& options, Raw& raw) {
  LoginPlan& plan = options.login.plan;
  understand_tls(options, raw);
  understand_capabilities(plan, raw.capabilities);
  understand_compression(plan, raw.compress);
  understand_charset(plan, raw.charset);
  understand_key(plan, raw.public_key_file);
  if (!raw.timeout.empty()) {
    options.login.connection.timeout = duration_of(raw.timeout, "--timeout");
    if (options.login.connection.timeout.count() == 0) throw UsageError("--timeout: none is left");
  }
  options.interval = std::chrono::milliseconds(options.command == "ping" ? 1000 : 0);
  if (!raw.interval.empty()) options.interval = duration_of(raw.interval, "--interval");
  if (!raw.duration.empty()) options.duration = duration_of(raw.duration, "--duration");
  for (const std::string& each : raw.expectations) {
    const std::size_t equals = each.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError(fmt::format("--expect: {:?} is no KEY=VALUE", each));
    options.expectations.emplace_back(each.substr(0, equals), each.substr(equals + 1));
  }
  if (!raw.against.empty()) {
    std::string why;
    options.against = parse_target(raw.against, why);
    if (!options.against) throw UsageError("--against: " + why);
  }
  options.style.colour = raw.colour == "always";
  options.colour_auto = raw.colour == "auto";
  options.recorder.capture = !options.write.empty();
}

bool needs_user(const Options& options) {
  return options.command == "login" || options.command == "matrix" ||
         (options.command == "conform" && !options.list_checks) || options.command == "storm" ||
         (options.command == "ping" && options.by_login);
}

void check(const Options& options) {
  const bool offline = options.command == "verify" || options.command == "hash";
  if (!offline && !options.list_checks && options.targets.empty())
    throw UsageError("no target; give a host, or one in an option file");
  if (!options.write.empty() && options.targets.size() > 1)
    throw UsageError("--write is for one target");
  if (options.command == "storm" &&
      (options.connections == 0 || (options.count == 0 && options.duration.count() == 0)))
    throw UsageError("storm needs its limits: --connections, and --count or --duration");
  if (!needs_user(options)) return;
  const bool everyone = std::all_of(options.targets.begin(), options.targets.end(),
                                    [](const Target& target) { return target.user.has_value(); });
  if (!options.has_user && !everyone)
    throw UsageError("who logs in? Give -u USER, an empty one for nobody");
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string_view unit(end);
  if (end == text.c_str() || !(number >= 0) || number > 1e9) return std::nullopt;
  double ms = 0;
  if (unit.empty() || unit == "s")
    ms = number * 1e3;
  else if (unit == "ms")
    ms = number;
  else if (unit == "m")
    ms = number * 60e3;
  else if (unit == "h")
    ms = number * 3600e3;
  else
    return std::nullopt;
  return std::chrono::milliseconds(std::llround(ms));
}

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  Options& options = line.options;
  Raw raw;
  std::vector<std::string> arguments = take_passwords(argc, argv, options, line.err);

  CLI::App app("Logs in to MySQL and MariaDB servers step by step, and says why it does not work.",
               "mysqlprobe");
  app.footer(footer);
  app.set_version_flag("--version", "mysqlprobe " MYSQLWIRE_VERSION);
  app.require_subcommand(1);
  const std::vector<CLI::App*> commands = add_commands(app, options, raw);
  const auto refuse = [&](std::string_view why) {
    line.exit = ExitCode::usage;
    line.err += fmt::format("mysqlprobe: {}\nTry 'mysqlprobe --help'.\n",
                            printable(without_password(std::string(why))));
    return std::move(line);
  };
  if (std::ranges::find(arguments, "--password") != arguments.end())
    return refuse("--password takes its value behind a =; -p asks for it on the terminal");
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
    for (CLI::App* each : commands)
      if (each->parsed()) options.command = each->get_name();
    for (CLI::App* each : commands)
      if (each->parsed() && each->get_option_no_throw("--user") != nullptr)
        options.has_user = each->count("--user") != 0;
  } catch (const CLI::CallForHelp&) {
    CLI::App* shown = &app;
    for (CLI::App* each : commands)
      if (each->parsed()) shown = each;
    line.out = shown->help();
    line.exit = ExitCode::good;
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.out = std::string(version.what()) + "\n";
    line.exit = ExitCode::good;
    return line;
  } catch (const CLI::ParseError& error) {
    return refuse(error.what());
  }
  try {
    understand(options, raw);
    understand_targets(options, raw);
    take_password(options, raw);
    if (options.command != "verify" && options.command != "hash" && !raw.no_defaults) {
      OptionFiles files = read_option_files(raw.defaults_file);
      for (const std::string& warning : files.warnings())
        line.err += "mysqlprobe: " + printable(warning) + "\n";
      apply_option_files(files, options, {!raw.tls.empty(), !raw.timeout.empty()});
      files.wipe();
    }
    check(options);
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
  return line;
}

}  // namespace mysqlprobe
