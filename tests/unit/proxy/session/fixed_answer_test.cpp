#include "proxy/session/fixed_answer.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/capabilities.hpp>

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using mysqlwire::Capability;
using mysqlwire::Direction;

namespace {

/// How a client that follows the protocol takes the answer.
void check_answer(const RuleAnswer& answer, bool binary, bool deprecate_eof) {
  CAPTURE(binary, deprecate_eof);
  mysqlwire::Context context;
  context.capabilities.set(Capability::protocol_41);
  context.capabilities.set(Capability::transactions);
  if (deprecate_eof) context.capabilities.set(Capability::deprecate_eof);
  context.limits.max_columns = 100;
  auto tracker = mysqlwire::Tracker::in_command_phase(context);
  const std::uint8_t command[] = {3, 'x'};
  REQUIRE(tracker.accept({Direction::to_server, 0, 2, command}));
  mysqlwire::StatusFlags status;
  status.set(mysqlwire::ServerStatus::autocommit);
  const mysqlwire::Buffer packets = fixed_answer(answer, context, status, binary, 1);
  mysqlwire::FrameReader reader;
  reader.feed(packets);
  for (;;) {
    const auto packet = reader.next();
    REQUIRE(packet);
    if (!*packet) break;
    CHECK_FALSE(tracker.idle());
    REQUIRE(tracker.accept(Direction::to_client, **packet));
  }
  CHECK(tracker.idle());
  CHECK(reader.unread().empty());
  CHECK(tracker.status().has(mysqlwire::ServerStatus::autocommit));
  if (!answer.columns.empty()) CHECK(tracker.rows() == answer.rows.size());
}

}  // namespace

TEST_CASE("a fixed answer is one that clients can follow", "[session]") {
  RuleAnswer rows;
  rows.columns = {"a", "b"};
  rows.rows = {{"1", std::nullopt}, {std::string(300, 'x'), ""}};
  RuleAnswer none;
  none.columns = {"a"};
  RuleAnswer ok;
  ok.affected_rows = 300;
  for (const bool deprecate_eof : {false, true}) {
    check_answer(ok, false, deprecate_eof);
    check_answer(rows, false, deprecate_eof);
    check_answer(none, false, deprecate_eof);
  }
}

TEST_CASE("the rows of a fixed answer, byte for byte", "[session]") {
  RuleAnswer answer;
  answer.columns = {"a", "b"};
  answer.rows = {{"hi", std::nullopt}};
  mysqlwire::Context context;
  context.capabilities.set(Capability::protocol_41);
  context.capabilities.set(Capability::deprecate_eof);
  const auto tail_of = [&](bool binary, std::size_t size) {
    const auto packets = fixed_answer(answer, context, {}, binary, 1);
    return mysqlwire::Buffer(packets.end() - static_cast<std::ptrdiff_t>(size), packets.end());
  };
  const mysqlwire::Buffer text{4, 0, 0, 4, 2, 'h', 'i', 0xfb, 7, 0, 0, 5, 0xfe, 0, 0, 0, 0, 0, 0};
  CHECK(tail_of(false, text.size()) == text);
  const mysqlwire::Buffer binary{5, 0, 0, 4, 0, 8, 2, 'h', 'i', 7, 0, 0, 5, 0xfe, 0, 0, 0, 0, 0, 0};
  CHECK(tail_of(true, binary.size()) == binary);
}
