#include "proxy/pool/primary_choice.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <random>
#include <vector>

using namespace mysqlproxy;
using Seen = PrimaryChoice::Seen;

namespace {

constexpr Seen writable{true, true};
constexpr Seen read_only{true, false};
constexpr Seen unknown{true, std::nullopt};
constexpr Seen down{false, true};  // as it was when it was seen last
constexpr Seen down_read_only{false, false};

std::optional<std::size_t> choose(PrimaryChoice& choice, std::vector<Seen> servers) {
  return choice.choose(servers);
}

}  // namespace

TEST_CASE("the primary is the server that can be written to", "[pool][primary]") {
  PrimaryChoice choice;
  CHECK(choose(choice, {unknown, unknown}) == std::nullopt);
  CHECK(choose(choice, {read_only, unknown}) == std::nullopt);
  CHECK(choose(choice, {read_only, writable}) == 1);
  // It stays, whoever else turns up.
  CHECK(choose(choice, {writable, writable}) == 1);
  CHECK(choose(choice, {writable, read_only}) == 0);
  CHECK(choose(choice, {read_only, read_only}) == std::nullopt);
}

TEST_CASE("a primary that comes back as it was is used when nobody has replaced it",
          "[pool][primary]") {
  PrimaryChoice choice;
  CHECK(choose(choice, {writable, read_only}) == 0);
  CHECK(choose(choice, {down, read_only}) == std::nullopt);
  CHECK(choose(choice, {writable, read_only}) == 0);
}

TEST_CASE("a primary that was replaced is fenced until it has been seen read-only",
          "[pool][primary]") {
  PrimaryChoice choice;
  CHECK(choose(choice, {writable, read_only}) == 0);
  CHECK(choose(choice, {down, writable}) == 1);
  CHECK(choice.fenced(0));
  CHECK(choose(choice, {writable, writable}) == 1);
  // It lacks what the second was told.
  CHECK(choose(choice, {writable, down}) == std::nullopt);
  CHECK(choose(choice, {writable, writable}) == 1);
  // Down and last seen read-only is not being seen.
  CHECK(choose(choice, {down_read_only, writable}) == 1);
  CHECK(choice.fenced(0));
  CHECK(choose(choice, {read_only, writable}) == 1);
  CHECK_FALSE(choice.fenced(0));
  CHECK(choose(choice, {writable, read_only}) == 0);
  // That one had been made read-only first, so it may come back by itself.
  CHECK_FALSE(choice.fenced(1));
}

TEST_CASE("a member of a cluster that is in step lacks nothing", "[pool][primary]") {
  constexpr Seen member{.up = true, .writable = true, .in_step = true};
  constexpr Seen out_of_step{.up = true, .writable = false};
  constexpr Seen gone{.up = false, .writable = false};
  PrimaryChoice choice;
  CHECK(choose(choice, {member, member, member}) == 0);
  CHECK(choose(choice, {gone, member, member}) == 1);
  // It stays, and the one that was away may be the next.
  CHECK(choose(choice, {member, member, member}) == 1);
  CHECK_FALSE(choice.fenced(0));
  CHECK(choose(choice, {member, out_of_step, gone}) == 0);
  // A check has not seen it out of step: it was up again too soon.
  CHECK(choose(choice, {Seen{.up = false, .writable = true, .in_step = true}, gone, member}) == 2);
  CHECK(choice.fenced(0));
  CHECK(choose(choice, {member, gone, gone}) == 0);
}

TEST_CASE("a member that holds others up is the primary when there is no other",
          "[pool][primary]") {
  constexpr Seen member{.up = true, .writable = true, .in_step = true};
  constexpr Seen donor{.up = true, .writable = true, .in_step = true, .second_choice = true};
  constexpr Seen gone{.up = false, .writable = false};
  PrimaryChoice choice;
  CHECK(choose(choice, {donor, member}) == 1);
  CHECK(choose(choice, {member, donor}) == 0);
  CHECK(choose(choice, {donor, donor}) == 0);
  CHECK(choose(choice, {donor, gone}) == 0);
  CHECK(choose(choice, {gone, donor}) == 1);
  CHECK_FALSE(choice.fenced(0));
}

TEST_CASE("a reload keeps the choice and the fences", "[pool][primary]") {
  PrimaryChoice choice;
  CHECK(choose(choice, {writable, read_only, read_only}) == 0);
  CHECK(choose(choice, {down, read_only, writable}) == 2);
  const std::array<std::optional<std::size_t>, 4> places{2, std::nullopt, 0, 1};
  PrimaryChoice moved = choice.moved(places);
  CHECK(moved.current() == 0);
  CHECK(moved.fenced(2));
  CHECK(choose(moved, {writable, writable, writable, read_only}) == 0);
  CHECK(choose(moved, {down, read_only, writable, read_only}) == std::nullopt);
  // Without its primary the pool begins anew, and still does not trust the one before.
  const std::array<std::optional<std::size_t>, 2> without{0, 1};
  PrimaryChoice smaller = choice.moved(without);
  CHECK(smaller.current() == std::nullopt);
  CHECK(choose(smaller, {writable, read_only}) == std::nullopt);
}

TEST_CASE("whatever happens, one server at most is written to, and none that is fenced",
          "[pool][primary]") {
  std::mt19937 dice(20261121);
  for (int run = 0; run < 300; ++run) {
    PrimaryChoice choice;
    std::vector<Seen> servers(1 + dice() % 4, unknown);
    std::optional<std::size_t> before;
    // Who has been left for another, while it could be written to, and not been seen read-only
    // since.
    std::vector<bool> stale(servers.size(), false);
    for (int step = 0; step < 60; ++step) {
      Seen& one = servers[dice() % servers.size()];
      one.up = dice() % 3 != 0;
      if (one.up) one.writable = dice() % 2 == 0;
      for (std::size_t i = 0; i < servers.size(); ++i)
        if (servers[i].up && servers[i].writable == false) stale[i] = false;
      const auto chosen = choice.choose(servers);
      if (chosen) {
        REQUIRE(servers[*chosen].up);
        REQUIRE(servers[*chosen].writable == true);
        REQUIRE_FALSE(stale[*chosen]);
        if (before && *before != *chosen) {
          const bool still_good = servers[*before].up && servers[*before].writable == true;
          REQUIRE_FALSE(still_good);
          stale[*before] = servers[*before].writable != false;
        }
        before = chosen;
      }
    }
  }
}
