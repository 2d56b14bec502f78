// Commands, and what is none.
#include "cli/mysqlprobe/conform.hpp"

#include <mysqlwire/session/client_change_user.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/ok_packet.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

// For bytes that go out as they are.
constexpr Capabilities compression = {Capability::compress, Capability::zstd_compression_algorithm};

constexpr std::uint8_t byte(Command command) { return static_cast<std::uint8_t>(command); }

// ERR 1047 and the connection goes on.
Outcome unknown_command(Bench& bench, Buffer payload) {
  const auto session = bench.open();
  const Answer answer = session->command(payload);
  const Outcome outcome = expect_err(answer, {1047});
  if (outcome.kind == Outcome::Kind::pass && !session->alive())
    return fail("ERR 1047, and nothing works behind it");
  return outcome;
}

// COM_CHANGE_USER with that password; how it ends.
std::string change_user(Session& session, const LoginSettings& settings,
                        const crypto::SecretBytes& password) {
  ClientLogin login;
  login.user = settings.plan.user;
  login.schema = settings.plan.database;
  ClientChangeUser change(login, session.context().capabilities,
                          session.login().machine().handshake().greeting());
  crypto::PasswordSecret secret;
  secret.clear = password.clone();
  crypto::PasswordAnswerOptions options;
  options.channel.tls = session.connection().tls() != nullptr;
  options.channel.unix_socket = session.login().facts().unix_socket;
  options.server_public_key = settings.plan.public_key;
  options.request_public_key = settings.plan.take_public_key;
  crypto::PasswordAnswer answer(std::move(secret), options);
  Buffer out;
  ClientStep step = change.start(out);
  for (unsigned rounds = 0; rounds < 12; ++rounds) {
    if (step == ClientStep::need_auth) {
      const crypto::AnswerAction action = crypto::answer(answer, change);
      if (action.step == crypto::AnswerStep::reply)
        step = change.respond(action.data, out);
      else if (action.step == crypto::AnswerStep::wait)
        step = ClientStep::need_more;
      else
        throw skip(action.reason);
    }
    if (step == ClientStep::ready) return "OK";
    if (step == ClientStep::failed) throw fail(to_string(change.error()));
    if (step == ClientStep::refused) {
      const auto err = ErrPacket::decode(change.err_payload(), session.context());
      return err ? fmt::format("ERR {}", err->code) : "ERR";
    }
    if (step == ClientStep::need_auth) continue;
    if (!out.empty()) session.connection().send(out);
    out.clear();
    const auto packet = session.connection().read_packet_or_end();
    if (!packet) return "closed";
    step = change.on_packet(*packet, out);
  }
  throw fail("no end of questions");
}

Outcome change_of_user(Bench& bench) {
  bench.need(Capability::plugin_auth);
  const auto session = bench.open({}, compression);
  session->need("SET @mysqlprobe = 1");
  const std::string end = change_user(*session, bench.settings(), *bench.settings().password);
  if (end != "OK") return fail(end);
  session->restart();
  return expect_row(session->query("SELECT @mysqlprobe"), {"NULL"});
}

Outcome change_of_user_refused(Bench& bench) {
  bench.need(Capability::plugin_auth);
  const auto session = bench.open({}, compression);
  const crypto::SecretBytes wrong(as_bytes("mysqlprobe: not the password"));
  const std::string end = change_user(*session, bench.settings(), wrong);
  return end == "ERR 1045" ? pass(end) : end == "OK" ? fail(end) : deviation(end);
}

Outcome wrong_sequence(Bench& bench) {
  const auto session = bench.open({}, compression);
  const std::uint8_t ping[] = {byte(Command::com_ping)};
  session->connection().send_packet(ping, 7);
  const auto reply = session->read_raw();
  if (!reply) return deviation("closed without an ERR");
  const auto err = ErrPacket::decode(reply->payload, session->context());
  if (reply->payload.empty() || reply->payload[0] != ErrPacket::header || !err)
    return fail("answered", reply->payload);
  const std::string seen = fmt::format("ERR {}", err->code);
  if (session->read_raw()) return fail(seen + ", and it stays open");
  return err->code == 1156 ? pass(seen + ", closed") : deviation(seen + ", closed");
}

Outcome pipelined(Bench& bench) {
  const auto session = bench.open({}, compression);
  Buffer out;
  const std::uint8_t ping[] = {byte(Command::com_ping)};
  for (int i = 0; i < 5; ++i) {
    std::uint8_t id = 0;
    append_packet(out, ping, id);
  }
  session->send_raw(out);
  for (int i = 0; i < 5; ++i) {
    const auto reply = session->read_raw();
    if (!reply) return fail(fmt::format("closed after {} answers", i));
    if (reply->first_sequence_id != 1 || reply->payload.empty() || reply->payload[0] != 0)
      return fail(fmt::format("answer {} is no OK with sequence id 1", i + 1), reply->payload);
  }
  return pass("5 answers in order");
}

Outcome in_pieces(Bench& bench) {
  const auto session = bench.open({}, compression);
  Buffer out;
  const Buffer query = [] {
    Buffer payload{byte(Command::com_query)};
    for (const char c : std::string_view("SELECT 'in pieces'"))
      payload.push_back(static_cast<std::uint8_t>(c));
    return payload;
  }();
  std::uint8_t id = 0;
  append_packet(out, query, id);
  for (const std::uint8_t each : out) session->send_raw(Bytes(&each, 1));
  const auto reply = session->read_raw();
  return reply && !reply->payload.empty() && reply->payload[0] == 1 ? pass("answered")
                                                                    : fail("not answered");
}

}  // namespace

void add_command_checks(std::vector<Check>& checks) {
  const auto add = [&](const std::string& name, const char* about,
                       std::function<Outcome(Bench&)> run) {
    checks.push_back({"command." + name, about, std::move(run)});
  };
  add("ping", "COM_PING: OK",
      [](Bench& bench) { return expect_ok(bench.open()->command({byte(Command::com_ping)})); });
  add("ping-trailing", "bytes behind COM_PING are ignored", [](Bench& bench) {
    return expect_ok(bench.open()->command({byte(Command::com_ping), 1, 2, 3}));
  });
  add("quit", "COM_QUIT: the server closes without a word", [](Bench& bench) {
    const auto session = bench.open();
    const std::uint8_t quit[] = {byte(Command::com_quit)};
    session->connection().send_packet(quit);
    const auto reply = session->read_raw();
    return reply ? fail("answered", reply->payload) : pass("closed");
  });
  add("empty", "an empty packet: ERR 1047",
      [](Bench& bench) { return unknown_command(bench, {}); });
  for (const int code : {0x50, 0x7f, 0xc8})
    add(fmt::format("unknown-{:02x}", code), "a byte that is no command: ERR 1047",
        [code](Bench& bench) { return unknown_command(bench, {static_cast<std::uint8_t>(code)}); });
  for (const auto& each :
       {std::pair("sleep", Command::com_sleep), std::pair("connect", Command::com_connect),
        std::pair("time", Command::com_time),
        std::pair("delayed-insert", Command::com_delayed_insert)}) {
    const Command own = each.second;
    add(each.first, "a command of the server's own: ERR 1047",
        [own](Bench& bench) { return unknown_command(bench, {byte(own)}); });
  }
  add("init-db", "COM_INIT_DB: OK", [](Bench& bench) {
    const auto session = bench.open_in_schema();
    return expect_ok(session->send(ComInitDb{bench.settings().plan.database}));
  });
  add("init-db-unknown", "an unknown schema: ERR 1049 or 1044", [](Bench& bench) {
    return expect_err(bench.open()->send(ComInitDb{"mysqlprobe_no_such_schema"}), {1049, 1044});
  });
  add("statistics", "COM_STATISTICS: text without a header", [](Bench& bench) {
    const Answer answer = bench.open()->command({byte(Command::com_statistics)});
    const SeenPacket* text = answer.find(PacketKind::statistics);
    if (text == nullptr) return fail(answer.text());
    return as_text(text->payload).find("Uptime") != std::string_view::npos
               ? pass("Uptime …")
               : deviation("other text", text->payload);
  });
  add("set-option", "COM_SET_OPTION switches several statements on", [](Bench& bench) {
    const auto session = bench.open();
    const Answer on = session->command({byte(Command::com_set_option), 0, 0});
    if (on.err || on.closed) return fail(on.text());
    const Answer two = session->query("SELECT 1; SELECT 2");
    return two.count(PacketKind::text_row) == 2 ? pass("two results") : fail(two.text());
  });
  add("set-option-bad", "an unknown option: ERR 1047", [](Bench& bench) {
    return expect_err(bench.open()->command({byte(Command::com_set_option), 9, 0}), {1047});
  });
  add("set-option-short", "COM_SET_OPTION without its option: ERR", [](Bench& bench) {
    const Answer answer = bench.open()->command({byte(Command::com_set_option)});
    return answer.err ? expect_err(answer, {1047, 1835}) : deviation(answer.text());
  });
  add("process-kill", "an unknown id: ERR 1094", [](Bench& bench) {
    return expect_err(
        bench.open()->command({byte(Command::com_process_kill), 0xff, 0xff, 0xff, 0x7f}), {1094});
  });
  add("kill", "KILL of an unknown id: ERR 1094",
      [](Bench& bench) { return expect_err(bench.open()->query("KILL 2147483647"), {1094}); });
  add("field-list", "COM_FIELD_LIST of a table: definitions and an end", [](Bench& bench) {
    const auto session = bench.open_in_schema();
    session->need("CREATE TEMPORARY TABLE mysqlprobe_f (a INT DEFAULT 7, b VARCHAR(10))");
    const Answer answer = session->send(ComFieldList{"mysqlprobe_f", ""});
    const std::size_t count = answer.count(PacketKind::field_list_definition);
    return count == 2 ? pass("2 columns")
                      : fail(fmt::format("{}, {} columns", answer.text(), count));
  });
  add("field-list-unknown", "of an unknown table: ERR 1146", [](Bench& bench) {
    const auto session = bench.open_in_schema();
    return expect_err(session->send(ComFieldList{"mysqlprobe_no_such_table", ""}), {1146});
  });
  add("reset", "COM_RESET_CONNECTION forgets user variables", [](Bench& bench) {
    const auto session = bench.open();
    session->need("SET @mysqlprobe = 1");
    const Answer reset = session->command({byte(Command::com_reset_connection)});
    if (!reset.is_ok()) return fail(reset.text());
    return expect_row(session->query("SELECT @mysqlprobe"), {"NULL"});
  });
  add("reset-transaction", "… rolls back", [](Bench& bench) {
    const auto session = bench.open();
    session->need("START TRANSACTION");
    const Answer reset = session->command({byte(Command::com_reset_connection)});
    if (!reset.is_ok()) return fail(reset.text());
    return session->query("DO 1").status().has(ServerStatus::in_trans) ? fail("IN_TRANS")
                                                                       : pass("no transaction");
  });
  add("reset-schema", "… and keeps the schema", [](Bench& bench) {
    const auto session = bench.open_in_schema();
    const Answer reset = session->command({byte(Command::com_reset_connection)});
    if (!reset.is_ok()) return fail(reset.text());
    return expect_row(session->query("SELECT DATABASE()"), {bench.settings().plan.database});
  });
  add("reset-statements", "… and forgets prepared statements", [](Bench& bench) {
    const auto session = bench.open();
    const StmtPrepareOk prepared = session->prepare("SELECT 1");
    const Answer reset = session->command({byte(Command::com_reset_connection)});
    if (!reset.is_ok()) return fail(reset.text());
    return expect_err(session->execute(prepared.statement_id, {}), {1243});
  });
  add("change-user", "COM_CHANGE_USER to the same user forgets user variables", change_of_user);
  add("change-user-refused", "with a wrong password: ERR 1045", change_of_user_refused);
  add("change-user-short", "COM_CHANGE_USER that ends in the user: ERR", [](Bench& bench) {
    const auto session = bench.open();
    const std::uint8_t payload[] = {byte(Command::com_change_user), 'x'};
    session->connection().send_packet(payload);
    const auto reply = session->read_raw();
    if (!reply) return deviation("closed without an ERR");
    const auto err = ErrPacket::decode(reply->payload, session->context());
    if (reply->payload.empty() || reply->payload[0] != ErrPacket::header || !err)
      return fail("answered", reply->payload);
    const std::string seen = fmt::format("ERR {}", err->code);
    return err->code == 1047 || err->code == 1043 || err->code == 1045 ? pass(seen)
                                                                       : deviation(seen);
  });
  add("sequence-id", "a command with a wrong sequence id: ERR 1156, then the end", wrong_sequence);
  add("pipelined", "commands sent ahead are answered in order", pipelined);
  add("in-pieces", "a command that comes byte by byte", in_pieces);
  add("behind-quit", "what stands behind COM_QUIT is not done", [](Bench& bench) {
    const auto session = bench.open({}, compression);
    Buffer out;
    std::uint8_t id = 0;
    append_packet(out, Buffer{byte(Command::com_quit)}, id);
    id = 0;
    append_packet(out, Buffer{byte(Command::com_ping)}, id);
    session->send_raw(out);
    const auto reply = session->read_raw();
    return reply ? fail("answered", reply->payload) : pass("closed");
  });
}

}  // namespace mysqlprobe
