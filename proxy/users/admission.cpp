#include "proxy/users/admission.hpp"

#include "proxy/session/errors.hpp"

#include <fmt/format.h>

namespace mysqlproxy {
namespace {

/// What of REQUIRE does not hold; empty when all does.
std::string_view unmet(const TransportRule& rule, const Claimant& claimant) {
  using Kind = TransportRule::Kind;
  if (rule.kind == Kind::none) return {};
  if (!claimant.tls) return "TLS";
  if (rule.kind == Kind::x509 && !claimant.certified) return "a certificate";
  if (!rule.cipher.empty() && rule.cipher != claimant.cipher) return "another cipher";
  if (!rule.subject.empty() && rule.subject != claimant.subject) return "another subject";
  if (!rule.issuer.empty() && rule.issuer != claimant.issuer) return "another issuer";
  return {};
}

Denial with(SqlError error, const std::string& message, std::string reason) {
  return {error_payload(error, message), std::move(reason)};
}

}  // namespace

std::optional<Denial> denial_of(const UserConfig& account, const Claimant& claimant) {
  if (const auto missing = unmet(account.require, claimant); !missing.empty()) {
    // The servers do not say more either.
    const std::string message =
        access_denied_message(claimant.user, claimant.host, claimant.using_password);
    return with(access_denied, message,
                fmt::format("{}: the account requires {}", message, missing));
  }
  if (account.locked) {
    const bool mysql = claimant.flavor == mysqlwire::Flavor::mysql;
    const std::string message =
        mysql ? fmt::format("Access denied for user '{}'@'{}'. Account is locked.", claimant.user,
                            claimant.host)
              : std::string("Access denied, this account is locked");
    return with(mysql ? account_locked : account_locked_mariadb, message, message);
  }
  if (account.expired &&
      !claimant.capabilities.has(mysqlwire::Capability::can_handle_expired_passwords)) {
    const bool mysql = claimant.flavor == mysqlwire::Flavor::mysql;
    const std::string message = fmt::format(
        "Your password has expired. To log in you must change it using a client that supports "
        "expired passwords{}",
        mysql ? "." : "");
    return with(password_expired, message, message);
  }
  return std::nullopt;
}

}  // namespace mysqlproxy
