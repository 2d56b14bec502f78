#include "proxy/user_command.hpp"

#include "proxy/arguments.hpp"
#include "proxy/config/suggest.hpp"
#include "proxy/config/user.hpp"
#include "proxy/config/users_file.hpp"

#include <mysqlwire/crypto/password.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace mysqlproxy {
namespace {

namespace crypto = mysqlwire::crypto;

const std::vector<std::string> plugin_names{"mysql_native_password",
                                            "caching_sha2_password",
                                            "sha2",
                                            "sha256_password",
                                            "ed25519",
                                            "parsec"};

constexpr const char* description =
    R"(mysqlproxy user: entries for users of mysqlproxy

The password is asked for on the terminal; where standard input is none, it is the first
line there.)";

constexpr const char* footer =
    R"(Plugins: mysql_native_password, caching_sha2_password (the $A$ form that servers store),
sha2 (SHA256 of SHA256: the fast path of caching_sha2_password works from the first login
on), sha256_password, ed25519, parsec. By default both mysql_native_password and sha2.

Exit codes: 0 good, 2 usage or trouble; of check 0 the password is right, 1 it is wrong.)";

CommandLineResult failed(std::string text) {
  CommandLineResult result;
  result.exit = ExitCode::usage;
  result.err = "mysqlproxy: " + std::move(text) + "\n";
  return result;
}

void add_password_options(Arguments& arguments, PasswordSource& source) {
  arguments.option("--password-file", source.file, "FILE",
                   "the password is the first line of this file");
  arguments.option("--password-env", source.variable, "NAME", "the password is in this variable");
  arguments.flag("--password-stdin", source.from_stdin,
                 "the password is the first line of standard input");
}

void add_entry_options(Arguments& arguments, UserCommand& command) {
  arguments.option("--plugin", command.plugins, "PLUGIN", "what to store; may be repeated");
  arguments.option("--pool", command.pool, "POOL", "the user's pool (default: main)");
  arguments.option("--host", command.hosts, "HOST",
                   "from where; may be repeated (default: anywhere)");
}

void add_file_options(Arguments& arguments, UserCommand& command) {
  arguments.option("--file", command.users_file, "FILE", "the users file");
  arguments.option("-c,--config", command.config_file, "FILE", "the configuration that names it");
}

/// What an argument that nobody wants may have been meant as. It is not repeated: it may be the
/// password.
std::string unknown_argument(const std::vector<std::string>& extras) {
  for (const std::string& one : extras) {
    if (one.starts_with("-p") || one.starts_with("--pass"))
      return "passwords are not given on the command line: leave it out and it is asked for, or "
             "use --password-file, --password-env or --password-stdin";
    if (one.starts_with("--"))
      return fmt::format("unknown option {:?}", one.substr(0, one.find('=')));
  }
  return "there is an argument too many; passwords are not given on the command line";
}

std::string contradiction(const UserCommand& command) {
  for (auto at = command.plugins.begin(); at != command.plugins.end(); ++at) {
    if (std::ranges::find(plugin_names, *at) == plugin_names.end())
      return fmt::format("--plugin: expected one of {}, found {:?}{}",
                         fmt::join(plugin_names, ", "), *at, did_you_mean(*at, plugin_names));
    if (std::find(command.plugins.begin(), at, *at) != at)
      return fmt::format("--plugin {} is given twice", *at);
  }
  for (const std::string& host : command.hosts) {
    if (!HostPattern::parse(host))
      return fmt::format("--host: expected a host such as \"10.0.%\", found {:?}", host);
  }
  const PasswordSource& password = command.password;
  const int sources = static_cast<int>(!password.file.empty()) +
                      static_cast<int>(!password.variable.empty()) +
                      static_cast<int>(password.from_stdin);
  if (sources > 1) return "the password can come from one place only";
  if (command.server_secret && (!command.plugins.empty() || !command.name.empty()))
    return "--server-secret goes with neither --plugin nor --user";
  if (command.action == UserCommand::Action::hash) {
    const bool entry = !command.pool.empty() || !command.hosts.empty();
    if (entry && command.name.empty()) return "--pool and --host go with --user";
  } else if (command.users_file.empty() == command.config_file.empty()) {
    return "give the users file by --file, or by -c the configuration that names it";
  }
  if (!command.name.empty() || command.action != UserCommand::Action::hash)
    return user_name_fault(command.name);
  return {};
}

/// What is stored of a password by one plugin.
void store(std::string_view plugin, std::string_view password, StoredHashes& hashes) {
  using Form = crypto::ShaCryptHash::Form;
  if (plugin == "mysql_native_password") hashes.native = crypto::native_hash(password);
  if (plugin == "sha2") hashes.sha2 = crypto::sha2_hash(password);
  if (plugin == "caching_sha2_password")
    hashes.caching_sha2 = crypto::make_sha_crypt(password, Form::caching_sha2);
  if (plugin == "sha256_password") hashes.sha256 = crypto::make_sha_crypt(password, Form::sha256);
  if (plugin == "ed25519") hashes.ed25519 = crypto::ed25519_public_key(password);
  if (plugin == "parsec") hashes.parsec = crypto::make_parsec(password);
}

StoredHashes hashes_for(const UserCommand& command, std::string_view password) {
  StoredHashes hashes;
  for (const std::string& plugin : command.plugins) store(plugin, password, hashes);
  if (command.plugins.empty()) {
    store("mysql_native_password", password, hashes);
    store("sha2", password, hashes);
  }
  return hashes;
}

std::string entry_of(const UserCommand& command, const StoredHashes& hashes) {
  const std::string pool = command.pool.empty() ? "main" : command.pool;
  return format_user_table(command.name, pool, command.hosts, hashes);
}

std::string hex(mysqlwire::Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

CommandLineResult hash(const UserCommand& command, std::string_view password) {
  CommandLineResult result;
  if (command.server_secret) {
    result.out = fmt::format("sha1:{}\nsha256:{}\n", hex(crypto::stage1(password).bytes()),
                             hex(crypto::sha2_stage1(password).bytes()));
    return result;
  }
  const StoredHashes hashes = hashes_for(command, password);
  if (!command.name.empty()) {
    result.out = entry_of(command, hashes);
    return result;
  }
  for (const std::string& one : format_hashes(hashes)) result.out += one + "\n";
  return result;
}

CommandLineResult add(const UserCommand& command, const std::string& file,
                      std::string_view password) {
  const std::string entry = entry_of(command, hashes_for(command, password));
  if (auto why = add_to_users_file(file, command.name, entry, command.replace); !why.empty())
    return failed(std::move(why));
  CommandLineResult result;
  result.out = fmt::format("user {:?} is in {}; mysqlproxy takes it over at the next SIGHUP\n",
                           command.name, file);
  return result;
}

/// Each of the forms alone, with its plugin's name.
std::vector<std::pair<std::string_view, StoredHashes>> forms_of(const StoredHashes& stored) {
  std::vector<std::pair<std::string_view, StoredHashes>> forms;
  if (stored.no_password) return {{"no password", stored}};
  for (const auto& [plugin, text] : hashes_by_plugin(stored)) {
    StoredHashes one;
    if (add_hash_of(plugin, text, one).empty()) forms.emplace_back(plugin, std::move(one));
  }
  return forms;
}

CommandLineResult check(const UserCommand& command, const std::vector<UserConfig>& accounts,
                        const crypto::SecretBytes& password) {
  CommandLineResult result;
  bool any = false;
  bool all = true;
  for (const UserConfig& account : accounts) {
    if (account.name != command.name) continue;
    const bool wanted =
        command.hosts.empty() ||
        std::ranges::find(command.hosts, account.host.text()) != command.hosts.end();
    if (!wanted) continue;
    const std::string who = fmt::format("{}@{}", account.name, account.host.text());
    if (account.passthrough) return failed(who + ": nothing is stored, the server decides");
    for (const auto& [plugin, form] : forms_of(account.hashes)) {
      const bool right = crypto::verify_password(password.bytes(), form);
      any = true;
      all = all && right;
      result.out += fmt::format("{} {}: {}\n", who, plugin, right ? "right" : "wrong");
    }
    if (account.locked) result.err += fmt::format("mysqlproxy: {} is locked\n", who);
    if (account.expired) result.err += fmt::format("mysqlproxy: {}'s password has expired\n", who);
  }
  if (!any) return failed(fmt::format("there is no user {:?}", command.name));
  result.exit = static_cast<ExitCode>(all ? CheckCode::right : CheckCode::wrong);
  return result;
}

/// The users file, or the faults of the configuration that should name it.
std::string file_of(const UserCommand& command, const std::optional<Config>& config) {
  return config ? config->proxy.users_file : command.users_file;
}

}  // namespace

UserCommandLine parse_user_command(const std::vector<std::string>& arguments) {
  Arguments known(description, "mysqlproxy user");
  UserCommand command;
  known.footer(footer);
  Arguments hash = known.command("hash", "print what is stored of a password");
  Arguments add = known.command("add", "write a user to the users file");
  Arguments check = known.command("check", "say whether a password is a user's");
  hash.option("--user", command.name, "NAME", "print a whole table for this user");
  hash.flag("--server-secret", command.server_secret,
            "print what server_secret_file takes; it is as good as the password");
  for (Arguments* one : {&add, &check}) {
    one->option("name", command.name, "NAME", "the user", Arguments::Need::required);
    add_file_options(*one, command);
  }
  add.flag("--replace", command.replace, "in place of the user of that name");
  for (Arguments* one : {&hash, &add}) add_entry_options(*one, command);
  check.option("--host", command.hosts, "HOST", "only the account of this host",
               Arguments::Times::once);
  for (Arguments* one : {&hash, &add, &check}) {
    one->allow_unwanted();
    add_password_options(*one, command.password);
  }
  UserCommandLine line;
  auto parsed = known.parse(arguments);
  if (parsed.help) {
    line.result.out = std::move(*parsed.help);
    return line;
  }
  if (parsed.fault) {
    line.result = failed(fmt::format("{}\nTry 'mysqlproxy user --help'.", *parsed.fault));
    return line;
  }
  command.action = hash.given()  ? UserCommand::Action::hash
                   : add.given() ? UserCommand::Action::add
                                 : UserCommand::Action::check;
  const auto extras = known.unwanted();
  std::string fault = extras.empty() ? contradiction(command) : unknown_argument(extras);
  if (fault.empty())
    line.command = std::move(command);
  else
    line.result = failed(fault + "\nTry 'mysqlproxy user --help'.");
  return line;
}

CommandLineResult run_user_command(const UserCommand& command,
                                   const PasswordReader& read_password) {
  using Action = UserCommand::Action;
  std::vector<UserConfig> accounts;
  std::optional<Config> config;
  if (!command.config_file.empty()) {
    LoadResult loaded = load_file(command.config_file);
    if (!loaded.config) return failed(to_string(loaded.errors.front()));
    config = std::move(loaded.config);
    accounts = config->users;
  }
  const std::string file = file_of(command, config);
  if (command.action == Action::add) {
    if (file.empty()) return failed(fmt::format("{} names no users_file", command.config_file));
    const std::string pool = command.pool.empty() ? "main" : command.pool;
    if (config && config->find_pool(pool) == nullptr)
      return failed(fmt::format("there is no pool {:?} in {}", pool, command.config_file));
  }
  if (command.action == Action::check && !config) {
    auto read = read_users_file(file);
    if (!read.fault.empty()) return failed(std::move(read.fault));
    accounts = std::move(read.users);
  }
  PasswordInput input = read_password(command.password, command.action != Action::check);
  if (!input.fault.empty()) return failed(std::move(input.fault));
  const auto bytes = input.value.bytes();
  if (bytes.size() > crypto::max_password_size)
    return failed(fmt::format("a password has {} bytes at most", crypto::max_password_size));
  if (std::ranges::find(bytes, 0) != bytes.end()) return failed("a password has no NUL byte");
  if (command.action == Action::check) return check(command, accounts, input.value);
  if (bytes.empty()) return failed("the password is empty");
  const std::string_view password = mysqlwire::as_text(bytes);
  return command.action == Action::hash ? hash(command, password) : add(command, file, password);
}

}  // namespace mysqlproxy
