#include <mysqlwire/crypto/salt.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <set>

using namespace mysqlwire;

TEST_CASE("salts are fresh and keep to MySQL's alphabet", "[salt]") {
  std::set<Salt> seen;
  std::array<unsigned, 256> counts{};
  constexpr unsigned rounds = 2000;
  for (unsigned i = 0; i < rounds; ++i) {
    const Salt salt = crypto::random_salt();
    CHECK(seen.insert(salt).second);
    for (const auto byte : salt) ++counts[byte];
  }
  // 40,000 draws from 126 values: 317 each, give or take 18. Ten times that is no chance.
  for (unsigned byte = 0; byte < counts.size(); ++byte) {
    const bool allowed = byte != 0 && byte < 0x80 && byte != '$';
    INFO("byte " << byte);
    CHECK((allowed ? counts[byte] > 130 && counts[byte] < 500 : counts[byte] == 0));
  }
}
