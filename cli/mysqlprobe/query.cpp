#include "cli/mysqlprobe/query.hpp"

#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/row_text.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

[[noreturn]] void broken(const Error& error) {
  throw ProbeError{{FailureKind::protocol, "", 0, "", to_string(error)}};
}

Tracker begin_command(Connection& connection, const Context& context, Bytes payload) {
  Tracker tracker = Tracker::in_command_phase(context);
  const auto kind = tracker.accept(Direction::to_server, Packet{payload, 0, 0});
  if (!kind) broken(kind.error());
  connection.send_packet(payload);
  return tracker;
}

Failure to_failure(Bytes payload, const Context& context) {
  const auto err = ErrPacket::decode(payload, context);
  if (!err) broken(err.error());
  return {FailureKind::err_packet, "", err->code, std::string(err->sql_state),
          std::string(err->message)};
}

void take(QueryResult& result, PacketKind kind, Bytes payload, const Context& context,
          const Tracker& tracker) {
  switch (kind) {
    case PacketKind::err: result.error = to_failure(payload, context); break;
    case PacketKind::ok:
      if (const auto ok = OkPacket::decode(payload, context)) {
        result.affected = ok->affected_rows;
        result.status = ok->status;
      }
      break;
    case PacketKind::column_definition:
      if (tracker.results() == 0)
        if (const auto column = ColumnDefinition41::decode(payload, context))
          result.columns.emplace_back(column->column_name);
      break;
    case PacketKind::text_row: {
      if (tracker.results() != 0 || result.rows.size() >= QueryResult::max_rows) break;
      QueryResult::Row& row = result.rows.emplace_back();
      TextRow cells(payload, tracker.columns(), context);
      for (TextRow::Cell cell; cells.next(cell);)
        row.push_back(cell ? std::optional<std::string>(*cell) : std::nullopt);
      if (!cells.ok()) broken(cells.error());
      break;
    }
    default: break;
  }
}

}  // namespace

std::string QueryResult::cell(std::size_t column) const {
  if (rows.empty() || column >= rows.front().size()) return {};
  return rows.front()[column].value_or("");
}

std::string QueryResult::value_of(std::string_view name) const {
  for (const Row& row : rows)
    if (row.size() > 1 && row[0] == name) return row[1].value_or("");
  return {};
}

QueryResult ask(Connection& connection, const Context& context, std::string_view sql) {
  QueryResult result;
  Buffer payload;
  Writer writer(payload);
  ComQuery{sql, {}}.encode(writer, context);
  Tracker tracker = begin_command(connection, context, payload);
  while (!tracker.idle()) {
    const Packet packet = connection.read_packet();
    const auto kind = tracker.accept(Direction::to_client, packet);
    if (!kind) broken(kind.error());
    if (*kind == PacketKind::local_infile_request) {
      // Nothing of this machine's goes out: the empty packet says that there is no file.
      connection.send_packet({}, static_cast<std::uint8_t>(packet.last_sequence_id + 1));
      const auto request = LocalInfileRequest::decode(packet.payload, context);
      throw ProbeError{{FailureKind::protocol, "", 0, "",
                        fmt::format("the server asked for the file {} of this machine, and got "
                                    "nothing",
                                    request ? request->filename : "?")}};
    }
    take(result, *kind, packet.payload, context, tracker);
  }
  result.status = tracker.status();
  result.results = tracker.results();
  return result;
}

void ping(Connection& connection, const Context& context) {
  static constexpr std::uint8_t com_ping[] = {static_cast<std::uint8_t>(Command::com_ping)};
  Tracker tracker = begin_command(connection, context, com_ping);
  const Packet packet = connection.read_packet();
  const auto kind = tracker.accept(Direction::to_client, packet);
  if (!kind) broken(kind.error());
  if (*kind == PacketKind::err) throw ProbeError{to_failure(packet.payload, context)};
}

}  // namespace mysqlprobe
