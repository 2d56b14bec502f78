#include <mysqlwire/session/sequence_rewriter.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <string>

using namespace mysqlwire;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;

namespace {

Buffer bytes(std::string_view digits) {
  const auto exact = hex(digits);
  return {exact.get().begin(), exact.get().end()};
}

}  // namespace

TEST_CASE("frames get new ids and nothing else changes, at every split", "[sequence_rewriter]") {
  const Buffer before = bytes("010000030e 00000004 03000005010000 020000ff0101");
  const std::string after = to_hex(bytes("010000fe0e 000000ff 03000000010000 020000010101"));
  for (std::size_t split = 0; split <= before.size(); ++split) {
    for (std::size_t second = split; second <= before.size(); ++second) {
      Buffer stream = before;
      SequenceRewriter rewriter;
      std::uint8_t next = 254;
      const std::span<std::uint8_t> all(stream);
      rewriter.apply(all.first(split), next);
      rewriter.apply(all.subspan(split, second - split), next);
      rewriter.apply(all.subspan(second), next);
      REQUIRE(to_hex(stream) == after);
      REQUIRE(next == 2);
      REQUIRE(rewriter.last_seen() == 0xff);
    }
  }
}

TEST_CASE("it says whether a header ended in the bytes", "[sequence_rewriter]") {
  Buffer stream = bytes("02000007 0e0e");
  const std::span<std::uint8_t> all(stream);
  SequenceRewriter rewriter;
  std::uint8_t next = 0;
  CHECK_FALSE(rewriter.apply(all.first(3), next));
  CHECK(rewriter.apply(all.subspan(3, 2), next));
  CHECK(rewriter.last_seen() == 7);
  CHECK_FALSE(rewriter.apply(all.subspan(5), next));
  CHECK(next == 1);
}
