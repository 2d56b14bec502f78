// caching_sha2_password, sha256_password, client_ed25519 and parsec.
#include "support/hex.hpp"

#include <mysqlwire/crypto/caching_sha2_password.hpp>
#include <mysqlwire/crypto/ed25519.hpp>
#include <mysqlwire/crypto/parsec.hpp>
#include <mysqlwire/crypto/rsa_password.hpp>
#include <mysqlwire/crypto/sha_crypt.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

using namespace mysqlwire;
using namespace mysqlwire::crypto;
using test::hex;

namespace {

bool same(Bytes a, Bytes b) { return std::ranges::equal(a, b); }

}  // namespace

TEST_CASE("caching_sha2_password: a login of a real client", "[crypto]") {
  const auto salt = hex("2b47146e1d6f5c596d23420b2a681b350a647e4d");
  const auto response = hex("866d74031e3570868ac3adc69b3dc12e8183b1aad9534c8e050c39f6e1aed0d8");
  const auto stage2 =
      parse_sha2_hash("3881219d087dd9c634373fd33dfa33a2cb6bfc6c520b64b8bb60ef2ceb534ae7");
  REQUIRE(stage2);
  CHECK(*stage2 == sha2_hash("secret"));
  CHECK(same(sha2_scramble(sha2_stage1("secret"), salt), response));
  const auto stage1 = recover_sha2_stage1(response, salt, *stage2);
  REQUIRE(stage1);
  CHECK(same(stage1->bytes(),
             hex("2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b")));
  // With it any other salt is answered.
  const auto other = hex("3b40595f23432f1c785a251454447a6d5471466f");
  CHECK(same(sha2_scramble(*stage1, other),
             hex("3614e555f329bde04b905f7d3625a3dd03a2f8d664d95262d0b237f9f87eba07")));

  auto wrong = Buffer(response.get().begin(), response.get().end());
  for (auto& byte : wrong) {
    byte ^= 1;
    CHECK_FALSE(recover_sha2_stage1(wrong, salt, *stage2));
    byte ^= 1;
  }
  CHECK_FALSE(recover_sha2_stage1({}, salt, *stage2));
  CHECK_FALSE(recover_sha2_stage1(response.get().first(31), salt, *stage2));
  CHECK_FALSE(recover_sha2_stage1(response, other, *stage2));
}

TEST_CASE("caching_sha2_password: the stored form of its fast path", "[crypto]") {
  const Sha256 hash = sha2_hash("secret");
  CHECK(format_sha2_hash(hash) ==
        "3881219D087DD9C634373FD33DFA33A2CB6BFC6C520B64B8BB60EF2CEB534AE7");
  CHECK(*parse_sha2_hash(format_sha2_hash(hash)) == hash);
  CHECK(parse_sha2_hash(std::string(63, 'a')).error().code == errc::truncated);
  CHECK(parse_sha2_hash(std::string(65, 'a')).error().code == errc::too_long);
  const auto bad = parse_sha2_hash("3881219x");
  CHECK(bad.error().code == errc::bad_value);
  CHECK(bad.error().offset == 7);
}

TEST_CASE("what MySQL stores for caching_sha2_password and sha256_password", "[crypto]") {
  for (const auto form : {ShaCryptHash::Form::caching_sha2, ShaCryptHash::Form::sha256}) {
    const ShaCryptHash made = make_sha_crypt("secret", form);
    const std::string text = format_sha_crypt(made);
    CHECK(text.size() == (form == ShaCryptHash::Form::caching_sha2 ? 70 : 67));
    const auto read = parse_sha_crypt(text);
    REQUIRE(read);
    CHECK(*read == made);
    CHECK(verify_sha_crypt("secret", *read));
    CHECK_FALSE(verify_sha_crypt("Secret", *read));
    CHECK_FALSE(verify_sha_crypt("", *read));
  }
  // Rounds are in the hash.
  const ShaCryptHash slow = make_sha_crypt("p", ShaCryptHash::Form::caching_sha2, 10'000);
  CHECK(format_sha_crypt(slow).starts_with("$A$00A$"));
  CHECK(parse_sha_crypt(format_sha_crypt(slow))->rounds == 10'000);
}

TEST_CASE("SHA-crypt: the digests of other implementations", "[crypto]") {
  const auto check = [](std::string_view password, std::uint32_t rounds, std::string salt,
                        std::string digest) {
    const ShaCryptHash hash{ShaCryptHash::Form::sha256, rounds, std::move(salt), std::move(digest)};
    CHECK(verify_sha_crypt(password, hash));
    CHECK_FALSE(verify_sha_crypt(std::string(password) + "x", hash));
  };
  check("Hello world!", 5000, "saltstring", "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
  check("Hello world!", 10000, "saltstringsaltst", "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA");
  check("a very much longer text to encrypt.  This one even stretches over morethan one line.",
        1400, "anotherlongsalts", "Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1");
  check("", 5000, "short", "cLqQczNe1fmrPIy0KIrfq/WfsyygGH83SzXaZDNpS53");
}

TEST_CASE("hashes that a MySQL 8.0 server stores", "[crypto]") {
  // HEX(authentication_string); control bytes are in the salts.
  const auto caching = parse_sha_crypt(
      "244124303035240D757A083E3F350E16322D31095F135B311D504C7266707A3738382E59616C39747A3733545672"
      "7948666E70474"
      "3324349344A424E5331346E553746706134");
  REQUIRE(caching);
  CHECK(caching->form == ShaCryptHash::Form::caching_sha2);
  CHECK(caching->rounds == 5000);
  CHECK(verify_sha_crypt("secret", *caching));
  CHECK_FALSE(verify_sha_crypt("secret ", *caching));
  const auto sha256 = parse_sha_crypt(
      "0x243524641D5C53642854360345543B57675F535E492C27247051796633734B4A536647376C7639495437464656"
      "61346E6D77317061"
      "455A6B51757051674D6E71536831");
  REQUIRE(sha256);
  CHECK(sha256->form == ShaCryptHash::Form::sha256);
  CHECK(verify_sha_crypt("secret", *sha256));
}

TEST_CASE("hashes that are none", "[crypto]") {
  for (const char* text : {"", "$A$", "$A$005$short", "$5$short", "$6$saltsaltsaltsaltsalt$x",
                           "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
                           "$A$000$aaaaaaaaaaaaaaaaaaaa"
                           "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}) {
    CHECK_FALSE(parse_sha_crypt(text));
  }
  CHECK_FALSE(parse_ed25519_key("ZIgUREUg5PVgQ6LskhXmO"));
  CHECK_FALSE(parse_ed25519_key("!!gUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY"));
  for (const char* text : {"", "P", "P0", "P0:", "P0::", "P9:AAAAAAAAAAAAAAAAAAAAAAAA:x"})
    CHECK_FALSE(parse_parsec(text));
}

TEST_CASE("passwords for an RSA key", "[crypto]") {
  const RsaKey key = RsaKey::generate();
  const auto salt = hex("3b40595f23432f1c785a251454447a6d5471466f");
  const auto encrypted = encrypt_password(as_bytes("secret"), salt, key.public_pem());
  REQUIRE(encrypted);
  CHECK(encrypted->size() == 256);
  const auto password = key.decrypt(*encrypted, salt);
  REQUIRE(password);
  CHECK(as_text(password->bytes()) == "secret");
  CHECK(encrypt_password({}, salt, key.public_pem()));
  CHECK(key.decrypt(*encrypt_password({}, salt, key.public_pem()), salt)->empty());

  const auto again = RsaKey::from_pem(as_text(key.private_pem().bytes()));
  REQUIRE(again);
  CHECK(again->public_pem() == key.public_pem());
  CHECK(again->decrypt(*encrypted, salt));
  CHECK_FALSE(RsaKey::from_pem("-----BEGIN"));
  CHECK_FALSE(key.decrypt(*encrypted, hex("00")));  // another salt: no NUL at the end
  CHECK_FALSE(key.decrypt(Bytes(*encrypted).first(255), salt));
  CHECK_FALSE(encrypt_password(as_bytes("secret"), salt, "no key"));
  const std::string longest(256 - 42 - 1, 'x');
  CHECK(encrypt_password(as_bytes(longest), salt, key.public_pem()));
  CHECK(encrypt_password(as_bytes(longest + "x"), salt, key.public_pem()).error().code ==
        errc::too_long);
}

TEST_CASE("client_ed25519: a login of a real client", "[crypto]") {
  const auto key = parse_ed25519_key("ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY");
  REQUIRE(key);
  CHECK(same(*key, hex("648814444520e4f56043a2ec9215e63be7992d2d270bc6dee873e36164786096")));
  CHECK(ed25519_public_key("secret") == *key);
  CHECK(format_ed25519_key(*key) == "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY");
  const auto nonce = hex("d3da36f0475d0beeb78491c23db6bac5c37c0fa22d456a8f177c9d5256719278");
  const auto signature =
      hex("07fbb430cd3b7fc3dc50dbcccaee16f041a6771997bfc41f3fd36d5b653b8348ff74b06170a34a0f57f0469e"
          "f96d2d7910"
          "a0d3a6f015272d3e0c1ff16247d90b");
  CHECK(ed25519_verify(signature, nonce, *key));
  CHECK(same(ed25519_sign("secret", nonce), signature));
  CHECK_FALSE(ed25519_verify(ed25519_sign("Secret", nonce), nonce, *key));
  CHECK_FALSE(ed25519_verify(signature.get().first(63), nonce, *key));
  CHECK_FALSE(ed25519_verify({}, nonce, *key));
}

TEST_CASE("parsec", "[crypto]") {
  const ParsecHash hash = make_parsec("secret", 1);
  CHECK(*parse_parsec(format_parsec(hash)) == hash);
  CHECK(*ParsecSalt::decode(hash.salt.encode()) == hash.salt);
  const ParsecScramble server = parsec_scramble();
  const ParsecScramble client = parsec_scramble();
  CHECK(server != client);
  const Buffer response = parsec_response("secret", server, hash.salt, client);
  CHECK(response.size() == 96);
  CHECK(verify_parsec(response, server, hash));
  CHECK_FALSE(verify_parsec(parsec_response("Secret", server, hash.salt, client), server, hash));
  CHECK_FALSE(verify_parsec(response, client, hash));
  CHECK_FALSE(verify_parsec(Bytes(response).first(95), server, hash));
  Buffer greedy = hash.salt.encode();
  greedy[1] = ParsecSalt::max_factor + 1;
  CHECK(ParsecSalt::decode(greedy).error().code == errc::limit_exceeded);
}
