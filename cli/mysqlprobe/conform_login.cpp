// Greeting and login.
#include "cli/mysqlprobe/conform.hpp"
#include "cli/mysqlprobe/product.hpp"

#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/session_track.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

// A connection whose greeting has been read, for logins that are made by hand.
class Stranger {
 public:
  explicit Stranger(Bench& bench)
      : connection_(bench.target(), settings(bench)), user_(bench.settings().plan.user) {
    try {
      connection_.resolve();
      connection_.connect();
      const Packet packet = connection_.read_packet();
      payload_.assign(packet.payload.begin(), packet.payload.end());
      first_id_ = packet.first_sequence_id;
    } catch (const ProbeError& error) {
      throw fail("no greeting: " + error.failure.message);
    }
    const auto decoded = HandshakeV10::decode(payload_, Context{});
    if (!decoded) throw fail(to_string(decoded.error()), payload_);
    greeting_ = *decoded;
  }

  ~Stranger() {
    // Leaves as somebody who was refused, not as somebody who went away.
    if (!said_) try_login(response(nobody()));
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  const HandshakeV10& greeting() const { return greeting_; }
  Bytes payload() const { return payload_; }
  std::uint8_t first_id() const { return first_id_; }

  static constexpr std::string_view nobody() { return "mysqlprobe-nobody"; }

  /// Borrows `user`.
  HandshakeResponse41 message(std::string_view user) const {
    HandshakeResponse41 response;
    response.capabilities = usual_capabilities() & greeting_.capabilities;
    response.capabilities.clear(Capability::connect_attrs);
    response.max_packet_size = 1U << 24;
    response.collation = 45;
    response.user = user;
    response.auth_plugin_name = greeting_.auth_plugin_name;
    return response;
  }
  Buffer response(std::string_view user) const { return encoded(message(user)); }
  static Buffer encoded(const HandshakeResponse41& response) {
    Buffer payload;
    Writer writer(payload);
    response.encode(writer, Context{});
    return payload;
  }

  /// Sends a login and says how it ends; questions are answered with an empty packet.
  Answer say(Bytes payload, std::uint8_t sequence_id = 1) {
    said_ = true;
    Answer answer;
    answer.context.capabilities = usual_capabilities() & greeting_.capabilities;
    try {
      connection_.send_packet(payload, sequence_id);
      for (unsigned rounds = 0; rounds < 6; ++rounds) {
        const auto packet = connection_.read_packet_or_end();
        if (!packet) {
          answer.closed = true;
          return answer;
        }
        SeenPacket seen{
            PacketKind::auth_more_data, {}, packet->first_sequence_id, packet->last_sequence_id};
        seen.payload.assign(packet->payload.begin(), packet->payload.end());
        const std::uint8_t head = seen.payload.empty() ? std::uint8_t{0x01} : seen.payload[0];
        const auto next = static_cast<std::uint8_t>(packet->last_sequence_id + 1);
        if (head == ErrPacket::header) {
          const auto err = ErrPacket::decode(seen.payload, answer.context);
          if (!err) throw fail(to_string(err.error()), seen.payload);
          answer.err = Failure{FailureKind::err_packet, "", err->code, std::string(err->sql_state),
                               std::string(err->message)};
          seen.kind = PacketKind::err;
        } else if (head == OkPacket::header) {
          seen.kind = PacketKind::ok;
        }
        const bool over = seen.kind != PacketKind::auth_more_data;
        answer.packets.push_back(std::move(seen));
        if (over) break;
        connection_.send_packet({}, next);
      }
    } catch (const ProbeError& error) {
      if (error.failure.kind != FailureKind::lost) throw fail(error.failure.message);
      answer.closed = true;
    }
    return answer;
  }

  /// Whether the other side ends the connection now.
  bool is_closed() {
    try {
      return !connection_.read_packet_or_end();
    } catch (const ProbeError&) {
      return false;
    }
  }
  Connection& connection() { return connection_; }
  void leave_rudely() { said_ = true; }

 private:
  static ConnectionSettings settings(const Bench& bench) {
    ConnectionSettings settings = bench.settings().connection;
    settings.recorder = nullptr;
    return settings;
  }
  void try_login(const Buffer& payload) noexcept {
    try {
      say(payload);
    } catch (...) {
      // It was only good manners.
    }
  }

  Connection connection_;
  std::string user_;
  Buffer payload_;
  HandshakeV10 greeting_;
  std::uint8_t first_id_ = 0;
  bool said_ = false;
};

// A login that can't be right ends with an ERR, or at least with the connection.
Outcome expect_refused(const Answer& answer, std::initializer_list<std::int64_t> codes) {
  if (!answer.err && answer.closed && answer.packets.empty())
    return deviation("closed without an ERR");
  return expect_err(answer, codes);
}

Outcome salt_of_greeting(Bench& bench) {
  Stranger stranger(bench);
  const SaltShape shape = look_at_salt(stranger.payload(), stranger.greeting().salt());
  const std::string seen =
      fmt::format("{} bytes{}", shape.size, shape.closing_nul ? " and NUL" : "");
  return shape.size == 20 && shape.closing_nul ? pass(seen) : fail(seen, stranger.payload());
}

}  // namespace

void add_greeting_checks(std::vector<Check>& checks) {
  const auto add = [&](const char* name, const char* about, std::function<Outcome(Bench&)> run) {
    checks.push_back({std::string("greeting.") + name, about, std::move(run)});
  };
  add("sequence-id", "the greeting has sequence id 0", [](Bench& bench) {
    Stranger stranger(bench);
    return stranger.first_id() == 0 ? pass("0") : fail(std::to_string(stranger.first_id()));
  });
  add("protocol", "protocol version 10", [](Bench& bench) {
    Stranger stranger(bench);
    const Bytes payload = stranger.payload();
    return payload[0] == 10 ? pass("10") : fail(std::to_string(payload[0]), payload);
  });
  add("salt-size", "20 bytes of salt and a NUL", salt_of_greeting);
  add("salt-length", "auth_plugin_data_len is 21", [](Bench& bench) {
    Stranger stranger(bench);
    const SaltShape shape = look_at_salt(stranger.payload(), stranger.greeting().salt());
    return shape.announced == 21 ? pass("21") : deviation(std::to_string(shape.announced));
  });
  add("salt-bytes", "no NUL in the salt, 7-bit bytes", [](Bench& bench) {
    for (int i = 0; i < 8; ++i) {
      Stranger stranger(bench);
      const SaltShape shape = look_at_salt(stranger.payload(), stranger.greeting().salt());
      if (shape.holds_nul) return fail("a NUL in the salt", stranger.payload());
      if (!shape.seven_bit) return deviation("8-bit bytes", stranger.payload());
    }
    return pass("as it should be in 8 of 8");
  });
  add("salt-fresh", "every connection has a salt of its own", [](Bench& bench) {
    Stranger first(bench);
    Stranger second(bench);
    return first.greeting().salt() != second.greeting().salt()
               ? pass("different")
               : fail("the same twice", first.payload());
  });
  add("connection-id", "every connection has an id of its own", [](Bench& bench) {
    Stranger first(bench);
    Stranger second(bench);
    return first.greeting().connection_id != second.greeting().connection_id
               ? pass("different")
               : fail("the same twice", first.payload());
  });
  add("plugin", "a default plugin is named, NUL behind it", [](Bench& bench) {
    Stranger stranger(bench);
    const Bytes payload = stranger.payload();
    if (stranger.greeting().auth_plugin_name.empty()) return deviation("none", payload);
    return payload.back() == 0 ? pass("named") : deviation("no NUL behind", payload);
  });
  add("capabilities", "PROTOCOL_41, SECURE_CONNECTION and PLUGIN_AUTH are offered",
      [](Bench& bench) {
        Stranger stranger(bench);
        const Capabilities caps = stranger.greeting().capabilities;
        const bool good = caps.has(
            {Capability::protocol_41, Capability::secure_connection, Capability::plugin_auth});
        return good ? pass("offered") : fail("not all", stranger.payload());
      });
  add("filler", "the filler is zero", [](Bench& bench) {
    Stranger stranger(bench);
    const Bytes payload = stranger.payload();
    const std::size_t at = 1 + stranger.greeting().server_version.size() + 1 + 21;
    for (std::size_t i = at; i < at + 6 && i < payload.size(); ++i)
      if (payload[i] != 0) return deviation("not zero", payload);
    return pass("zero");
  });
  add("collation", "the collation is known and a client can have it", [](Bench& bench) {
    Stranger stranger(bench);
    const std::uint8_t id = stranger.greeting().collation;
    return is_client_collation(id) ? pass("known") : deviation(std::to_string(id));
  });
  add("status", "AUTOCOMMIT is on, no transaction is open", [](Bench& bench) {
    Stranger stranger(bench);
    const StatusFlags status = stranger.greeting().status;
    if (status.has(ServerStatus::in_trans)) return fail("IN_TRANS", stranger.payload());
    return status.has(ServerStatus::autocommit) ? pass("AUTOCOMMIT") : deviation("no AUTOCOMMIT");
  });
}

void add_login_checks(std::vector<Check>& checks) {
  const auto add = [&](const char* name, const char* about, std::function<Outcome(Bench&)> run) {
    checks.push_back({std::string("login.") + name, about, std::move(run)});
  };
  add("connection-id", "CONNECTION_ID() is the greeting's", [](Bench& bench) {
    const auto session = bench.open();
    const Answer answer = session->query("SELECT CONNECTION_ID()");
    const auto row = answer.row(0);
    const std::uint32_t id = session->login().machine().handshake().greeting().connection_id;
    if (row.empty()) return fail(answer.text());
    return row[0] == std::to_string(id) ? pass("the same") : deviation("another");
  });
  add("wrong-password", "ERR 1045 with SQLSTATE 28000, then the end", [](Bench& bench) {
    Stranger stranger(bench);
    HandshakeResponse41 message = stranger.message(bench.settings().plan.user);
    const Buffer wrong(20, 0x55);
    message.auth_response = wrong;
    const Answer answer = stranger.say(Stranger::encoded(message));
    if (!answer.err) return fail(answer.text());
    if (answer.err->sql_state != "28000") return deviation(answer.text());
    if (!stranger.is_closed()) return fail(answer.text() + ", and it stays open");
    return expect_refused(answer, {1045});
  });
  add("unknown-user", "not told from a wrong password", [](Bench& bench) {
    Stranger stranger(bench);
    HandshakeResponse41 message = stranger.message(Stranger::nobody());
    const Buffer wrong(20, 0x55);
    message.auth_response = wrong;
    return expect_refused(stranger.say(Stranger::encoded(message)), {1045});
  });
  add("sequence-id", "a wrong sequence id is refused", [](Bench& bench) {
    Stranger stranger(bench);
    return expect_refused(stranger.say(stranger.response(Stranger::nobody()), 5), {1156, 1043});
  });
  add("empty", "an empty packet in place of the login is refused", [](Bench& bench) {
    Stranger stranger(bench);
    return expect_refused(stranger.say({}), {1043});
  });
  add("truncated", "a login that ends in its fixed part is refused", [](Bench& bench) {
    Stranger stranger(bench);
    const Buffer payload = stranger.response(Stranger::nobody());
    return expect_refused(stranger.say(Bytes(payload).first(20)), {1043});
  });
  add("user-without-nul", "a user name without its NUL is refused", [](Bench& bench) {
    Stranger stranger(bench);
    const Buffer payload = stranger.response(Stranger::nobody());
    return expect_refused(stranger.say(Bytes(payload).first(36)), {1043, 1045});
  });
  add("auth-length-lies", "an auth response longer than the packet is refused", [](Bench& bench) {
    Stranger stranger(bench);
    Buffer payload = stranger.response(Stranger::nobody());
    payload[32 + Stranger::nobody().size() + 1] = 200;
    return expect_refused(stranger.say(payload), {1043, 1045});
  });
  add("attributes-lie", "attributes longer than the packet are refused", [](Bench& bench) {
    bench.need(Capability::connect_attrs);
    Stranger stranger(bench);
    HandshakeResponse41 message = stranger.message(Stranger::nobody());
    message.capabilities.set(Capability::connect_attrs);
    Buffer payload = Stranger::encoded(message);
    payload.back() = 100;  // in place of the length 0
    return expect_refused(stranger.say(payload), {1043, 1045});
  });
  add("trailing-bytes", "bytes behind the login are ignored", [](Bench& bench) {
    Stranger stranger(bench);
    Buffer payload = stranger.response(Stranger::nobody());
    payload.insert(payload.end(), 8, std::uint8_t{0});
    return expect_refused(stranger.say(payload), {1045});
  });
  add("old-protocol", "a client without PROTOCOL_41 is refused", [](Bench& bench) {
    Stranger stranger(bench);
    const Buffer payload{0x05, 0x00, 0x00, 0x00, 0x01, 'x', 0, 'x', 0};
    return expect_refused(stranger.say(payload), {1043, 1251});
  });
  add("charset-utf16", "a character set that clients can't have is refused", [](Bench& bench) {
    Stranger stranger(bench);
    HandshakeResponse41 message = stranger.message(Stranger::nobody());
    message.collation = 54;  // utf16_general_ci
    return expect_refused(stranger.say(Stranger::encoded(message)), {1231, 1045});
  });
  add("charset-unknown", "an unknown character set is taken for the default", [](Bench& bench) {
    LoginSettings settings = bench.settings();
    settings.plan.collation = 0;
    Session session(bench.target(), settings);
    return session.alive() ? pass("taken") : fail("refused");
  });
  add("unknown-schema", "ERR 1049, or 1044 for who may not know", [](Bench& bench) {
    LoginSettings settings = bench.settings();
    settings.plan.database = "mysqlprobe_no_such_schema";
    Login login(bench.target(), settings);
    try {
      login.run();
    } catch (const ProbeError& error) {
      if (error.failure.kind != FailureKind::err_packet) return fail(error.failure.message);
      const std::string seen = fmt::format("ERR {}", error.failure.code);
      return error.failure.code == 1049 || error.failure.code == 1044 ? pass(seen)
                                                                      : deviation(seen);
    }
    login.connection().quit();
    return fail("logged in");
  });
  add("no-plugin-auth", "a client without PLUGIN_AUTH logs in, or gets 1251", [](Bench& bench) {
    LoginSettings settings = bench.settings();
    settings.plan.remove.set(Capability::plugin_auth | Capability::plugin_auth_lenenc_client_data);
    settings.plan.remove.set(Capability::connect_attrs);
    Login login(bench.target(), settings);
    try {
      login.run();
    } catch (const ProbeError& error) {
      const std::string seen = error.failure.kind == FailureKind::err_packet
                                   ? fmt::format("ERR {}", error.failure.code)
                                   : error.failure.message;
      return error.failure.code == 1251 ? pass(seen) : fail(seen);
    }
    login.connection().quit();
    return pass("logged in");
  });
  add("schema-tracked", "the final OK tells the schema by SESSION_TRACK", [](Bench& bench) {
    bench.need(Capability::session_track);
    const auto session = bench.open_in_schema(Capability::session_track);
    const auto ok =
        OkPacket::decode(session->login().machine().handshake().ok_payload(), session->context());
    if (!ok) return fail(to_string(ok.error()));
    SessionTrackItems items(ok->session_state, session->context());
    while (const auto item = items.next())
      if (item->type == SessionTrackType::schema) return pass("told");
    return deviation("not told", session->login().machine().handshake().ok_payload());
  });
  add("plain-after-tls", "bytes in clear behind SSLRequest don't get through", [](Bench& bench) {
    bench.need(Capability::ssl);
    Stranger stranger(bench);
    HandshakeResponse41 message = stranger.message(Stranger::nobody());
    message.capabilities.set(Capability::ssl);
    const Buffer whole = Stranger::encoded(message);
    Buffer out;
    std::uint8_t id = 1;
    append_packet(out, Bytes(whole).first(32), id);
    append_packet(out, whole, id);  // where a ClientHello has to be
    stranger.leave_rudely();
    stranger.connection().send(out);
    const auto reply = stranger.connection().read_packet_or_end();
    if (!reply) return pass("refused");
    const bool is_err = !reply->payload.empty() && reply->payload[0] == ErrPacket::header;
    const auto err = ErrPacket::decode(reply->payload, Context{});
    if (is_err && err && err->code == 1045)
      return fail("the login in clear was taken", reply->payload);
    return pass("refused");
  });
}

}  // namespace mysqlprobe
