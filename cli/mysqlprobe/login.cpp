#include "cli/mysqlprobe/login.hpp"

#include "cli/mysqlprobe/attributes.hpp"
#include "cli/mysqlprobe/diagnosis.hpp"

#include <mysqlwire/compress/algorithm.hpp>
#include <mysqlwire/crypto/rsa_password.hpp>
#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/error_code.hpp>
#include <mysqlwire/wire/wipe.hpp>

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <utility>

namespace mysqlprobe {

using namespace mysqlwire;
using crypto::AnswerStep;
using crypto::AuthPlugin;

namespace {

ClientLogin client_login(const LoginPlan& plan, TlsMode tls) {
  ClientLogin login;
  Capabilities wanted = usual_capabilities();
  if (tls != TlsMode::disabled) wanted.set(Capability::ssl);
  if (plan.compress_zlib) wanted.set(Capability::compress);
  if (plan.compress_zstd) wanted.set(Capability::zstd_compression_algorithm);
  wanted.set(plan.add);
  wanted.clear(plan.remove);
  login.capabilities = wanted;
  login.collation = plan.collation;
  login.user = plan.user;
  login.schema = plan.database;
  login.attributes = connection_attributes();
  login.preferred_plugin = plan.plugin;
  if (plan.compression_level > 0)
    login.zstd_compression_level = static_cast<std::uint8_t>(plan.compression_level);
  login.tls_optional = tls == TlsMode::preferred;
  return login;
}

std::string key_fingerprint(std::string_view pem) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(pem.data(), pem.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    return "";
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string_view password_word(const LoginFacts& facts) {
  return facts.password ? "with a password" : "without a password";
}

}  // namespace

Capabilities usual_capabilities() noexcept {
  return {Capability::long_password,     Capability::long_flag,
          Capability::protocol_41,       Capability::transactions,
          Capability::secure_connection, Capability::multi_results,
          Capability::ps_multi_results,  Capability::plugin_auth,
          Capability::connect_attrs,     Capability::plugin_auth_lenenc_client_data,
          Capability::session_track,     Capability::deprecate_eof};
}

LoginMachine::LoginMachine(const LoginPlan& plan, TlsMode tls, const crypto::SecretBytes& password,
                           LoginFacts facts)
    : plan_(plan), facts_(std::move(facts)), handshake_(client_login(plan, tls)) {
  facts_.user = plan.user;
  facts_.database = plan.database;
  facts_.password = !password.empty();
  secret_.clear = password.clone();
  frames_.set_max_payload(ClientAuth::max_payload);
  frames_.set_wiping(true);
}

Context LoginMachine::context() const noexcept {
  Context context;
  context.capabilities = handshake_.capabilities();
  context.flavor = handshake_.flavor();
  return context;
}

LoginMachine::Want LoginMachine::fail(FailureKind kind, std::string message) {
  failure_.kind = kind;
  failure_.step = step_;
  failure_.message = std::move(message);
  return Want::failed;
}

LoginMachine::Want LoginMachine::feed(Bytes received, Buffer& out) {
  frames_.feed(received);
  for (;;) {
    const auto next = frames_.next();
    if (!next) {
      // The first bytes of something else look like a header that announces too much.
      const bool foreign = !facts_.greeted && step_ == "greeting";
      return fail(foreign ? FailureKind::foreign : FailureKind::protocol,
                  foreign ? "what came is no packet of MySQL's" : to_string(next.error()));
    }
    if (!*next) return Want::bytes;
    const Want want = on_packet(**next, out);
    if (want != Want::bytes) return want;
  }
}

LoginMachine::Want LoginMachine::on_packet(const Packet& packet, Buffer& out) {
  if (step_ == "greeting") {
    const bool is_greeting =
        !packet.payload.empty() && packet.payload[0] <= 0x0a && packet.payload[0] >= 0x09;
    const bool is_err = !packet.payload.empty() && packet.payload[0] == ErrPacket::header;
    if (!is_greeting && !is_err)
      return fail(FailureKind::foreign, "what came first is no greeting of MySQL's");
  }
  const bool was_greeted = facts_.greeted;
  const ClientStep step = handshake_.on_packet(packet, out);
  if (!was_greeted && (step == ClientStep::start_tls || step == ClientStep::need_auth))
    note_greeting();
  return on_step(step, out);
}

void LoginMachine::note_greeting() {
  const ServerGreeting& greeting = handshake_.greeting();
  facts_.greeted = true;
  facts_.version = greeting.version();
  facts_.flavor = handshake_.flavor();
  facts_.greeting_plugin = greeting.auth_plugin;
  facts_.tls_offered = greeting.capabilities.has(Capability::ssl);
  facts_.plugin_auth = handshake_.capabilities().has(Capability::plugin_auth);
  did("greeting",
      fmt::format("{}, connection {}, {}", greeting.version(), greeting.connection_id,
                  greeting.auth_plugin.empty() ? "mysql_native_password" : greeting.auth_plugin));
  step_ = "response";
}

LoginMachine::Want LoginMachine::tls_established(Buffer& out) {
  facts_.tls = true;
  step_ = "response";
  return on_step(handshake_.tls_established(), out);
}

LoginMachine::Want LoginMachine::on_step(ClientStep step, Buffer& out) {
  switch (step) {
    case ClientStep::need_more: return Want::bytes;
    case ClientStep::start_tls:
      step_ = "tls";
      if (frames_.buffered() != 0)
        return fail(FailureKind::protocol, "bytes in clear stand behind the agreement on TLS");
      return Want::tls;
    case ClientStep::need_auth: return answer(out);
    case ClientStep::ready:
      did("ok", fmt::format("logged in by {}", facts_.plugin));
      step_ = "ok";
      frames_.set_wiping(false);
      frames_.set_max_payload(Connection::max_payload);
      return Want::done;
    case ClientStep::refused: return refused();
    case ClientStep::failed: break;
  }
  const Error& error = handshake_.error();
  const std::string_view field = error.field;
  if (field == "CLIENT_SSL") {
    note_greeting();
    step_ = "tls";
    return fail(FailureKind::tls_absent, "the server offers no TLS");
  }
  if (std::string_view(error.message) == "OldAuthSwitchRequest") {
    facts_.plugin = "mysql_old_password";
    step_ = "switch";
    return fail(FailureKind::plugin, "the server wants mysql_old_password");
  }
  if (error.code == errc::unsupported && field.starts_with("CLIENT_"))
    return fail(FailureKind::protocol, fmt::format("the server does not have {}", field));
  return fail(FailureKind::protocol, to_string(error));
}

LoginMachine::Want LoginMachine::refused() {
  const auto err = ErrPacket::decode(handshake_.err_payload(), context());
  if (!err) return fail(FailureKind::protocol, to_string(err.error()));
  failure_.code = err->code;
  failure_.sql_state = err->sql_state;
  return fail(FailureKind::err_packet, std::string(err->message));
}

void LoginMachine::note_question() {
  const std::string_view plugin = handshake_.plugin();
  const Bytes data = handshake_.auth_data();
  switch (handshake_.auth_source()) {
    case AuthSource::greeting: facts_.plugin = plugin; break;
    case AuthSource::switched:
      facts_.plugin = plugin;
      ++facts_.switches;
      step_ = "switch";
      did("switch", fmt::format("the account uses {}", plugin));
      break;
    case AuthSource::next_factor:
      facts_.plugin = plugin;
      step_ = "next_factor";
      break;
    case AuthSource::more_data:
      if (facts_.key_requested && !facts_.key_received) {
        facts_.key_received = true;
        step_ = "rsa_key";
        did("rsa_key", "SHA-256 of the server's key: " + key_fingerprint(as_text(data)));
      } else if (plugin == "caching_sha2_password" && data.size() == 1 && data[0] == 3) {
        facts_.fast = true;
        step_ = "fast_auth";
        did("fast_auth", "the account was in the server's cache");
      } else if (plugin == "caching_sha2_password" && data.size() == 1 && data[0] == 4) {
        facts_.full = true;
        step_ = "full_auth";
        did("full_auth", "the server wants the password itself");
      }
      break;
  }
}

LoginMachine::Want LoginMachine::answer(Buffer& out) {
  note_question();
  const bool is_clear = handshake_.plugin() == "mysql_clear_password";
  if (!password_ || (is_clear && plan_.allow_cleartext && !facts_.tls)) {
    crypto::PasswordAnswerOptions options;
    options.channel.tls = facts_.tls || (is_clear && plan_.allow_cleartext);
    options.channel.unix_socket = facts_.unix_socket;
    options.allow_clear_password =
        facts_.tls || facts_.unix_socket || (is_clear && plan_.allow_cleartext);
    options.server_public_key = plan_.public_key;
    options.request_public_key = plan_.take_public_key && plan_.public_key.empty();
    password_ = std::make_unique<crypto::PasswordAnswer>(secret_.clone(), std::move(options));
  }
  return carry_out(crypto::answer(*password_, handshake_), out);
}

LoginMachine::Want LoginMachine::carry_out(const crypto::AnswerAction& action, Buffer& out) {
  switch (action.step) {
    case AnswerStep::wait: return Want::bytes;
    case AnswerStep::reply: {
      const bool wants_key = action.data.size() == 1 && action.data[0] != 0;
      facts_.key_requested = facts_.key_requested || wants_key;
      const bool first = handshake_.auth_source() == AuthSource::greeting;
      if (first) {
        did("response", fmt::format("as '{}', {}, {}", facts_.user,
                                    facts_.plugin.empty() ? "mysql_native_password" : facts_.plugin,
                                    password_word(facts_)));
        facts_.responded = true;
        step_ = "response";
      } else if (wants_key) {
        did("rsa_request", "asked for the server's RSA key");
      }
      return on_step(handshake_.respond(action.data, out), out);
    }
    case AnswerStep::need_secret:
    case AnswerStep::impossible: break;
  }
  return give_up(action.reason);
}

LoginMachine::Want LoginMachine::give_up(const char* reason) {
  const AuthPlugin plugin = crypto::find_auth_plugin(handshake_.plugin());
  if (plugin == AuthPlugin::unknown || plugin == AuthPlugin::mysql_old_password)
    return fail(FailureKind::plugin,
                fmt::format("the server wants {}, which is not answered", handshake_.plugin()));
  const bool open = !facts_.tls && !facts_.unix_socket;
  const bool by_key = !plan_.public_key.empty() || plan_.take_public_key;
  if (plugin == AuthPlugin::mysql_clear_password) return fail(FailureKind::withheld, reason);
  if ((plugin == AuthPlugin::caching_sha2_password || plugin == AuthPlugin::sha256_password) &&
      (open || plugin == AuthPlugin::sha256_password) && !by_key && !facts_.tls)
    return fail(FailureKind::withheld, reason);
  return fail(FailureKind::protocol, reason);
}

// The driver.

namespace {

constexpr std::size_t longest_login = 8 << 10;

LoginFacts begin_facts(const Target& target, const LoginSettings& settings) {
  LoginFacts facts;
  facts.target = target.text;
  facts.host = target.host;
  facts.port = target.port;
  facts.unix_socket = target.kind == Target::Kind::unix_socket;
  facts.client_certificate = !settings.connection.tls.certificate.empty();
  return facts;
}

// Over a unix socket TLS protects nothing: it is used where it is asked for.
TlsMode tls_mode(const Target& target, const LoginSettings& settings) {
  const TlsMode mode = settings.connection.tls.mode;
  const bool is_local = target.kind == Target::Kind::unix_socket;
  return is_local && mode == TlsMode::preferred ? TlsMode::disabled : mode;
}

}  // namespace

Login::Login(const Target& target, const LoginSettings& settings)
    : connection_(target, settings.connection),
      machine_(settings.plan, tls_mode(target, settings), *settings.password,
               begin_facts(target, settings)),
      plan_(settings.plan),
      last_(Clock::now()) {}

void Login::mark(std::string name, std::string detail) {
  const Clock::time_point now = Clock::now();
  steps_.push_back({std::move(name), to_ms(now - last_), std::move(detail)});
  last_ = now;
}

void Login::fail(Failure failure) {
  if (failure.step.empty()) failure.step = step_;
  LoginFacts& facts = machine_.facts();
  facts.said = connection_.first_bytes();
  if (failure.step == "greeting") judge_silence(connection_, failure, facts);
  // A server may refuse TLS by an ERR in clear.
  if (failure.step == "tls" && failure.kind == FailureKind::foreign) {
    failure.kind = FailureKind::tls_failed;
    const Bytes said = as_bytes(facts.said);
    if (said.size() > 6 && said[4] == ErrPacket::header) {
      if (const auto err = ErrPacket::decode(said.subspan(4), Context{})) {
        failure.kind = FailureKind::err_packet;
        failure.code = err->code;
        failure.sql_state = err->sql_state;
        failure.message = err->message;
      }
    }
  }
  throw ProbeError{std::move(failure)};
}

void Login::connect() {
  last_ = Clock::now();
  try {
    step_ = "resolve";
    connection_.resolve();
    if (!machine_.facts().unix_socket) mark("resolve", "");
    step_ = "connect";
    connection_.connect();
    machine_.facts().loopback = connection_.peer().is_loopback();
    if (!steps_.empty()) steps_.back().detail = connection_.peer().text();
    mark("connect", machine_.facts().unix_socket
                        ? connection_.peer().text()
                        : fmt::format("port {}", connection_.peer().port()));
  } catch (const ProbeError& error) {
    fail(error.failure);
  }
}

void Login::run() {
  connect();
  try {
    go_on();
  } catch (const ProbeError& error) {
    for (Step& step : machine_.take_steps()) mark(std::move(step.name), std::move(step.detail));
    if (error.failure.step.empty()) step_ = machine_.step();
    fail(error.failure);
  }
  const auto algorithm = compress::agreed_algorithm(machine_.handshake().capabilities());
  connection_.set_frames(machine_.take_frames());
  if (algorithm)
    connection_.start_compression(*algorithm, plan_.compression_level > 0
                                                  ? plan_.compression_level
                                                  : compress::default_level(*algorithm));
}

void Login::go_on() {
  Buffer out;
  out.reserve(longest_login);  // at once: a growing buffer would leave copies of a password behind
  for (;;) {
    const Deadline deadline = connection_.deadline();
    LoginMachine::Want want = LoginMachine::Want::bytes;
    // One packet has to come within the deadline, however slowly its bytes drip.
    const std::string step = machine_.step();
    while (want == LoginMachine::Want::bytes && out.empty()) {
      const Bytes received = connection_.receive(deadline);
      if (received.empty())
        throw ProbeError{{FailureKind::lost, "", 0, "", closed_text(machine_.mid_packet())}};
      want = machine_.feed(received, out);
      if (machine_.step() != step) break;
    }
    for (Step& each : machine_.take_steps()) mark(std::move(each.name), std::move(each.detail));
    if (want == LoginMachine::Want::failed) throw ProbeError{machine_.failure()};
    if (!out.empty()) connection_.send(out);
    wipe(out);
    if (want == LoginMachine::Want::done) return;
    if (want != LoginMachine::Want::tls) continue;
    connection_.start_tls();
    mark("tls", connection_.tls()->version() + " " + connection_.tls()->cipher());
    want = machine_.tls_established(out);
    for (Step& each : machine_.take_steps()) mark(std::move(each.name), std::move(each.detail));
    if (want == LoginMachine::Want::failed) throw ProbeError{machine_.failure()};
    connection_.send(out);
    wipe(out);
  }
}

namespace {

// As far as it goes: header, sequence id 0, and protocol_version or the 0xff of an ERR.
bool begins_a_greeting(std::string_view said) {
  if (said.size() > 2 && said[2] != 0) return false;
  if (said.size() > 3 && said[3] != 0) return false;
  return said.size() <= 4 || said[4] == 0x09 || said[4] == 0x0a || said[4] == '\xff';
}

}  // namespace

void judge_silence(Connection& connection, Failure& failure, LoginFacts& facts) {
  facts.said = connection.first_bytes();
  if (failure.kind != FailureKind::timed_out && failure.kind != FailureKind::lost) return;
  if (failure.kind == FailureKind::timed_out && facts.said.empty()) facts.said = poke(connection);
  if (facts.said.empty()) return;
  if (recognise_protocol(facts.said).empty() && begins_a_greeting(facts.said)) {
    if (failure.kind == FailureKind::lost && failure.code == 0)
      failure.message = closed_text(false);
    failure.message += " inside the greeting";
    return;
  }
  failure.kind = FailureKind::foreign;
  failure.message = "no greeting of MySQL's";
}

std::string poke(Connection& connection) {
  static constexpr std::string_view line = "GET / HTTP/1.0\r\n\r\n";
  std::string said;
  try {
    connection.send(as_bytes(line));
    const Deadline deadline = Clock::now() + std::chrono::seconds(1);
    while (said.size() < 16) {
      const Bytes bytes = connection.receive(deadline);
      if (bytes.empty()) break;
      said += as_text(bytes.first(std::min<std::size_t>(bytes.size(), 512)));
    }
  } catch (const ProbeError&) {
    // Whatever came before is all there is.
  }
  return said;
}

}  // namespace mysqlprobe
