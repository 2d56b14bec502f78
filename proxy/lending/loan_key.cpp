#include "proxy/lending/loan_key.hpp"

#include <mysqlwire/crypto/secret.hpp>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string_view>

namespace mysqlproxy::lending {

using mysqlwire::Bytes;
using mysqlwire::Capabilities;
using mysqlwire::Capability;

namespace {

/// What a login says of itself or of its link, and what servers act upon in no statement.
constexpr Capabilities indifferent{Capability::plugin_auth,
                                   Capability::plugin_auth_lenenc_client_data,
                                   Capability::connect_attrs,
                                   Capability::connect_with_db,
                                   Capability::secure_connection,
                                   Capability::reserved,
                                   Capability::remember_options,
                                   Capability::ignore_sigpipe,
                                   Capability::odbc,
                                   Capability::ssl,
                                   Capability::ssl_verify_server_cert,
                                   Capability::compress,
                                   Capability::zstd_compression_algorithm};

using Key = mysqlwire::crypto::Secret<32>;

/// Of this process alone: a fingerprint means nothing to anybody else.
const Key& process_key() {
  static const Key key = [] {
    Key fresh;
    const auto bytes = fresh.writable_bytes();
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
      throw std::runtime_error("the system has no randomness to give");
    return fresh;
  }();
  return key;
}

struct FreeMac {
  void operator()(EVP_MAC* mac) const noexcept { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};

/// HMAC-SHA-256 by that key. One a thread, since to look up the algorithm costs more than to run
/// it.
class Hmac {
 public:
  Hmac() {
    const std::unique_ptr<EVP_MAC, FreeMac> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    require(mac != nullptr);
    context_.reset(EVP_MAC_CTX_new(mac.get()));
    char sha256[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_end()};
    const auto key = process_key().bytes();
    require(context_ != nullptr &&
            EVP_MAC_init(context_.get(), key.data(), key.size(), parameters) == 1);
  }

  Borrower::Fingerprint of(Bytes text) {
    Borrower::Fingerprint out{};
    std::size_t size = 0;
    // Without a key it begins anew with the one that it has.
    require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 &&
            EVP_MAC_update(context_.get(), text.data(), text.size()) == 1 &&
            EVP_MAC_final(context_.get(), out.data(), &size, out.size()) == 1 &&
            size == out.size());
    return out;
  }

 private:
  static void require(bool good) {
    if (!good) throw std::runtime_error("HMAC failed");
  }
  std::unique_ptr<EVP_MAC_CTX, FreeMac> context_;
};

Borrower::Fingerprint fingerprint(Bytes secret) {
  thread_local Hmac hmac;
  return hmac.of(secret);
}

/// Of the form that most logins give away, so that as many of one user as possible are alike. The
/// sizes of the forms differ, so none can be taken for another.
std::optional<Borrower::Fingerprint> fingerprint_of(
    const mysqlwire::crypto::PasswordSecret& secret) {
  if (secret.clear && secret.clear->empty()) return fingerprint({});
  if (const auto digest = secret.get_sha256()) return fingerprint(digest->bytes());
  if (const auto digest = secret.get_sha1()) return fingerprint(digest->bytes());
  return std::nullopt;
}

std::string address_of(const Origin* origin) {
  if (origin == nullptr || origin->family == mysqlwire::ProxyFamily::unspecified) return {};
  std::string text(1, static_cast<char>(origin->family));
  text.append(origin->source.ip.begin(), origin->source.ip.end());
  return text;
}

}  // namespace

std::shared_ptr<const Borrower> Borrower::make(const Credentials& credentials,
                                               const SessionWishes& wishes, const Origin* origin) {
  auto who = std::make_shared<Borrower>();
  who->account_ = credentials.account();
  who->capabilities_ = wishes.capabilities;
  who->capabilities_.clear(indifferent);
  who->address_ = address_of(origin);
  const auto print = fingerprint_of(credentials.secret);
  who->shareable_ = print.has_value();
  if (print) who->fingerprint_ = *print;
  who->hash_ = std::hash<std::string>()(who->account_) ^
               (std::hash<std::uint64_t>()(who->capabilities_.bits()) << 1);
  return who;
}

bool Borrower::same_login(const Borrower& other) const noexcept {
  return shareable_ && other.shareable_ && account_ == other.account_ &&
         capabilities_ == other.capabilities_ &&
         mysqlwire::crypto::equal_in_constant_time(fingerprint_, other.fingerprint_);
}

std::shared_ptr<const Borrower> Borrowers::find(std::shared_ptr<const Borrower> made) {
  const auto [first, last] = known_.equal_range(made->hash());
  for (auto known = first; known != last; ++known) {
    auto borrower = known->second.lock();
    if (borrower && borrower->same_login(*made) && borrower->same_address(*made)) return borrower;
  }
  if (known_.size() >= sweep_at_) {
    std::erase_if(known_, [](const auto& one) { return one.second.expired(); });
    sweep_at_ = std::max<std::size_t>(64, 2 * known_.size());
  }
  if (made->shareable()) known_.emplace(made->hash(), made);
  return made;
}

bool operator==(const LoanKey& a, const LoanKey& b) noexcept {
  if (a.server != b.server) return false;
  if (a.who == b.who) return true;
  if (!a.who->same_login(*b.who)) return false;
  // Who is told the client's address judges accounts by it.
  return a.server->config().proxy_protocol == ProxyProtocol::disabled ||
         a.who->same_address(*b.who);
}

}  // namespace mysqlproxy::lending
