// Both roles of a login against each other, with every plugin and a peer in between who changes
// packets, and a tracker that listens.
//
// Input: what is stored 1 (bits: native, SHA-256, $A$, $5$, ed25519, parsec, none, decoy), options
// 1 (bit 0: the password is wrong; 1: TLS; 2: unix socket; 3: RSA; 4: clear password; 5: the server
// wants the password; 6: COM_CHANGE_USER; 7: it is there), plugins 1 (low half the greeting's, high
// half the client's), capabilities of the server 4 and of the client 4, then records (records.hpp):
// what happens to the n-th packet. Flags: bit 7 of the server; 6-5: nothing, payload, byte, cut.
#include "proportion.hpp"
#include "records.hpp"
#include "round_trip.hpp"

#include <mysqlwire/crypto/client_password.hpp>
#include <mysqlwire/crypto/server_password.hpp>
#include <mysqlwire/session/client_change_user.hpp>
#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/session/server_change_user.hpp>
#include <mysqlwire/session/server_handshake.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::crypto;
using namespace mysqlwire::fuzz;
using namespace std::string_view_literals;

namespace {

constexpr std::size_t head_size = 11;
constexpr std::uint8_t of_server = 0x80;

constexpr const char* plugins[] = {"mysql_native_password",
                                   "caching_sha2_password",
                                   "sha256_password",
                                   "client_ed25519",
                                   "parsec",
                                   "mysql_clear_password",
                                   "mysql_old_password",
                                   "dialog",
                                   ""};

constexpr TypicalRecord typical[] = {
    {of_server | 0x20, "\x01\x03"sv},
    {of_server | 0x20, "\x01\x04"sv},
    {of_server | 0x20, "\x00\x00\x00\x02\x00\x00\x00"sv},
    {of_server | 0x20, "\xff\x15\x04#28000no"sv},
    {of_server | 0x20, "\xfemysql_clear_password\x00"sv},
    {of_server | 0x20,
     "\xfe"
     "client_ed25519\x00\x31\x32\x33\x34\x35\x36\x37\x38\x39\x30\x31\x32"
     "\x33\x34\x35\x36\x37\x38\x39\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39\x30"
     "\x31\x32"sv},
    {of_server | 0x20, "\xfe"sv},
    {of_server | 0x20, "\x02dialog\x00"sv},
    {of_server, ""sv},
    {0x20, "\x02"sv},
    {0x20, "\x01"sv},
    {0x20, ""sv},
    {0x20, "secret\x00"sv},
    {0x40, "\x05\x01"sv},
    {0x60, "\x10"sv},
    {0, ""sv},
};

// One for all inputs: some hashes take a millisecond.
struct Stored {
  Sha1 native = native_hash("secret");
  Sha256 sha2 = sha2_hash("secret");
  ShaCryptHash caching_sha2 = make_sha_crypt("secret", ShaCryptHash::Form::caching_sha2);
  ShaCryptHash sha256 = make_sha_crypt("secret", ShaCryptHash::Form::sha256);
  Ed25519Key ed25519 = ed25519_public_key("secret");
  ParsecHash parsec = make_parsec("secret");
  RsaKey rsa = RsaKey::generate();
};

const Stored& all_forms() {
  static const Stored forms;
  return forms;
}

StoredPassword stored_of(std::uint8_t bits) {
  const Stored& all = all_forms();
  StoredPassword stored;
  if (bits & 1) stored.native = all.native;
  if (bits & 2) stored.sha2 = all.sha2;
  if (bits & 4) stored.caching_sha2 = all.caching_sha2;
  if (bits & 8) stored.sha256 = all.sha256;
  if (bits & 16) stored.ed25519 = all.ed25519;
  if (bits & 32) stored.parsec = all.parsec;
  stored.no_password = (bits & 64) != 0;
  stored.decoy = (bits & 128) != 0;
  return stored;
}

std::uint32_t u32(const std::uint8_t* data) {
  return std::uint32_t{data[0]} | std::uint32_t{data[1]} << 8 | std::uint32_t{data[2]} << 16 |
         std::uint32_t{data[3]} << 24;
}

struct Setup {
  explicit Setup(const std::uint8_t* data)
      : stored(stored_of(data[0])),
        wrong((data[1] & 1) != 0),
        decoy((data[0] & 128) != 0),
        nothing_right(data[0] == 0),
        change_user((data[1] & 64) != 0) {
    server.channel = client.channel = {(data[1] & 2) != 0, (data[1] & 4) != 0};
    if ((data[1] & 8) != 0) {
      server.rsa = &all_forms().rsa;
      client.request_public_key = true;
    }
    server.allow_clear_password = client.allow_clear_password = (data[1] & 16) != 0;
    server.want_clear = (data[1] & 32) != 0;
    // TLS is not spoken here, and compressed frames would need a layer below.
    Capabilities left_out{Capability::ssl, Capability::compress,
                          Capability::zstd_compression_algorithm};
    greeting.capabilities = Capabilities(u32(data + 3) & ~left_out.bits()) |
                            Capability::protocol_41 | Capability::secure_connection;
    greeting.server_version = "8.0.15";
    greeting.auth_plugin = plugins[(data[2] & 15) % std::size(plugins)];
    greeting.salt.fill('s');
    login.capabilities = Capabilities(u32(data + 7) & ~left_out.bits());
    login.user = "u";
    login.schema = (data[1] & 128) != 0 ? "s" : "";
    if ((data[2] >> 4) != 0) login.preferred_plugin = plugins[(data[2] >> 4) % std::size(plugins)];
  }

  StoredPassword stored;
  PasswordCheckOptions server;
  PasswordAnswerOptions client;
  ServerGreeting greeting;
  ClientLogin login;
  bool wrong;
  bool decoy;
  bool nothing_right;
  bool change_user;
};

PasswordSecret secret_of(const Setup& setup) {
  PasswordSecret secret;
  secret.clear.emplace(as_bytes(setup.wrong ? "Secret" : "secret"));
  return secret;
}

/// Carries packets, and changes them as the records say.
class Link {
 public:
  explicit Link(std::vector<Record> records) : records_(std::move(records)) {}

  bool tampered() const { return tampered_; }

  Buffer carry(Direction direction, const Packet& packet) {
    Buffer payload(packet.payload.begin(), packet.payload.end());
    const bool to_client = direction == Direction::to_client;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (((records_[i].flags & of_server) != 0) != to_client) continue;
      const Record record = std::move(records_[i]);
      records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(i));
      const Buffer before = payload;
      change(record, payload);
      tampered_ = tampered_ || payload != before;
      break;
    }
    return payload;
  }

 private:
  static void change(const Record& record, Buffer& payload) {
    const auto at = [&](std::size_t i) {
      return i < record.payload.size() ? std::size_t{record.payload[i]} : 0;
    };
    switch (record.flags >> 5 & 3) {
      case 1: payload.assign(record.payload.begin(), record.payload.end()); break;
      case 2:
        if (!payload.empty()) payload[at(0) % payload.size()] ^= static_cast<std::uint8_t>(at(1));
        break;
      case 3: payload.resize(std::min(payload.size(), at(0))); break;
      default: break;
    }
  }

  std::vector<Record> records_;
  bool tampered_ = false;
};

class Exchange {
 public:
  Exchange(const Setup& setup, Link& link, Tracker tracker)
      : check_(setup.stored, setup.server),
        answer_(secret_of(setup), setup.client),
        link_(link),
        tracker_(std::move(tracker)) {}

  template <class Client, class Server>
  void run(Client& client, Server& server, Buffer to_client, Buffer to_server) {
    for (int round = 0; !client_over_ || !server_over_; ++round) {
      require(round < 40);  // the roles bound the rounds themselves
      if (to_client.empty() && to_server.empty()) break;
      deliver(Direction::to_client, to_client, [&](const Packet& packet) {
        if (!client_over_) on_client(client.on_packet(packet, to_server), client, to_server);
      });
      deliver(Direction::to_server, to_server, [&](const Packet& packet) {
        if (!server_over_) on_server(server.on_packet(packet, to_client), server, to_client);
      });
    }
    if (!link_.tampered()) {
      require(!tracker_lost_);
      require(ready_ == accepted_);
      // A refused COM_CHANGE_USER ends as other commands do.
      if (ready_) require(tracker_.idle());
    }
  }

  bool accepted() const { return accepted_; }

  template <class Client>
  void on_client(ClientStep step, Client& client, Buffer& out) {
    switch (step) {
      case ClientStep::need_auth: {
        const AnswerAction action = answer(answer_, client);
        if (action.step == AnswerStep::reply)
          on_client(client.respond(action.data, out), client, out);
        else if (action.step != AnswerStep::wait)
          client_over_ = true;
        break;
      }
      case ClientStep::ready: ready_ = client_over_ = true; break;
      case ClientStep::refused:
      case ClientStep::failed: client_over_ = true; break;
      case ClientStep::need_more:
      case ClientStep::start_tls: break;
    }
  }

 private:
  template <class Handle>
  void deliver(Direction direction, Buffer& bytes, const Handle& handle) {
    FrameReader reader;
    reader.feed(bytes);
    bytes.clear();
    for (auto next = reader.next(); next && *next; next = reader.next()) {
      const Packet& packet = **next;
      const Buffer payload = link_.carry(direction, packet);
      const Exact exact{Bytes(payload)};
      Packet carried = packet;
      carried.payload = exact;
      if (!tracker_.accept(direction, carried)) tracker_lost_ = true;
      handle(carried);
    }
  }

  void on_server(ServerStep step, ServerAuth& server, Buffer& out) {
    switch (step) {
      case ServerStep::need_verdict: judge(server, out); break;
      case ServerStep::refused:
      case ServerStep::quit: server_over_ = true; break;
      default: break;
    }
  }

  void judge(ServerAuth& server, Buffer& out) {
    const CheckAction action = advance(check_, server, out);
    switch (action.step) {
      case CheckStep::accepted:
        crypto::accept(check_, server, as_bytes("\0\0\0\2\0\0\0"sv), out);
        accepted_ = server_over_ = true;
        break;
      case CheckStep::denied:
      case CheckStep::impossible:
        server.reject(as_bytes("\xff\x15\x04#28000no"), out);
        server_over_ = true;
        break;
      case CheckStep::refused: server_over_ = true; break;
      default: break;
    }
  }

  PasswordCheck check_;
  PasswordAnswer answer_;
  Link& link_;
  Tracker tracker_;
  bool client_over_ = false;
  bool server_over_ = false;
  bool ready_ = false;
  bool accepted_ = false;
  bool tracker_lost_ = false;
};

bool log_in(const Setup& setup, Link& link) {
  Exchange exchange(setup, link, Tracker());
  ServerHandshake server(setup.greeting);
  ClientHandshake client(setup.login);
  Buffer greeting;
  server.start(greeting);
  exchange.run(client, server, std::move(greeting), {});
  return exchange.accepted();
}

bool change_user(const Setup& setup, Link& link) {
  Context context;
  Capabilities wanted = setup.login.capabilities;
  wanted.set(Capability::protocol_41);
  wanted.set(Capability::secure_connection);
  context.capabilities = setup.greeting.capabilities & wanted;
  Exchange exchange(setup, link, Tracker::in_command_phase(context));
  ServerChangeUser server(context.capabilities, Flavor::mysql, setup.greeting.salt);
  ClientChangeUser client(setup.login, context.capabilities, setup.greeting);
  Buffer command;
  exchange.on_client(client.start(command), client, command);
  exchange.run(client, server, {}, std::move(command));
  return exchange.accepted();
}

}  // namespace

MYSQLWIRE_FUZZ_RECORDS(head_size, typical)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)all_forms();  // made once, which takes its time
  const Proportion proportion(size);
  if (size < head_size) return 0;
  const Setup setup(data);
  Link link(read_records({data + head_size, size - head_size}));
  const bool accepted = setup.change_user ? change_user(setup, link) : log_in(setup, link);
  require(!accepted || !setup.decoy);
  // Who changes packets can put the right password in, or an empty one.
  if (!link.tampered()) require(!accepted || (!setup.wrong && !setup.nothing_right));
  return 0;
}
