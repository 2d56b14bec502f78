// tls: whether, which versions, which ciphers, whose certificate.
#include "cli/mysqlprobe/commands.hpp"

#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <optional>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

struct Version {
  int number;
  const char* name;
  bool is_outdated;
};

constexpr std::array<Version, 4> versions{{{TLS1_VERSION, "TLSv1", true},
                                           {TLS1_1_VERSION, "TLSv1.1", true},
                                           {TLS1_2_VERSION, "TLSv1.2", false},
                                           {TLS1_3_VERSION, "TLSv1.3", false}}};

// One connection up to the end of its TLS handshake. Leaves by a login that is refused: one that
// just goes away counts against max_connect_errors.
class TlsAttempt {
 public:
  TlsAttempt(const Target& target, const LoginSettings& settings) : login_(target, settings) {}

  /// Throws ProbeError.
  void run() {
    try {
      login_.run();
      login_.connection().quit();
    } catch (const ProbeError& error) {
      // Inside TLS everything that the server says is fine.
      if (login_.connection().tls() != nullptr && login_.facts().tls) return;
      throw;
    }
  }

  const TlsClient& tls() { return *login_.connection().tls(); }
  Login& login() { return login_; }

 private:
  Login login_;
};

Json to_json(const CertificateFacts& facts) {
  return {{"subject", facts.subject},
          {"issuer", facts.issuer},
          {"names", facts.names},
          {"not_before", facts.not_before},
          {"not_after", facts.not_after},
          {"days_left", facts.days_left},
          {"key", facts.key},
          {"signature", facts.signature},
          {"sha256", facts.fingerprint},
          {"self_signed", facts.self_signed},
          {"ca", facts.is_ca}};
}

std::string validity(const CertificateFacts& facts) {
  if (facts.not_yet_valid) return "not valid yet";
  return facts.days_left < 0 ? fmt::format("expired {} days ago", -facts.days_left)
                             : fmt::format("{} days left", facts.days_left);
}

class TlsReport {
 public:
  TlsReport(const Target& target, const Options& options, Report& report)
      : target_(target),
        options_(options),
        report_(report),
        settings_(settings_for(target, options)) {
    settings_.plan.user = nobody;
    wanted_ = settings_.connection.tls.mode;
    settings_.connection.tls.mode = TlsMode::required;
    none_ = std::make_shared<crypto::SecretBytes>();
    settings_.password = none_.get();
  }

  void run() {
    if (!first()) return;
    versions_taken();
    certificates();
    verdicts();
  }

 private:
  void line(const char* head, const std::string& text) {
    report_.lines.push_back(fmt::format("{:<14}{}", head, text));
  }

  // What a client gets that leaves the choice to the server.
  bool first() {
    attempt_.emplace(target_, settings_);
    try {
      attempt_->run();
    } catch (const ProbeError& error) {
      report_.steps = attempt_->login().steps();
      const bool absent = error.failure.kind == FailureKind::tls_absent;
      if (absent) report_.found["tls"] = false;
      report_.fail(error.failure, attempt_->login().facts());
      // What this system thinks too weak may work all the same: say what the server has.
      if (error.failure.kind == FailureKind::tls_failed) versions_taken();
      return false;
    }
    report_.steps = attempt_->login().steps();
    report_.steps.resize(std::min<std::size_t>(report_.steps.size(), 4));
    report_.step = "tls";
    const TlsClient& tls = attempt_->tls();
    Json& found = report_.found;
    found["tls"] = true;
    found["tls_version"] = tls.version();
    found["cipher"] = tls.cipher();
    found["group"] = tls.group().empty() ? Json(nullptr) : Json(tls.group());
    found["offered"] = true;
    report_.summary = tls.version() + " " + tls.cipher();
    line("chosen", fmt::format("{} {}{}", tls.version(), tls.cipher(),
                               tls.group().empty() ? "" : ", " + tls.group()));
    return true;
  }

  void versions_taken() {
    Json list = Json::array();
    LoginSettings settings = settings_;
    for (const Version& version : versions) {
      if (interrupted()) return;
      settings.connection.tls.min_version = version.number;
      settings.connection.tls.max_version = version.number;
      settings.connection.tls.any_strength = true;
      TlsAttempt attempt(target_, settings);
      Json entry = {{"version", version.name}, {"accepted", false}, {"cipher", nullptr}};
      std::string said;
      try {
        attempt.run();
        entry["accepted"] = true;
        entry["cipher"] = attempt.tls().cipher();
        said = attempt.tls().cipher();
        if (version.is_outdated) said += "  (outdated: RFC 8996)";
      } catch (const ProbeError& error) {
        if (error.failure.kind == FailureKind::interrupted) throw;
        entry["error"] = error.failure.message;
        said = "refused: " + error.failure.message;
      }
      line(version.name, said);
      list.push_back(std::move(entry));
    }
    report_.found["versions"] = std::move(list);
  }

  void certificates() {
    const std::vector<CertificateFacts> chain = attempt_->tls().chain();
    report_.found["chain"] = Json::array();
    for (const CertificateFacts& each : chain) {
      report_.found["chain"].push_back(to_json(each));
      line(&each == chain.data() ? "certificate" : "issued by", each.subject);
      std::string names;
      for (const std::string& name : each.names) names += (names.empty() ? "" : ", ") + name;
      if (!names.empty()) line("  names", names);
      line("  valid",
           fmt::format("{} to {} ({})", each.not_before, each.not_after, validity(each)));
      line("  key", fmt::format("{}, signed by {}{}", each.key, each.signature,
                                each.self_signed ? ", by itself" : ""));
      line("  SHA-256", each.fingerprint);
    }
    if (chain.empty()) return;
    report_.found["days_left"] = chain.front().days_left;
    dates(chain);
  }

  // The chain lasts as long as the certificate in it that ends first.
  void dates(const std::vector<CertificateFacts>& chain) {
    const CertificateFacts& first = *std::min_element(
        chain.begin(), chain.end(), [](const CertificateFacts& one, const CertificateFacts& other) {
          return one.days_left < other.days_left;
        });
    report_.performance = {fmt::format("days_left={}", first.days_left)};
    const auto named = [&](const CertificateFacts& one) {
      return &one == chain.data() ? "the certificate"
                                  : fmt::format("the certificate of {}", one.subject);
    };
    if (first.days_left < 0)
      return fail(X509_V_ERR_CERT_HAS_EXPIRED,
                  fmt::format("{} has expired: it ended at {}", named(first), first.not_after));
    for (const CertificateFacts& each : chain)
      if (each.not_yet_valid)
        return fail(
            X509_V_ERR_CERT_NOT_YET_VALID,
            fmt::format("{} is not valid yet: it begins at {}", named(each), each.not_before));
    if (first.days_left >= static_cast<std::int64_t>(options_.warn_days)) return;
    report_.unmet.push_back(fmt::format("{} ends in {} days", named(first), first.days_left));
    report_.raise(ExitCode::refused);
  }

  // What each --tls mode makes of it.
  void verdicts() {
    const TlsClient& tls = attempt_->tls();
    const int code = tls.verify_result();
    const std::string& name = settings_.connection.tls.server_name;
    const std::string& host = name.empty() ? target_.host : name;
    const bool matches = !host.empty() && tls.matches(host);
    Json& found = report_.found;
    found["verified"] = code == X509_V_OK;
    found["verify_error"] = code == X509_V_OK ? Json(nullptr) : Json(verify_error_text(code));
    found["host_matches"] = matches;
    line("trust", code == X509_V_OK ? "the chain leads to a known authority"
                                    : "refused: " + verify_error_text(code));
    line("host name", matches ? fmt::format("the certificate is for {}", host)
                              : fmt::format("the certificate is not for {}", host));
    line("--tls modes", fmt::format("required works, verify-ca {}, verify-identity {}",
                                    code == X509_V_OK ? "works" : "would refuse",
                                    code == X509_V_OK && matches ? "works" : "would refuse"));
    // The dates were looked at before.
    if (report_.failure) return;
    if (wanted_ == TlsMode::verify_ca || wanted_ == TlsMode::verify_identity) {
      if (code != X509_V_OK)
        fail(code, "certificate verify failed: " + verify_error_text(code));
      else if (wanted_ == TlsMode::verify_identity && !matches)
        fail(X509_V_ERR_HOSTNAME_MISMATCH,
             "certificate verify failed: " + verify_error_text(X509_V_ERR_HOSTNAME_MISMATCH));
    }
  }

  void fail(int code, std::string message) {
    LoginFacts facts = attempt_->login().facts();
    report_.summary.clear();
    report_.fail({FailureKind::certificate, "tls", code, "", std::move(message)}, facts);
  }

  const Target& target_;
  const Options& options_;
  Report& report_;
  LoginSettings settings_;
  TlsMode wanted_ = TlsMode::preferred;
  std::shared_ptr<crypto::SecretBytes> none_;
  std::optional<TlsAttempt> attempt_;
};

}  // namespace

Report tls(const Target& target, const Options& options) {
  Report report;
  TlsReport(target, options, report).run();
  return report;
}

}  // namespace mysqlprobe
