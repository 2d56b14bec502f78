// The connection phase: every message is written as it was read, and no role of a login is led
// astray by what its peer sends or its driver does.
//
// Input: what 1 (low 4 bits: a message or a role, see LLVMFuzzerTestOneInput; bit 4: MariaDB; bit
// 5: strict; bit 6: TLS wanted), capabilities 5, then the payload of the message, or for the roles
// records: action 1, length 1, that many bytes.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/session/client_change_user.hpp>
#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/session/server_change_user.hpp>
#include <mysqlwire/session/server_handshake.hpp>
#include <mysqlwire/wire/handshake.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

namespace {

constexpr std::size_t parameters_size = 6;

struct Wanted {
  unsigned what = 0;
  bool tls = false;
  Context context;
};

Wanted read_parameters(const std::uint8_t* data) {
  Wanted parameters;
  parameters.what = data[0] & 15U;
  parameters.context.flavor = (data[0] & 16) != 0 ? Flavor::mariadb : Flavor::mysql;
  parameters.context.strict = (data[0] & 32) != 0;
  parameters.tls = (data[0] & 64) != 0;
  std::uint64_t bits = 0;
  for (int i = 4; i >= 0; --i) bits = bits << 8 | data[1 + i];
  parameters.context.capabilities = Capabilities(bits);
  return parameters;
}

/// A pair takes two bytes at least, so that the walk over them is bounded by the block.
void login_round_trip(Bytes payload, const Context& context) {
  round_trip(
      payload, context,
      [](Bytes bytes, const Context& with) { return HandshakeResponse41::decode(bytes, with); },
      [](const HandshakeResponse41& response) {
        auto pairs = response.attributes.pairs();
        std::size_t count = 0;
        while (pairs.next()) ++count;
        require(2 * count <= response.attributes.block.size());
      });
}

/// Cuts records off the input.
class Records {
 public:
  explicit Records(Bytes input) : input_(input) {}

  bool next() {
    if (input_.size() < 2) return false;
    action = input_[0];
    const std::size_t size = std::min<std::size_t>(input_[1], input_.size() - 2);
    // A copy of its own, so that a sanitizer sees a step past its end.
    copy_ = std::make_unique<std::uint8_t[]>(size);
    std::copy_n(input_.begin() + 2, size, copy_.get());
    bytes = {copy_.get(), size};
    input_ = input_.subspan(2 + size);
    return true;
  }

  std::uint8_t action = 0;
  Bytes bytes;

 private:
  Bytes input_;
  std::unique_ptr<std::uint8_t[]> copy_;
};

/// The packet of a record: mostly with the sequence id that is due.
Packet packet_of(const Records& records, std::uint8_t expected) {
  const auto id = static_cast<std::uint8_t>((records.action & 0x40) != 0 ? expected + 1 : expected);
  return {records.bytes, id, id};
}

/// `out` holds whole packets whose ids run on.
void require_packets(const Buffer& out) {
  FrameReader reader;
  reader.feed(out);
  auto next = reader.next();
  while (next && *next) next = reader.next();
  require(next.has_value() && reader.buffered() == 0);
}

constexpr const char* plugins[] = {"mysql_native_password", "caching_sha2_password",
                                   "client_ed25519", "mysql_clear_password"};

template <class Role>
void drive_server(Role& role, Records& records, Buffer out) {
  const std::uint32_t most_rounds = Limits{}.max_auth_rounds;
  std::uint32_t rounds = 0;
  auto step = ServerStep::need_more;
  while (records.next()) {
    if (step == ServerStep::refused || step == ServerStep::quit) {
      if (step == ServerStep::refused) require(role.error().code != errc::ok);
      break;
    }
    if (step != ServerStep::need_verdict) {
      step = role.on_packet(packet_of(records, role.next_sequence_id()), out);
      require(step != ServerStep::refused || !out.empty());
      require(role.login().user.size() <= Limits{}.max_user);
      require(role.auth_response().size() <= role.max_payload());
      continue;
    }
    switch (records.action & 3) {
      case 0: role.accept(records.bytes, out); break;
      case 1: role.reject(records.bytes, out); break;
      case 2:
        ++rounds;
        step = role.switch_plugin(plugins[records.action >> 2 & 3], records.bytes, out);
        break;
      default:
        ++rounds;
        step = role.more_data(records.bytes, out);
        break;
    }
    if ((records.action & 3) < 2) break;
    require(rounds <= most_rounds || step == ServerStep::refused);
  }
  require_packets(out);
}

template <class Role>
void drive_client(Role& role, Records& records, ClientStep step, Buffer out) {
  std::uint32_t rounds = 0;
  while (records.next()) {
    if (step == ClientStep::failed) {
      require(role.error().code != errc::ok);
      break;
    }
    if (step == ClientStep::ready || step == ClientStep::refused) break;
    const bool wait = (records.action & 1) != 0;
    if (step == ClientStep::need_auth && !wait) {
      require(!role.plugin().empty() || role.auth_source() != AuthSource::greeting);
      step = role.respond(records.bytes, out);
      continue;
    }
    if (step == ClientStep::start_tls) {
      if constexpr (requires { role.tls_established(); }) step = role.tls_established();
      continue;
    }
    step = role.on_packet(packet_of(records, role.next_sequence_id()), out);
    if (step == ClientStep::need_auth) require(++rounds <= Limits{}.max_auth_rounds + 1);
    if (step == ClientStep::ready) require(role.ok_payload().front() == 0x00);
    if (step == ClientStep::refused) require(role.err_payload().front() == 0xff);
  }
  require_packets(out);
}

ServerGreeting greeting_for(const Wanted& parameters) {
  ServerGreeting greeting;
  greeting.server_version =
      parameters.context.flavor == Flavor::mariadb ? "5.5.5-10.11.19-MariaDB" : "8.0.15";
  greeting.capabilities = parameters.context.capabilities;
  greeting.auth_plugin = plugins[0];
  greeting.salt.fill('s');
  return greeting;
}

ClientLogin login_for(const Wanted& parameters) {
  ClientLogin login;
  login.capabilities = parameters.context.capabilities;
  login.capabilities.set(Capability::ssl, parameters.tls);
  login.user = "u";
  login.schema = parameters.context.strict ? "s" : "";
  return login;
}

void server_handshake(const Wanted& parameters, Records& records) {
  ServerHandshake role(greeting_for(parameters));
  Buffer out;
  role.start(out);
  drive_server(role, records, std::move(out));
}

void server_change_user(const Wanted& parameters, Records& records) {
  ServerChangeUser role(parameters.context.capabilities, parameters.context.flavor, {});
  drive_server(role, records, {});
}

void client_handshake(const Wanted& parameters, Records& records) {
  ClientHandshake role(login_for(parameters));
  drive_client(role, records, ClientStep::need_more, {});
}

void client_change_user(const Wanted& parameters, Records& records) {
  ClientChangeUser role(login_for(parameters), parameters.context.capabilities,
                        greeting_for(parameters));
  Buffer out;
  const auto step = role.start(out);
  drive_client(role, records, step, std::move(out));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < parameters_size) return 0;
  const Wanted parameters = read_parameters(data);
  const Bytes input(data + parameters_size, size - parameters_size);
  const Context& context = parameters.context;
  Records records(input);
  switch (parameters.what) {
    case 0: round_trip<HandshakeV10>(input, context); break;
    case 1: round_trip<SslRequest>(input, context); break;
    case 2: login_round_trip(input, context); break;
    case 3: round_trip<HandshakeResponse320>(input, context); break;
    case 4: round_trip<AuthSwitchRequest>(input, context); break;
    case 5: round_trip<OldAuthSwitchRequest>(input, context); break;
    case 6: round_trip<AuthMoreData>(input, context); break;
    case 7: round_trip<AuthNextFactor>(input, context); break;
    case 8: round_trip<ComChangeUser>(input, context); break;
    case 9: server_handshake(parameters, records); break;
    case 10: server_change_user(parameters, records); break;
    case 11: client_handshake(parameters, records); break;
    case 12: client_change_user(parameters, records); break;
    default: break;
  }
  return 0;
}
