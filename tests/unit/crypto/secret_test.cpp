#include <mysqlwire/crypto/secret.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <array>
#include <cstring>
#include <new>
#include <ostream>
#include <type_traits>

using namespace mysqlwire;
using mysqlwire::crypto::Secret;
using mysqlwire::crypto::SecretBytes;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;

namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

}  // namespace

static_assert(Printable<int>);
static_assert(!Printable<Secret<20>> && !Printable<SecretBytes>);
static_assert(!std::is_copy_constructible_v<Secret<20>> && !std::is_copy_assignable_v<Secret<20>>);
static_assert(!std::is_copy_constructible_v<SecretBytes>);

TEST_CASE("a secret is gone from memory when it goes", "[secret]") {
  alignas(Secret<4>) std::array<unsigned char, sizeof(Secret<4>)> storage{};
  const std::array<std::uint8_t, 4> value{1, 2, 3, 4};
  auto* secret = new (storage.data()) Secret<4>(value);
  CHECK(std::memcmp(storage.data(), value.data(), 4) == 0);
  secret->~Secret<4>();
  CHECK(to_hex(storage) == "00000000");
}

TEST_CASE("moving a secret leaves nothing behind", "[secret]") {
  Secret<4> source(std::array<std::uint8_t, 4>{1, 2, 3, 4});
  Secret<4> target(std::move(source));
  CHECK(to_hex(source.bytes()) == "00000000");
  CHECK(to_hex(target.bytes()) == "01020304");
  Secret<4> again;
  again = std::move(target);
  CHECK(to_hex(target.bytes()) == "00000000");
  CHECK(again == again.clone());
  CHECK_FALSE(again == target);

  SecretBytes bytes(hex("0a0b0c"));
  SecretBytes moved(std::move(bytes));
  CHECK(bytes.empty());
  CHECK(to_hex(moved.bytes()) == "0a0b0c");
  CHECK(moved == moved.clone());
  moved.wipe();
  CHECK(moved.empty());
  CHECK(moved == SecretBytes());
}

TEST_CASE("comparison looks at size and every byte", "[secret]") {
  CHECK(crypto::equal_in_constant_time(hex("0102"), hex("0102")));
  CHECK(crypto::equal_in_constant_time({}, {}));
  CHECK_FALSE(crypto::equal_in_constant_time(hex("0102"), hex("0103")));
  CHECK_FALSE(crypto::equal_in_constant_time(hex("0102"), hex("010200")));
}
