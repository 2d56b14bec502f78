// greet: what a server says before any login.
#include "cli/mysqlprobe/commands.hpp"
#include "cli/mysqlprobe/product.hpp"

#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/ok_packet.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

// One greeting, read by the machine of a login that goes no further.
struct Greeting {
  ServerGreeting greeting;
  SaltShape shape;
  Flavor flavor = Flavor::mysql;
  double resolve_ms = 0, connect_ms = 0, greeting_ms = 0;
};

class Greeter {
 public:
  Greeter(const Target& target, const LoginSettings& settings) : login_(target, settings) {}

  Greeting run() {
    login_.connect();
    const Clock::time_point connected = Clock::now();
    Greeting out;
    try {
      Connection& connection = login_.connection();
      connection.frames().set_max_payload(ClientAuth::max_payload);
      const Packet packet = first_packet(connection);
      packet_id_ = static_cast<std::uint8_t>(packet.last_sequence_id + 1);
      out.greeting_ms = to_ms(Clock::now() - connected);
      Buffer ignored;
      ClientLogin nobody;
      nobody.capabilities = usual_capabilities();
      ClientHandshake handshake(nobody);
      const ClientStep step = handshake.on_packet(packet, ignored);
      if (step == ClientStep::refused) refuse(handshake.err_payload());
      // A greeting that no login could go on from is still one.
      const auto decoded = HandshakeV10::decode(packet.payload, Context{});
      if (!decoded) fail({FailureKind::protocol, "greeting", 0, "", to_string(decoded.error())});
      out.greeting = handshake.greeting();
      out.flavor = handshake.flavor();
      capabilities_ = handshake.capabilities();
      capabilities_.clear(Capability::connect_attrs);
      plugin_ = out.greeting.auth_plugin;
      out.shape = look_at_salt(packet.payload, out.greeting.salt);
      for (const Step& each : login_.steps())
        (each.name == "resolve" ? out.resolve_ms : out.connect_ms) = each.ms;
      login_.mark("greeting", fmt::format("{} bytes", packet.payload.size()));
    } catch (const ProbeError& error) {
      fail(error.failure);
    }
    leave(packet_id_);
    return out;
  }

  Login& login() { return login_; }
  LoginFacts facts;

 private:
  // A connection that just goes away counts against max_connect_errors, a login that is refused
  // does not: so one is tried, without a password.
  void leave(std::uint8_t sequence_id) noexcept {
    Connection& connection = login_.connection();
    try {
      HandshakeResponse41 response;
      response.capabilities = capabilities_;
      response.max_packet_size = 1U << 24;
      response.collation = 45;
      response.user = nobody;
      response.auth_plugin_name = plugin_;
      Buffer payload;
      Writer writer(payload);
      response.encode(writer, Context{});
      connection.send_packet(payload, sequence_id);
      for (unsigned rounds = 0; rounds < 4; ++rounds) {
        const auto reply = connection.read_packet_or_end();
        if (!reply || reply->payload.empty() || reply->payload[0] == ErrPacket::header) break;
        if (reply->payload[0] == OkPacket::header) return connection.quit();
        // Whatever is asked: no password.
        connection.send_packet({}, static_cast<std::uint8_t>(reply->last_sequence_id + 1));
      }
    } catch (...) {
      // What was to be learnt is known.
    }
    connection.close();
  }

  Packet first_packet(Connection& connection) {
    const Deadline deadline = connection.deadline();
    try {
      const Packet packet = connection.read_packet(deadline);
      const std::uint8_t first = packet.payload.empty() ? std::uint8_t{0} : packet.payload[0];
      if (first != 0x09 && first != 0x0a && first != ErrPacket::header)
        throw ProbeError{
            {FailureKind::foreign, "greeting", 0, "", "what came first is no greeting of MySQL's"}};
      return packet;
    } catch (ProbeError& error) {
      // What does not even look like a packet.
      if (error.failure.kind == FailureKind::protocol) {
        error.failure.kind = FailureKind::foreign;
        error.failure.message = "what came is no packet of MySQL's";
      }
      throw;
    }
  }

  [[noreturn]] void refuse(Bytes payload) {
    const auto err = ErrPacket::decode(payload, Context{});
    if (!err) fail({FailureKind::protocol, "greeting", 0, "", to_string(err.error())});
    fail({FailureKind::err_packet, "greeting", err->code, std::string(err->sql_state),
          std::string(err->message)});
  }

  [[noreturn]] void fail(Failure failure) {
    if (failure.step.empty()) failure.step = "greeting";
    facts = login_.facts();
    judge_silence(login_.connection(), failure, facts);
    throw ProbeError{failure};
  }

  Login login_;
  Capabilities capabilities_;
  std::string plugin_;
  std::uint8_t packet_id_ = 1;
};

Json capabilities_json(Capabilities capabilities, bool extended) {
  Json list = Json::array();
  for (const Capability each : all_capabilities())
    if (capabilities.has(each) && (static_cast<std::uint64_t>(each) >> 32 != 0) == extended)
      list.push_back(std::string(to_string(each)));
  return list;
}

std::string join(const Json& list) {
  std::string out;
  for (const Json& each : list) {
    if (!out.empty()) out += ' ';
    std::string name = each.get<std::string>();
    for (const std::string_view prefix : {"MARIADB_CLIENT_", "CLIENT_", "SERVER_STATUS_"})
      if (name.starts_with(prefix)) {
        name.erase(0, prefix.size());
        break;
      }
    out += name;
  }
  return out;
}

// Lines of at most about 100 characters.
void add_wrapped(std::vector<std::string>& lines, const std::string& head,
                 const std::string& text) {
  constexpr std::size_t width = 84;
  std::string line = fmt::format("{:<14}", head);
  std::size_t used = 0;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    if (used != 0 && used + end - begin > width) {
      lines.push_back(line);
      line = std::string(14, ' ');
      used = 0;
    }
    if (used != 0) line += ' ';
    line += text.substr(begin, end - begin);
    used += end - begin + 1;
    begin = end + 1;
  }
  lines.push_back(line);
}

void describe(Report& report, const Greeting& first, const Crowd& crowd, std::size_t count) {
  const ServerGreeting& greeting = first.greeting;
  const Product product = detect_product(greeting.server_version, first.flavor);
  Json& found = report.found;
  found["version"] = product.version;
  found["server_version"] = greeting.server_version;
  found["product"] = product.name;
  found["flavor"] = first.flavor == Flavor::mariadb ? "mariadb" : "mysql";
  found["protocol"] = 10;
  found["connection_id"] = greeting.connection_id;
  const std::string_view collation = collation_name(greeting.collation, first.flavor);
  found["collation"] =
      collation.empty() ? std::to_string(greeting.collation) : std::string(collation);
  found["charset"] = std::string(charset_name(greeting.collation));
  found["status"] = Json::array();
  for (const ServerStatus each : all_status_flags())
    if (greeting.status.has(each)) found["status"].push_back(std::string(to_string(each)));
  found["capabilities"] = capabilities_json(greeting.capabilities, false);
  found["mariadb_capabilities"] = capabilities_json(greeting.capabilities, true);
  found["capability_bits"] = fmt::format("{:#x}", greeting.capabilities.bits());
  found["plugin"] = greeting.auth_plugin.empty() ? "mysql_native_password" : greeting.auth_plugin;
  found["tls"] = greeting.capabilities.has(Capability::ssl);
  found["compression"] = Json::array();
  if (greeting.capabilities.has(Capability::compress)) found["compression"].push_back("zlib");
  if (greeting.capabilities.has(Capability::zstd_compression_algorithm))
    found["compression"].push_back("zstd");
  const SaltShape& shape = first.shape;
  found["salt"] = {{"announced_length", shape.announced},
                   {"bytes", shape.size},
                   {"closing_nul", shape.closing_nul},
                   {"printable", shape.printable},
                   {"seven_bit", shape.seven_bit},
                   {"repeated", crowd.constant_salt},
                   {"weak", crowd.weak_salt || crowd.constant_salt},
                   {"hints", crowd.salt_hints}};
  found["proxy"] = !crowd.proxy_hints.empty();
  found["proxy_hints"] = crowd.proxy_hints;
  found["servers"] = crowd.servers;
  found["connections"] = count;

  report.summary = fmt::format("{} {}", product.name, product.version);
  std::vector<std::string>& lines = report.lines;
  const auto add = [&](const char* head, const std::string& text) {
    lines.push_back(fmt::format("{:<14}{}", head, text));
  };
  add("version", greeting.server_version);
  add("connection", std::to_string(greeting.connection_id));
  add("charset", fmt::format("{} ({})", found["collation"].get<std::string>(), greeting.collation));
  add("status", join(found["status"]));
  add("plugin", found["plugin"].get<std::string>());
  add("tls", found["tls"].get<bool>() ? "offered" : "not offered");
  add_wrapped(lines, "capabilities", join(found["capabilities"]));
  if (!found["mariadb_capabilities"].empty())
    add_wrapped(lines, "  MariaDB's", join(found["mariadb_capabilities"]));
  add("salt", fmt::format("{} bytes{}, length announced {}, {}", shape.size,
                          shape.closing_nul ? " and NUL" : ", no NUL behind", shape.announced,
                          shape.printable   ? "printable"
                          : shape.seven_bit ? "7-bit"
                                            : "8-bit"));
  for (const std::string& hint : crowd.salt_hints) add("", "weak: " + hint);
  if (count > 1)
    add("salts", crowd.constant_salt ? "repeated" : fmt::format("{} different ones", count));
  if (!crowd.proxy_hints.empty()) {
    add("proxy", "it looks like one");
    for (const std::string& hint : crowd.proxy_hints) add("", hint);
  }
  if (count > 1)
    add("servers", crowd.servers == 1 ? "one, as far as can be seen"
                                      : fmt::format("{} at least", crowd.servers));
}

}  // namespace

Report greet(const Target& target, const Options& options) {
  Report report;
  LoginSettings settings = settings_for(target, options);
  Recorder recorder(options.recorder);
  const std::uint64_t count = options.count == 0 ? 4 : options.count;
  std::vector<Seen> seen;
  std::vector<SaltShape> shapes;
  std::vector<double> connects, greetings;
  Greeting first;
  for (std::uint64_t i = 0; i < count && !interrupted(); ++i) {
    settings.connection.recorder = i == 0 ? &recorder : nullptr;
    Greeter greeter(target, settings);
    try {
      Greeting each = greeter.run();
      connects.push_back(each.connect_ms);
      greetings.push_back(each.greeting_ms);
      seen.push_back({each.greeting});
      shapes.push_back(each.shape);
      if (i == 0) {
        report.steps = greeter.login().steps();
        report.step = "greeting";
        first = std::move(each);
      }
    } catch (const ProbeError& error) {
      LoginFacts facts = greeter.facts.target.empty() ? greeter.login().facts() : greeter.facts;
      if (i == 0) report.steps = greeter.login().steps();
      report.fail(error.failure, facts);
      break;
    }
    if (i + 1 < count && options.interval.count() > 0) wait_for(options.interval);
  }
  report.trace = recorder.text();
  if (!options.write.empty()) recorder.write(options.write);
  if (seen.empty()) return report;
  describe(report, first, judge(seen, shapes), seen.size());
  const Spread times = spread(greetings);
  report.found["latency_ms"] = {
      {"resolve", first.resolve_ms}, {"connect", spread(connects).mean}, {"greeting", times.mean}};
  report.performance = {fmt::format("connect={:.3f}ms", spread(connects).mean),
                        fmt::format("greeting={:.3f}ms", times.mean)};
  return report;
}

}  // namespace mysqlprobe
