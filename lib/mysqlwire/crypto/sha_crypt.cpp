#include <mysqlwire/crypto/digest_detail.hpp>
#include <mysqlwire/crypto/hex_detail.hpp>
#include <mysqlwire/crypto/salt.hpp>
#include <mysqlwire/crypto/secret.hpp>
#include <mysqlwire/crypto/sha_crypt.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace mysqlwire::crypto {
namespace {

constexpr std::size_t digest_size = 43;
constexpr std::uint32_t rounds_unit = 1000;
constexpr std::uint32_t sha256_rounds = 5000;
constexpr std::string_view caching_prefix = "$A$";
constexpr std::string_view sha256_prefix = "$5$";
constexpr const char* form_fault =
    "expected a hash such as $A$005$..., 70 bytes, or $5$..., 67 bytes, as mysql.user has them "
    "(take HEX(authentication_string): the salt may hold any byte)";

/// Base 64 with SHA-crypt's alphabet and order, of `count` characters.
void append_base64(std::string& text, unsigned b2, unsigned b1, unsigned b0, int count) {
  static constexpr char alphabet[] =
      "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  unsigned bits = b2 << 16 | b1 << 8 | b0;
  for (int i = 0; i < count; ++i) {
    text += alphabet[bits & 63];
    bits >>= 6;
  }
}

std::string encode(const Secret<32>& digest) {
  const auto at = [&](unsigned i) -> unsigned { return digest.bytes()[i]; };
  std::string text;
  // The bytes are taken in a rotating order; each step moves all three by 21 modulo 30.
  unsigned a = 0;
  unsigned b = 10;
  unsigned c = 20;
  for (int i = 0; i < 10; ++i) {
    append_base64(text, at(a), at(b), at(c), 4);
    a = (a + 21) % 30;
    b = (b + 21) % 30;
    c = (c + 21) % 30;
  }
  append_base64(text, 0, at(31), at(30), 3);
  return text;
}

/// `size` bytes made of the digest over and over.
SecretBytes repeated(const Secret<32>& digest, std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = digest.bytes()[i % 32];
  SecretBytes result(bytes);
  cleanse(bytes);
  return result;
}

/// Bytes that are appended to, wiped at the end.
class Accumulator {
 public:
  ~Accumulator() { cleanse(bytes_); }
  void add(Bytes more) {
    if (bytes_.capacity() - bytes_.size() < more.size()) {
      // Grows by hand, so that no copy is left behind.
      Buffer grown;
      grown.reserve(2 * (bytes_.size() + more.size()));
      grown.assign(bytes_.begin(), bytes_.end());
      cleanse(bytes_);
      bytes_.swap(grown);
    }
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  void digest(Secret<32>& out) const { sha256({bytes_}, out.writable_bytes()); }

 private:
  Buffer bytes_;
};

/// Drepper's SHA-crypt, https://www.akkadia.org/drepper/SHA-crypt.txt, without its limit on salts.
std::string crypt(std::string_view password, std::string_view salt, std::uint32_t rounds) {
  const Bytes p = as_bytes(password);
  const Bytes s = as_bytes(salt);
  Secret<32> b;
  sha256({p, s, p}, b.writable_bytes());
  Secret<32> a;
  {
    Accumulator input;
    input.add(p);
    input.add(s);
    input.add(repeated(b, p.size()).bytes());
    for (std::size_t bits = p.size(); bits != 0; bits >>= 1)
      input.add((bits & 1) != 0 ? Bytes(b.bytes()) : p);
    input.digest(a);
  }
  Secret<32> dp;
  {
    Accumulator input;
    for (std::size_t i = 0; i < p.size(); ++i) input.add(p);
    input.digest(dp);
  }
  const SecretBytes p_bytes = repeated(dp, p.size());
  Secret<32> ds;
  {
    Accumulator input;
    for (unsigned i = 0; i < 16U + a.bytes()[0]; ++i) input.add(s);
    input.digest(ds);
  }
  const SecretBytes s_bytes = repeated(ds, s.size());
  for (std::uint32_t i = 0; i < rounds; ++i) {
    const bool odd = (i & 1) != 0;
    const Bytes first = odd ? p_bytes.bytes() : Bytes(a.bytes());
    const Bytes last = odd ? Bytes(a.bytes()) : p_bytes.bytes();
    const Bytes salted = i % 3 != 0 ? s_bytes.bytes() : Bytes();
    const Bytes repeated_password = i % 7 != 0 ? p_bytes.bytes() : Bytes();
    Secret<32> next;
    sha256({first, salted, repeated_password, last}, next.writable_bytes());
    a = std::move(next);
  }
  return encode(a);
}

/// The text that HEX() made, read back; the text itself when it is none.
std::string from_hex(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  const bool all = std::ranges::all_of(digits, [](char c) { return hex_digit(c) >= 0; });
  if (!all || digits.empty() || digits.size() % 2 != 0) return std::string(text);
  Buffer bytes(digits.size() / 2);
  read_hex(digits, bytes);
  return std::string(as_text(bytes));
}

}  // namespace

Result<ShaCryptHash> parse_sha_crypt(std::string_view text) {
  const std::string stored = from_hex(text);
  const std::string_view rest = stored;
  ShaCryptHash hash;
  if (rest.starts_with(caching_prefix)) {
    const std::string_view digits = rest.substr(3, 3);
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), hash.rounds, 16);
    const bool good = code == std::errc() && end == digits.data() + 3 && hash.rounds != 0;
    if (!good || rest.size() != 7 + ShaCryptHash::salt_size + digest_size || rest[6] != '$')
      return Error{errc::bad_value, 0, form_fault};
    hash.rounds *= rounds_unit;
    hash.salt = rest.substr(7, ShaCryptHash::salt_size);
    hash.digest = rest.substr(7 + ShaCryptHash::salt_size);
    return hash;
  }
  if (rest.starts_with(sha256_prefix)) {
    if (rest.size() != 4 + ShaCryptHash::salt_size + digest_size ||
        rest[3 + ShaCryptHash::salt_size] != '$')
      return Error{errc::bad_value, 0, form_fault};
    hash.form = ShaCryptHash::Form::sha256;
    hash.rounds = sha256_rounds;
    hash.salt = rest.substr(3, ShaCryptHash::salt_size);
    hash.digest = rest.substr(4 + ShaCryptHash::salt_size);
    return hash;
  }
  return Error{errc::bad_value, 0, form_fault};
}

std::string format_sha_crypt(const ShaCryptHash& hash) {
  std::string text;
  if (hash.form == ShaCryptHash::Form::sha256) {
    text.append(sha256_prefix).append(hash.salt).append("$");
  } else {
    std::array<char, 4> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), hash.rounds / rounds_unit, 16).ptr;
    const auto count = static_cast<std::size_t>(end - digits.begin());
    text.append(caching_prefix).append(3 - std::min<std::size_t>(count, 3), '0');
    for (const char* c = digits.begin(); c != end; ++c)
      text += *c >= 'a' ? static_cast<char>(*c - 'a' + 'A') : *c;
    text.append("$").append(hash.salt);
  }
  return text.append(hash.digest);
}

bool verify_sha_crypt(std::string_view password, const ShaCryptHash& hash) {
  const std::string digest = crypt(password, hash.salt, hash.rounds);
  return equal_in_constant_time(as_bytes(digest), as_bytes(hash.digest));
}

ShaCryptHash make_sha_crypt(std::string_view password, ShaCryptHash::Form form,
                            std::uint32_t rounds) {
  const auto salt = random_salt();
  ShaCryptHash hash;
  hash.form = form;
  hash.rounds = form == ShaCryptHash::Form::sha256 ? sha256_rounds : rounds;
  hash.salt = std::string(as_text(salt));
  hash.digest = crypt(password, hash.salt, hash.rounds);
  return hash;
}

}  // namespace mysqlwire::crypto
