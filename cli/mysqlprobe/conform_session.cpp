#include "cli/mysqlprobe/conform.hpp"

#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

std::vector<ColumnDefinition41> result_columns(const Answer& answer) {
  std::vector<ColumnDefinition41> columns;
  for (const SeenPacket& packet : answer.packets) {
    if (packet.kind == PacketKind::column_count) columns.clear();
    if (packet.kind == PacketKind::text_row || packet.kind == PacketKind::binary_row) break;
    if (packet.kind != PacketKind::column_definition) continue;
    if (const auto column = ColumnDefinition41::decode(packet.payload, answer.context))
      columns.push_back(*column);
  }
  return columns;
}

}  // namespace

std::string_view to_string(Outcome::Kind kind) noexcept {
  switch (kind) {
    case Outcome::Kind::pass: return "pass";
    case Outcome::Kind::fail: return "fail";
    case Outcome::Kind::deviation: return "deviation";
    case Outcome::Kind::skipped: return "skipped";
  }
  return "";
}

std::string hex_of(Bytes bytes) {
  constexpr std::size_t most = 64;
  std::string out;
  for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), most)))
    out += fmt::format("{:02x}", byte);
  if (bytes.size() > most) out += fmt::format("… ({} bytes)", bytes.size());
  return out;
}

Outcome pass(std::string seen) { return {Outcome::Kind::pass, std::move(seen), ""}; }
Outcome fail(std::string seen, Bytes packet) {
  return {Outcome::Kind::fail, std::move(seen), hex_of(packet)};
}
Outcome deviation(std::string seen, Bytes packet) {
  return {Outcome::Kind::deviation, std::move(seen), hex_of(packet)};
}
Outcome skip(std::string why) { return {Outcome::Kind::skipped, std::move(why), ""}; }

namespace {

Bytes last_packet(const Answer& answer) {
  return answer.packets.empty() ? Bytes() : Bytes(answer.packets.back().payload);
}

}  // namespace

Outcome expect_err(const Answer& answer, std::initializer_list<std::int64_t> codes) {
  if (!answer.err) return fail(answer.text(), last_packet(answer));
  if (std::find(codes.begin(), codes.end(), answer.err->code) == codes.end())
    return deviation(answer.text(), last_packet(answer));
  return pass(answer.text());
}

Outcome expect_ok(const Answer& answer) {
  return answer.is_ok() ? pass("OK") : fail(answer.text(), last_packet(answer));
}

Outcome expect_row(const Answer& answer, const std::vector<std::string>& cells) {
  const std::vector<std::string> row = answer.row(0);
  if (answer.err || row != cells) {
    std::string seen = answer.text();
    for (std::size_t i = 0; i < row.size() && i < 8; ++i)
      seen += fmt::format("{}{}", i == 0 ? ": " : ", ", row[i].substr(0, 40));
    return fail(seen, last_packet(answer));
  }
  return pass("as expected");
}

// Answer

std::size_t Answer::count(PacketKind kind) const {
  return static_cast<std::size_t>(std::count_if(
      packets.begin(), packets.end(), [&](const SeenPacket& each) { return each.kind == kind; }));
}

const SeenPacket* Answer::find(PacketKind kind, std::size_t number) const {
  for (const SeenPacket& each : packets)
    if (each.kind == kind && number-- == 0) return &each;
  return nullptr;
}

std::string Answer::text() const {
  if (err)
    return err->sql_state.empty() ? fmt::format("ERR {}", err->code)
                                  : fmt::format("ERR {} ({})", err->code, err->sql_state);
  const std::size_t rows = count(PacketKind::text_row) + count(PacketKind::binary_row);
  std::string said;
  if (count(PacketKind::column_count) != 0)
    said = fmt::format("{} row{}", rows, rows == 1 ? "" : "s");
  else if (count(PacketKind::ok) != 0)
    said = "OK";
  else if (count(PacketKind::eof) != 0)
    said = "EOF";
  else if (!packets.empty())
    said = to_string(packets.back().kind);
  if (closed) said += said.empty() ? "closed" : ", closed";
  return said.empty() ? "no answer" : said;
}

std::vector<std::string> Answer::row(std::size_t number) const {
  std::vector<std::string> cells;
  const std::vector<ColumnDefinition41> columns = result_columns(*this);
  if (const SeenPacket* packet = find(PacketKind::text_row, number)) {
    TextRow row(packet->payload, columns.size(), context);
    for (TextRow::Cell cell; row.next(cell);) cells.emplace_back(cell.value_or("NULL"));
    if (!row.ok()) throw fail(to_string(row.error()), packet->payload);
  } else if (const SeenPacket* binary = find(PacketKind::binary_row, number)) {
    std::vector<ValueType> types;
    for (const ColumnDefinition41& column : columns) types.push_back(value_type(column));
    BinaryRow row(binary->payload, types, context);
    std::size_t i = 0;
    for (Value value; row.next(value); ++i) {
      std::string& text = cells.emplace_back();
      if (is_null(value))
        text = "NULL";
      else
        append_text(text, value, text_format(columns[i]));
    }
    if (!row.ok()) throw fail(to_string(row.error()), binary->payload);
  }
  return cells;
}

StatusFlags Answer::status() const {
  for (auto it = packets.rbegin(); it != packets.rend(); ++it) {
    const bool as_eof = !it->payload.empty() && it->payload[0] == 0xfe && it->payload.size() < 7;
    if (it->kind != PacketKind::ok && it->kind != PacketKind::result_end &&
        it->kind != PacketKind::eof)
      continue;
    if (as_eof) {
      const auto eof = EofPacket::decode(it->payload, context);
      return eof ? eof->status : StatusFlags();
    }
    const auto ok = OkPacket::decode(it->payload, context);
    return ok ? ok->status : StatusFlags();
  }
  return {};
}

// Session

namespace {

Login& logged_in(Login& login) {
  try {
    login.run();
  } catch (const ProbeError& error) {
    throw fail(fmt::format("login: {}: {}", error.failure.step, error.failure.message));
  }
  return login;
}

}  // namespace

Session::Session(const Target& target, const LoginSettings& settings)
    : login_(target, settings),
      context_(logged_in(login_).context()),
      tracker_(Tracker::in_command_phase(context_)) {}

void Session::restart() { tracker_ = Tracker::in_command_phase(context_); }

Answer Session::command(Bytes payload) {
  Answer answer;
  answer.context = context_;
  const auto sent = tracker_.accept(
      Direction::to_server,
      Packet{payload, 0, static_cast<std::uint8_t>(frame_count(payload.size()) - 1)});
  const bool follows = sent.has_value();
  // A command that is none is answered all the same.
  if (!follows) restart();
  connection().send_packet(payload);
  while (!follows || !tracker_.idle()) {
    std::optional<Packet> packet;
    try {
      packet = connection().read_packet_or_end();
    } catch (const ProbeError& error) {
      throw fail(error.failure.message, answer.packets.empty() ? Bytes() : last_packet(answer));
    }
    if (!packet) {
      answer.closed = true;
      break;
    }
    SeenPacket seen;
    seen.payload.assign(packet->payload.begin(), packet->payload.end());
    seen.first_sequence_id = packet->first_sequence_id;
    seen.last_sequence_id = packet->last_sequence_id;
    if (follows) {
      const auto kind = tracker_.accept(Direction::to_client, *packet);
      if (!kind) throw fail(to_string(kind.error()), packet->payload);
      seen.kind = *kind;
    } else {
      seen.kind = !seen.payload.empty() && seen.payload[0] == ErrPacket::header ? PacketKind::err
                                                                                : PacketKind::ok;
    }
    if (seen.kind == PacketKind::err) {
      const auto err = ErrPacket::decode(seen.payload, context_);
      if (!err) throw fail(to_string(err.error()), seen.payload);
      answer.err = Failure{FailureKind::err_packet, "", err->code, std::string(err->sql_state),
                           std::string(err->message)};
    }
    const bool asks_file = seen.kind == PacketKind::local_infile_request;
    const auto next_id = static_cast<std::uint8_t>(seen.last_sequence_id + 1);
    if (answer.packets.size() < Answer::max_packets) answer.packets.push_back(std::move(seen));
    if (asks_file) {
      // Served with an empty file; only a check that agreed to LOCAL_FILES gets here.
      const auto end = tracker_.accept(Direction::to_server, Packet{Bytes(), next_id, next_id});
      if (!end) throw fail(to_string(end.error()));
      connection().send_packet({}, next_id);
    }
    if (!follows) break;
  }
  return answer;
}

Answer Session::query(std::string_view sql) { return send(ComQuery{sql, {}}); }

void Session::need(std::string_view sql) {
  const Answer answer = query(sql);
  if (answer.err)
    throw skip(fmt::format("{}: {}", sql.substr(0, sql.find(' ', 8)), answer.err->message));
  if (answer.closed) throw fail("closed");
}

StmtPrepareOk Session::prepare(std::string_view sql) {
  const Answer answer = send(ComStmtPrepare{sql});
  const SeenPacket* ok = answer.find(PacketKind::prepare_ok);
  if (ok == nullptr) throw fail("prepare: " + answer.text(), last_packet(answer));
  const auto prepared = StmtPrepareOk::decode(ok->payload, context_);
  if (!prepared) throw fail(to_string(prepared.error()), ok->payload);
  return *prepared;
}

Answer Session::execute(std::uint32_t id, std::span<const Parameter> parameters,
                        ExecuteFlags flags) {
  ComStmtExecute execute;
  execute.statement_id = id;
  execute.flags = flags;
  execute.parameter_count = parameters.size();
  execute.parameters = ParameterList(parameters);
  return send(execute);
}

bool Session::alive() {
  restart();
  return command({static_cast<std::uint8_t>(Command::com_ping)}).is_ok();
}

std::optional<SeenPacket> Session::read_raw() {
  const auto packet = connection().read_packet_or_end();
  if (!packet) return std::nullopt;
  SeenPacket seen;
  seen.payload.assign(packet->payload.begin(), packet->payload.end());
  seen.first_sequence_id = packet->first_sequence_id;
  seen.last_sequence_id = packet->last_sequence_id;
  return seen;
}

// Bench

Bench::Bench(const Target& target, const LoginSettings& settings)
    : target_(target), settings_(settings) {}

void Bench::learn(const LoginMachine& machine) {
  flavor_ = machine.handshake().flavor();
  offered_ = machine.handshake().greeting().capabilities;
}

std::unique_ptr<Session> Bench::open(Capabilities add, Capabilities remove) {
  LoginSettings settings = settings_;
  settings.plan.add.set(add);
  settings.plan.add.clear(remove);
  settings.plan.remove.set(remove);
  return std::make_unique<Session>(target_, settings);
}

std::unique_ptr<Session> Bench::open_in_schema(Capabilities add, Capabilities remove) {
  if (settings_.plan.database.empty()) throw skip("needs a schema: --database");
  return open(add, remove);
}

void Bench::need(Capability capability) const {
  if (!offered_.has(capability))
    throw skip(fmt::format("{} is not offered", to_string(capability)));
}

}  // namespace mysqlprobe
