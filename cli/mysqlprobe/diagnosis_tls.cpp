#include "cli/mysqlprobe/diagnosis_detail.hpp"

#include <fmt/format.h>
#include <openssl/x509_vfy.h>

namespace mysqlprobe::detail {

namespace {

bool says(const Failure& failure, std::string_view words) {
  return failure.message.find(words) != std::string::npos;
}

void bad_certificate(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  switch (failure.code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      add(out, "The server's certificate has expired.",
          "Renew it on the server; then ALTER INSTANCE RELOAD TLS (MySQL 8.0.16), FLUSH SSL "
          "(MariaDB), or a restart.");
      add(out, "The clock of this machine is wrong.", "Compare `date` with another machine.");
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      add(out, "The server's certificate is not valid yet.",
          "Compare the clocks of this machine and of the one that made it.");
      break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      add(out, "The server's certificate is signed by itself and by no authority known here.",
          "Give that certificate itself by --ca, or have the server use one of an authority; "
          "--tls required encrypts without knowing whom one talks to.");
      break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      add(out, "The server's certificate was issued by an authority that is not known here.",
          "Give the authority's certificate by --ca: ca.pem in the data directory of a MySQL that "
          "made its own, or your company's.");
      add(out, "The server does not send the intermediate certificates.",
          "Put them behind the server's own in the file of ssl_cert.");
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      add(out, fmt::format("The server's certificate is for another name than {}.", facts.host),
          "Connect by a name that stands in it (`mysqlprobe tls` lists them), or give that name by "
          "--server-name; certificates that MySQL makes itself have no host's name: --tls "
          "verify-ca.");
      add(out, "It is another server.", "Check the address that the name has.");
      break;
    case X509_V_ERR_CERT_REVOKED:
      add(out, "The server's certificate was revoked.", "Have it replaced.");
      break;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      add(out, "A key or signature in the certificate chain is too weak for this system.",
          "Have it replaced by one with RSA of 2048 bits or more and SHA-256.");
      break;
    default:
      add(out, "The server's certificate does not stand the test.", "See `mysqlprobe tls`.");
      break;
  }
}

}  // namespace

void diagnose_tls(Diagnosis& out, const Failure& failure, const LoginFacts& facts) {
  out.exit = ExitCode::tls;
  if (failure.kind == FailureKind::certificate) return bad_certificate(out, failure, facts);
  if (failure.kind == FailureKind::tls_files) {
    out.exit = ExitCode::usage;
    return add(out, "A file given for TLS can't be used.", "Check its path, rights and contents.");
  }
  if (failure.kind == FailureKind::tls_absent) {
    add(out, "The server offers no TLS: it has none set up, or it is switched off.",
        "Set ssl_ca, ssl_cert and ssl_key on the server (MySQL makes its own when they are "
        "missing); see have_ssl and its error log. --tls disabled goes on without.");
    add(out, "Something in between has taken the offer out.",
        "Compare with a connection from the server's own machine.");
    return;
  }
  if (says(failure, "unsupported protocol") || says(failure, "alert protocol version") ||
      says(failure, "no protocols available")) {
    add(out, "Server and client have no version of TLS in common.",
        "See `mysqlprobe tls` for what the server takes, and tls_version there; --tls-version sets "
        "what is offered here.");
  } else if (says(failure, "alert handshake failure") || says(failure, "no shared cipher") ||
             says(failure, "no cipher")) {
    add(out, "Server and client have no cipher in common.",
        "See ssl_cipher and tls_ciphersuites on the server, and --ciphers here.");
    add(out, "The server wants a client certificate.", "Give --cert and --key.");
  } else if (says(failure, "certificate required") || says(failure, "alert bad certificate")) {
    add(out, "The server wants a client certificate.", "Give --cert and --key.");
  } else if (says(failure, "alert unknown ca")) {
    add(out, "The server does not know who issued our certificate.",
        "Give one of the authority in the server's ssl_ca.");
  } else if (says(failure, "alert certificate expired")) {
    add(out, "Our client certificate has expired.", "Renew it.");
  } else if (says(failure, "too small") || says(failure, "too weak")) {
    add(out, "A key of the server's is too small for this system.",
        "Have it replaced by one of 2048 bits or more.");
  } else if (says(failure, "wrong version number") || says(failure, "packet length")) {
    add(out, "What came back is no TLS: something in between answers in its place.",
        "A proxy that relays the greeting, but not TLS, does this. Probe the server behind it.");
  } else {
    add(out, "The TLS handshake failed.",
        "See `mysqlprobe tls`, and the server's error log. --tls disabled goes on without.");
  }
}

}  // namespace mysqlprobe::detail
