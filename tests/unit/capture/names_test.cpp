// What values are called: each name once, and fit for a log.
#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/field_type.hpp>
#include <mysqlwire/wire/session_track.hpp>
#include <mysqlwire/wire/status.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

using namespace mysqlwire;

namespace {

bool is_readable(std::string_view name) {
  return std::ranges::all_of(name, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ' ' || c == '-' || c == '\'';
  });
}

/// How many of the values up to `last` have a name; values that have none may share `other`.
template <class Enum>
std::size_t named(unsigned last, std::string_view other = "unknown") {
  std::set<std::string_view> names;
  for (unsigned value = 0; value <= last; ++value) {
    const std::string_view name = to_string(static_cast<Enum>(value));
    INFO(value << ' ' << name);
    CHECK(is_readable(name));
    if (name.empty() || name == other) continue;
    CHECK(names.insert(name).second);
  }
  return names.size();
}

/// The same of flags, which are bits.
template <class Enum>
std::size_t named_bits(unsigned bits) {
  std::set<std::string_view> names;
  for (unsigned bit = 0; bit < bits; ++bit) {
    const std::string_view name = to_string(static_cast<Enum>(std::uint64_t{1} << bit));
    INFO(bit << ' ' << name);
    CHECK(is_readable(name));
    if (!name.empty() && name != "unknown") CHECK(names.insert(name).second);
  }
  return names.size();
}

}  // namespace

TEST_CASE("every value has one name, and values that are none have none") {
  CHECK(named<binlog::EventType>(255) == 46);
  CHECK(named<Command>(255) == 35);
  CHECK(named<FieldType>(255) == 37);
  CHECK(named<errc>(40) >= 8);
  CHECK(named<PacketKind>(80) == 31);
  CHECK(named<Phase>(40) >= 5);
  CHECK(named<sql::StatementKind>(120) == 35);
  CHECK(named<SessionTrackType>(255) >= 6);
  CHECK(named<capture::Problem::What>(5) == 6);
}

TEST_CASE("flags have names") {
  CHECK(named_bits<Capability>(40) >= 30);
  CHECK(named_bits<ServerStatus>(16) == 15);
  CHECK(named_bits<ColumnFlag>(16) >= 14);
  CHECK(named_bits<sql::Effect>(32) >= 10);
}
