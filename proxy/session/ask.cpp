#include "proxy/session/ask.hpp"

#include "proxy/session/packet_io.hpp"

#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <string>

namespace mysqlproxy {

using mysqlwire::Capability;

namespace {

constexpr char com_query = 3;
constexpr std::uint32_t longest_row = 1U << 20;

}  // namespace

Task<TextResult> ask(Loop& loop, Waker& waker, ServerConnection& connection,
                     std::string_view statement, std::chrono::milliseconds timeout, bool ok_too) {
  const std::string command = com_query + std::string(statement);
  mysqlwire::Buffer out;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(out, mysqlwire::as_bytes(command), sequence_id);
  connection.channel.send_command(out);
  TextResult result(connection.capabilities, ok_too);
  mysqlwire::FrameReader frames;
  frames.set_max_payload(longest_row);
  Deadline deadline(loop, waker);
  deadline.set(timeout);
  TextResult::Step step = TextResult::Step::need_more;
  while (step == TextResult::Step::need_more) {
    const Reception got =
        co_await receive_packet(loop, waker, connection.channel, frames, deadline, nullptr);
    if (got.kind == Reception::Kind::packet)
      step = result.on_packet(got.packet);
    else
      step = result.fail(got.kind == Reception::Kind::timed_out ? "no answer in time"
                                                                : "closed the connection");
  }
  co_return result;
}

SessionWishes own_wishes() {
  SessionWishes wishes;
  wishes.capabilities = {Capability::protocol_41, Capability::secure_connection,
                         Capability::transactions};
  wishes.max_packet_size = 1U << 24;
  wishes.collation = mysqlwire::collations::utf8mb4_general_ci;
  return wishes;
}

}  // namespace mysqlproxy
