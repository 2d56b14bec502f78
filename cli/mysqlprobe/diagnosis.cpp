#include "cli/mysqlprobe/diagnosis.hpp"

#include "cli/mysqlprobe/diagnosis_detail.hpp"

#include <fmt/format.h>

namespace mysqlprobe {

namespace {

using detail::add;

void unresolved(Diagnosis& out, const LoginFacts& facts) {
  add(out, fmt::format("The name {} has no address.", facts.host),
      "Check its spelling, and what `getent hosts` says of it on this machine.");
  add(out, "The name server does not answer.", "Try the server's address in place of its name.");
}

void connection_refused(Diagnosis& out, const LoginFacts& facts) {
  if (facts.unix_socket) {
    add(out, "The socket file is there, but no server listens on it: it is left over.",
        "Start the server, or give the path of the socket that it uses (@@socket).");
    return;
  }
  add(out, fmt::format("Nothing listens on port {} of {}.", facts.port, facts.host),
      "Check the port (@@port; 3306 is the usual one), and whether the server runs.");
  add(out, "The server listens on another address only, or not on TCP at all.",
      "Look at bind_address and skip_networking in its configuration: 127.0.0.1 takes no one from "
      "outside.");
  add(out, "A firewall rejects the connection.", "Try from the server's own machine.");
}

void timed_out(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  if (failure.step == "resolve") {
    add(out, "The name server does not answer in time.",
        "Try the server's address in place of its name.");
  } else if (failure.step == "connect") {
    add(out, "A firewall drops the packets, or the machine is down.",
        "Check the address, the firewalls and security groups on the way; try from the server's "
        "own network.");
    add(out, "The server's queue of waiting connections is full.",
        "Look at its load, and at back_log.");
  } else if (failure.step == "greeting" && !facts.said.empty()) {
    add(out, "The greeting began, and its end did not come in time.",
        "See whether the server, or a proxy in front of it, is stopped or swapping; check the MTU "
        "on the way.");
  } else if (failure.step == "greeting") {
    add(out, "The connection was accepted, but no greeting came: the server hangs.",
        "See whether its process is stopped, out of disk or swapping. The kernel accepts "
        "connections even then.");
    add(out, "It looks up the name of this client, and its name server does not answer.",
        "Set skip_name_resolve on the server, or mend its name server.");
    add(out, "Something else listens there that waits for the client to speak first.",
        "Check the port. PostgreSQL and TLS-only ports do that.");
    add(out, "A proxy or load balancer accepts and has no server behind it.",
        "Probe the servers behind it directly.");
  } else if (failure.step == "tls") {
    add(out, "The server did not go on with the TLS handshake.",
        "Something on the way may hold TLS back; compare with a connection from its own machine, "
        "and with --tls disabled.");
  } else {
    add(out, "The server did not answer in time in the middle of the login.",
        "Plugins that ask another system (PAM, LDAP, Kerberos) answer when that one does; else "
        "look at the server's load, or give a longer --timeout.");
    if (!facts.tls)
      add(out, "Something between here and the server swallows packets, often the long ones.",
          "Compare with a connection from the server's own machine; check the MTU.");
  }
}

void lost(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  if (!facts.greeted && !facts.said.empty()) {
    add(out, "The connection was closed in the middle of the greeting.",
        "Look into the server's error log for this time: a crash, or a shutdown.");
    add(out, "A proxy, firewall or load balancer cut the connection.",
        "Compare with a connection from the server's own machine.");
  } else if (!facts.greeted) {
    add(out, "The connection was accepted and closed again without a word.",
        "Behind a proxy or load balancer this means that no server is there to be had: probe the "
        "servers behind it.");
    add(out, "The server is starting, stopping, or out of file descriptors.",
        "Look into its error log.");
    add(out, "It takes connections from some addresses only (TCP wrappers, an allow list).",
        "Try from the server's own machine.");
  } else if (failure.step == "tls") {
    add(out, "The server closed the connection in the TLS handshake.",
        "It may not take any of our TLS versions or ciphers, or want a client certificate: see "
        "`mysqlprobe tls`, and the server's error log.");
  } else {
    add(out, "The server closed the connection in the middle of the login.",
        "Look into its error log for this time: a crash, a KILL, or connect_timeout.");
    add(out, "A proxy, firewall or load balancer cut the connection.",
        "Compare with a connection from the server's own machine.");
  }
}

void foreign(Diagnosis& out, const LoginFacts& facts) {
  const std::string_view what = recognise_protocol(facts.said);
  if (what == "MySQL's X Protocol") {
    add(out, "This is the port of MySQL's X Protocol.",
        "Use the port of the classic protocol (@@port, 3306); 33060 is the X Protocol's.");
  } else if (!what.empty()) {
    add(out, fmt::format("It is {}.", what), "Check host and port.");
  } else {
    add(out, "What answers there speaks no protocol known here.", "Check host and port.");
    add(out, "A proxy in front expects a header of its own (PROXY protocol, TLS).",
        "Probe the server behind it, or a listener without.");
  }
}

void broken_protocol(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  if (!facts.greeted && failure.message.find("protocol_version") != std::string::npos)
    add(out, "The server greets in a protocol older than version 10 (before MySQL 3.21).",
        "No current client talks to it.");
  add(out, "The server, or a proxy in front of it, sent what the protocol does not allow there.",
      "See --trace for the packet, and `mysqlprobe conform` for what else it does; report it to "
      "whoever makes the server or proxy.");
}

void withheld(Diagnosis& out, const LoginFacts& facts) {
  if (facts.plugin == "mysql_clear_password") {
    add(out, "The server wants the password in clear, and the connection is not encrypted.",
        facts.tls_offered
            ? "Use --tls required; --allow-cleartext only where nobody can listen."
            : "Have TLS set up on the server; --allow-cleartext only where nobody can "
              "listen.");
    return;
  }
  const bool caching = facts.plugin == "caching_sha2_password";
  add(out,
      caching
          ? "The server does not have this account in its cache of caching_sha2_password, so it "
            "wants the password itself, and the connection is not encrypted."
          : fmt::format("{} sends the password itself, and the connection is not encrypted.",
                        facts.plugin),
      facts.tls_offered
          ? "Use --tls required."
          : "Use --get-server-public-key where nobody can be in between, or --server-public-key "
            "FILE with the server's key (public_key.pem in its data directory).");
  if (facts.tls_offered)
    add(out, "TLS is switched off here.",
        "Without TLS: --server-public-key FILE (public_key.pem in the server's data directory), or "
        "--get-server-public-key where nobody can be in between.");
  if (caching && facts.password)
    add(out, "The password is wrong: the server asks the same then.",
        "Try it over TLS, or by the unix socket.");
  if (caching)
    add(out, "The cache is emptied by a restart, FLUSH PRIVILEGES, and a change of the account.",
        "One login over TLS or by the unix socket fills it; clients without TLS work until it is "
        "emptied again. Connectors have an option for the key: allowPublicKeyRetrieval=true, "
        "--get-server-public-key, get_server_public_key.");
}

void unknown_plugin(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  const std::string plugin = facts.plugin.empty() ? "another plugin" : facts.plugin;
  if (plugin == "mysql_old_password" || failure.message.find("old") != std::string::npos) {
    add(out, "The account has a hash from before MySQL 4.1, which is broken.",
        "Give the account its password anew, with old_passwords=0, under a current plugin.");
    return;
  }
  add(out,
      fmt::format("The account is authenticated by {}, which mysqlprobe does not have.", plugin),
      "Take the client that the server's maker ships for it, or an account with another plugin.");
}

}  // namespace

Diagnosis diagnose(const Failure& failure, const LoginFacts& facts) {
  Diagnosis out;
  switch (failure.kind) {
    case FailureKind::resolve:
      out.exit = ExitCode::unreachable;
      unresolved(out, facts);
      break;
    case FailureKind::connection_refused:
      out.exit = ExitCode::unreachable;
      connection_refused(out, facts);
      break;
    case FailureKind::unreachable:
      out.exit = ExitCode::unreachable;
      add(out, "There is no way to that address from here.",
          "Check the address, the network (VPN), and whether IPv6 works on this machine.");
      break;
    case FailureKind::timed_out:
      out.exit = ExitCode::unreachable;
      timed_out(out, failure, facts);
      break;
    case FailureKind::lost:
      out.exit = ExitCode::unreachable;
      lost(out, failure, facts);
      break;
    case FailureKind::no_socket:
      out.exit = ExitCode::unreachable;
      add(out, "There is no unix socket of that name.",
          "Check the path (@@socket), and whether the server runs; a server in a container keeps "
          "its socket there.");
      break;
    case FailureKind::no_leave:
      out.exit = ExitCode::unreachable;
      add(out, "This system user may not use the socket.",
          "Check the rights of the socket and of the folders above it.");
      break;
    case FailureKind::interrupted:
      out.exit = ExitCode::unreachable;
      add(out, "It was interrupted.", "");
      break;
    case FailureKind::system:
      out.exit = ExitCode::unreachable;
      add(out, "The system refused.", "See the message.");
      break;
    case FailureKind::err_packet:
      detail::diagnose_err(out, failure, facts);
      if (failure.step == "tls") out.exit = ExitCode::tls;
      break;
    case FailureKind::foreign:
      out.exit = ExitCode::protocol;
      foreign(out, facts);
      break;
    case FailureKind::protocol:
      out.exit = ExitCode::protocol;
      broken_protocol(out, failure, facts);
      break;
    case FailureKind::tls_absent:
    case FailureKind::tls_files:
    case FailureKind::tls_failed:
    case FailureKind::certificate:
      out.exit = ExitCode::tls;
      detail::diagnose_tls(out, failure, facts);
      break;
    case FailureKind::plugin:
      out.exit = ExitCode::plugin;
      unknown_plugin(out, failure, facts);
      break;
    case FailureKind::withheld:
      out.exit = facts.plugin == "mysql_clear_password" ? ExitCode::plugin : ExitCode::refused;
      withheld(out, facts);
      break;
    case FailureKind::check:
      out.exit = ExitCode::refused;
      add(out, "The server is not as was asked for.", "");
      break;
  }
  return out;
}

std::string_view recognise_protocol(std::string_view bytes) noexcept {
  const auto starts = [&](std::string_view with) { return bytes.starts_with(with); };
  if (starts("HTTP/") || starts("<!DOCTYPE") || starts("<html")) return "an HTTP server";
  if (starts("SSH-")) return "an SSH server";
  if (starts("220")) return "an FTP or SMTP server";
  if (starts("* OK")) return "an IMAP server";
  if (starts("+OK")) return "a POP3 server";
  if (starts("-ERR") || starts("-DENIED") || starts("-NOAUTH")) return "a Redis server";
  if (starts("RFB ")) return "a VNC server";
  if (bytes.size() >= 3 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 0x03)
    return "a server that speaks TLS from the start";
  if (bytes.size() >= 5 && bytes[0] == 'E' && bytes[1] == 0 && bytes[2] == 0)
    return "a PostgreSQL server";
  // int<4> length, then a type: NOTICE (11) greets, ERROR (1) refuses.
  if (bytes.size() >= 5 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0 &&
      (bytes[4] == 0x0b || bytes[4] == 0x01))
    return "MySQL's X Protocol";
  return "";
}

}  // namespace mysqlprobe
