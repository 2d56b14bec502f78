// What servers mean by their errors.
#include "cli/mysqlprobe/diagnosis_detail.hpp"

#include <mysqlwire/wire/error_code.hpp>

#include <fmt/format.h>

namespace mysqlprobe::detail {

namespace {

using namespace mysqlwire;

bool is_mariadb(const LoginFacts& facts) { return facts.flavor == Flavor::mariadb; }

// "Access denied for user 'app'@'10.0.0.9' (using password: YES)": the host, as the server sees it.
std::string seen_host(const std::string& message) {
  const std::size_t at = message.find("'@'");
  if (at == std::string::npos) return {};
  const std::size_t end = message.find('\'', at + 3);
  return end == std::string::npos ? std::string() : message.substr(at + 3, end - at - 3);
}

void access_denied(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  const std::string host = seen_host(failure.message);
  const bool without = failure.message.find("using password: NO") != std::string::npos;
  if (facts.key_requested && !facts.key_received)
    add(out, "The server has no RSA key to send, so it can't be given the password without TLS.",
        "Use --tls required, or have the server make its keys (private_key.pem, public_key.pem).");
  if (!facts.password) {
    add(out, "No password was sent, and the account has one.",
        "Give it: -p asks for it; --password-file, --password-env or --password-stdin in scripts.");
  } else if (without) {
    add(out, "The server took no password from us: it never got so far as to look at it.",
        "See --explain for the steps.");
  } else {
    add(out, "The password is wrong.",
        fmt::format("Check it against the stored hash by `mysqlprobe verify`; set it by ALTER USER "
                    "'{}'@'…' IDENTIFIED BY '…'.",
                    facts.user));
  }
  if (!facts.tls && !facts.unix_socket)
    add(out, "The account is only for TLS (REQUIRE SSL): servers do not say so.",
        facts.tls_offered ? "Use --tls required."
                          : "Have TLS set up on the server, which offers none.");
  add(out,
      fmt::format(
          "There is no account '{}' for {}; servers do not tell that from a wrong password.",
          facts.user, host.empty() ? "this host" : host),
      fmt::format("SELECT user, host, plugin FROM mysql.user WHERE user = '{}'.", facts.user));
  if (facts.unix_socket || facts.loopback || host == "localhost")
    add(out, "An account ''@'localhost' stands in front of an account for '%'.",
        "Drop it: DROP USER ''@'localhost'.");
  if (facts.tls && !facts.client_certificate)
    add(out, "The account wants a client certificate (REQUIRE X509, ISSUER or SUBJECT).",
        "Give --cert and --key.");
  if (facts.plugin == "mysql_clear_password" || facts.plugin == "dialog")
    add(out, "The system that the server asks (PAM, LDAP) refused.", "Look into its log.");
}

void too_many(Diagnosis& out, const Failure& failure) {
  if (failure.code == error_codes::er_con_count_error) {
    add(out, "All of the server's connections are taken (max_connections).",
        "SHOW PROCESSLIST says by whom: an account with SUPER or CONNECTION_ADMIN has one "
        "connection in reserve, extra_port another way in. Close what is idle; raise "
        "max_connections only with the memory for it.");
    add(out, "A proxy in front has reached its own limit.", "Look at the proxy.");
  } else if (failure.code == error_codes::er_user_limit_reached) {
    add(out, "The account has used up what it may use in an hour, or its connections.",
        "See max_user_connections and max_connections_per_hour in mysql.user; FLUSH "
        "USER_RESOURCES starts the hour anew.");
  } else {
    add(out, "The account has as many connections as it may have (max_user_connections).",
        "SHOW PROCESSLIST says which; raise it by ALTER USER … WITH MAX_USER_CONNECTIONS n.");
  }
}

void host_blocked(Diagnosis& out, const LoginFacts& facts) {
  add(out,
      "The server has blocked this host: too many connections from here broke off before they had "
      "logged in (max_connect_errors).",
      "FLUSH HOSTS on the server (newer MySQL: TRUNCATE TABLE performance_schema.host_cache).");
  add(out, "A health check that connects and closes without a login is the usual reason.",
      facts.unix_socket
          ? "Find it."
          : "Have it log in (`mysqlprobe ping --login`), or raise max_connect_errors.");
}

void locked(Diagnosis& out, const LoginFacts& facts) {
  add(out, "The account is locked.",
      fmt::format("ALTER USER '{}'@'…' ACCOUNT UNLOCK.", facts.user));
}

void expired(Diagnosis& out, const LoginFacts& facts) {
  add(out, "The account's password has expired.",
      fmt::format("Set a new one: ALTER USER '{}'@'…' IDENTIFIED BY '…'. The account itself can do "
                  "so with a client that handles expired passwords (mysql --connect-expired-"
                  "password; here --capabilities +CAN_HANDLE_EXPIRED_PASSWORDS).",
                  facts.user));
}

void unsupported(Diagnosis& out, const LoginFacts& facts) {
  if (!facts.plugin_auth)
    add(out,
        "The account uses another plugin than mysql_native_password, and this client can't be "
        "told: it has no CLIENT_PLUGIN_AUTH.",
        "Leave --capabilities -PLUGIN_AUTH out; an old client or connector has to be replaced.");
  else
    add(out, "The server takes this client for too old for the account's plugin.",
        "See --capabilities, and the account's plugin in mysql.user.");
  add(out, "The account has a hash from before MySQL 4.1.", "Give it its password anew.");
}

/// Codes that mean something else from MariaDB than from MySQL, or that only one has.
bool account_state(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  if (is_mariadb(facts)) {
    if (failure.code == 4151) return locked(out, facts), true;
    if (failure.code == 4150) {
      add(out, "The account is blocked after too many wrong passwords (max_password_errors).",
          "FLUSH PRIVILEGES, or a login from an account with the right to it.");
      return true;
    }
    return false;
  }
  switch (failure.code) {
    case 3118: return locked(out, facts), true;
    case 3955:
      add(out, "The account is blocked after too many wrong passwords (FAILED_LOGIN_ATTEMPTS).",
          fmt::format("Wait for PASSWORD_LOCK_TIME, or ALTER USER '{}'@'…' ACCOUNT UNLOCK.",
                      facts.user));
      return true;
    case 3032:
      add(out, "The server is in offline mode: it takes administrators only.",
          "SET GLOBAL offline_mode = OFF when its maintenance is over.");
      return true;
    default: return false;
  }
}

}  // namespace

void diagnose_err(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  out.exit = facts.greeted ? ExitCode::refused : ExitCode::early;
  if (account_state(out, failure, facts)) return;
  switch (failure.code) {
    case error_codes::er_access_denied_error: return access_denied(out, failure, facts);
    case error_codes::er_con_count_error: out.exit = ExitCode::early; [[fallthrough]];
    case error_codes::er_too_many_user_connections:
    case error_codes::er_user_limit_reached: return too_many(out, failure);
    case error_codes::er_host_is_blocked:
      out.exit = ExitCode::early;
      return host_blocked(out, facts);
    case error_codes::er_host_not_privileged:
      out.exit = ExitCode::early;
      return add(out, "No account of the server is for this host.",
                 "CREATE USER 'name'@'host' … for it, or connect from a host that has one; behind "
                 "NAT or a proxy the server sees that address.");
    case 1053: return add(out, "The server is shutting down.", "Wait until it is up again.");
    case 1049:
      return add(out, fmt::format("There is no schema '{}'.", facts.database),
                 "Check its spelling (and upper case); log in without --database.");
    case 1044:
      return add(out, fmt::format("The account has no right to the schema '{}'.", facts.database),
                 fmt::format("GRANT … ON `{}`.* TO '{}'@'…'; or log in without --database.",
                             facts.database, facts.user));
    case 1698:
      return add(out,
                 "The account is for the system user of that name, through the unix socket "
                 "(auth_socket, unix_socket): no password opens it.",
                 "Log in as that system user by unix:/path, or make an account with a password.");
    case 1524:
      out.exit = ExitCode::plugin;
      return add(
          out, "The server does not have the account's authentication plugin.",
          "INSTALL PLUGIN / INSTALL SONAME it there, or ALTER USER … IDENTIFIED WITH another "
          "one. MySQL 8.4 has mysql_native_password off (--mysql-native-password=ON), 9.0 "
          "not at all.");
    case 1251:
    case 1275: out.exit = ExitCode::plugin; return unsupported(out, facts);
    case 1820:
    case 1862: return expired(out, facts);
    case 3159:
      out.exit = ExitCode::tls;
      return add(
          out, "The server takes encrypted connections only (require_secure_transport).",
          facts.tls_offered ? "Use --tls required." : "It offers no TLS, though: set it up.");
    case 1043:
      return add(out, "The server could not read our login.",
                 "A proxy or balancer that changes packets, or options that don't go together: "
                 "--capabilities, --charset. See --trace.");
    case 1231:
      return add(out, "The server does not take this character set from a client.",
                 "Choose another --charset: not ucs2, utf16 or utf32.");
    case 1047: return add(out, "The server does not know the command.", "See --trace.");
    case 1156:
      out.exit = ExitCode::protocol;
      return add(out, "The server says that our packets came out of order.",
                 "Something in between loses or changes packets.");
    case 9001:
      return add(out, "ProxySQL has no server to send this user to.",
                 "Look at runtime_mysql_servers for the user's hostgroup.");
    case 2002:
    case 2003:
    case 2013:
      return add(out, "A proxy can't reach the servers behind it.", "Probe them directly.");
    default: break;
  }
  const std::string_view name = error_name(static_cast<std::uint16_t>(failure.code), facts.flavor);
  add(out,
      name.empty() ? fmt::format("The server refused with error {}.", failure.code)
                   : fmt::format("The server refused with {}.", name),
      "See the server's message, and its error log.");
}

}  // namespace mysqlprobe::detail
