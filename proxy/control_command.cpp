#include "proxy/control_command.hpp"

#include "proxy/arguments.hpp"
#include "proxy/config/units.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace mysqlproxy {
namespace {

struct Kind {
  std::string_view name;
  const char* description;
};

constexpr std::array<Kind, 4> kinds{
    {{"switchover", "move the primary of a pool to another server, by plan"},
     {"promote", "make a server the primary of a pool whose primary is lost"},
     {"failback", "go back to the first server of a pool that is up"},
     {"status", "say what pools and servers are"}}};

constexpr const char* footer =
    R"(It is asked of the proxy that runs, by its control socket: proxy.control in the
configuration, by default "control" in its data_dir. What is under way there goes on when
this program is ended.

Exit codes: 0 done, or with --dry-run possible; 1 not done, 2 usage or no answer.)";

CommandLineResult failed(std::string text) {
  CommandLineResult result;
  result.exit = ExitCode::usage;
  result.err = "mysqlproxy: " + std::move(text) + "\n";
  return result;
}

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool truth_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

/// For people: a line for each pool, and one for each of its servers.
std::string describe(const nlohmann::json& status) {
  std::string text;
  const auto pools = status.find("pools");
  if (pools == status.end() || !pools->is_array()) return text;
  for (const auto& pool : *pools) {
    text += fmt::format("pool {}: role {}, {}{}\n", text_of(pool, "name"), text_of(pool, "role"),
                        text_of(pool, "balance"),
                        truth_of(pool, "held") ? ", its primary is being moved" : "");
    const auto servers = pool.find("servers");
    if (servers == pool.end() || !servers->is_array()) continue;
    for (const auto& server : *servers)
      text += fmt::format("  {} ({})\n", text_of(server, "text"), text_of(server, "address"));
  }
  return text;
}

/// The socket's path, or a fault in the result.
std::string socket_of(const ControlCommand& command, CommandLineResult& result) {
  if (!command.socket.empty()) return command.socket;
  const LoadResult loaded = load_file(command.config_file);
  if (!loaded.config) {
    result = failed(to_string(loaded.errors.front()));
    return {};
  }
  if (loaded.config->proxy.control.empty())
    result = failed(
        fmt::format("{} names neither a control socket nor a data_dir", command.config_file));
  return loaded.config->proxy.control;
}

/// A connected descriptor, or -1 and errno.
int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return socket;
  const int error = errno;
  ::close(socket);
  errno = error;
  return -1;
}

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

bool is_control_command(std::string_view name) noexcept {
  return std::ranges::any_of(kinds, [&](const Kind& kind) { return kind.name == name; });
}

ControlCommandLine parse_control_command(const std::vector<std::string>& arguments) {
  ControlCommand command;
  command.name = arguments.front();
  const auto kind =
      std::ranges::find_if(kinds, [&](const Kind& one) { return one.name == command.name; });
  Arguments known(fmt::format("mysqlproxy {}: {}", command.name, kind->description),
                  "mysqlproxy " + command.name);
  known.footer(footer);
  std::string timeout;
  if (command.name != "status")
    known.option("pool", command.pool, "POOL", "the pool", Arguments::Need::required);
  known.option("-c,--config", command.config_file, "FILE",
               "the configuration of the proxy that runs");
  known.option("--control", command.socket, "PATH", "its control socket");
  const bool moves = command.name == "switchover" || command.name == "promote";
  if (moves) {
    using Need = Arguments::Need;
    known.option("--to", command.to, "SERVER", "the server (default: the one that has most)",
                 command.name == "promote" ? Need::required : Need::optional);
    known.flag("--dry-run", command.dry_run, "only say whether it can be done, and how");
    known.option("--timeout", timeout, "TIME", "how long writes may be held back (default: 30s)");
  }
  if (command.name == "status") known.flag("--json", command.json, "as JSON");
  ControlCommandLine line;
  const auto refuse = [&](std::string_view why) {
    line.result = failed(fmt::format("{}\nTry 'mysqlproxy {} --help'.", why, command.name));
    return line;
  };
  auto parsed = known.parse(std::span(arguments).subspan(1));
  if (parsed.help) {
    line.result.out = std::move(*parsed.help);
    return line;
  }
  if (parsed.fault) return refuse(*parsed.fault);
  if (command.config_file.empty() == command.socket.empty())
    return refuse("give the configuration by -c, or the socket by --control");
  if (!timeout.empty()) {
    const auto time = parse_duration(timeout);
    if (!time || time->count() < 1000)
      return refuse(
          fmt::format("--timeout: expected a duration of 1s or more, found {:?}", timeout));
    command.timeout = *time;
  }
  line.command = std::move(command);
  return line;
}

std::string control_request(const ControlCommand& command) {
  nlohmann::ordered_json request{{"command", command.name}};
  if (!command.pool.empty()) request["pool"] = command.pool;
  if (!command.to.empty()) request["to"] = command.to;
  if (command.dry_run) request["dry_run"] = true;
  if (command.name == "switchover" || command.name == "promote")
    request["timeout_ms"] = command.timeout.count();
  using Handling = nlohmann::ordered_json::error_handler_t;
  return request.dump(-1, ' ', false, Handling::replace) + "\n";
}

ControlAnswer read_control_answer(const ControlCommand& command, std::string_view line) {
  ControlAnswer answer;
  const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    answer.err = "mysqlproxy: an answer that is none\n";
    answer.exit = static_cast<int>(ExitCode::usage);
    return answer;
  }
  const bool over = truth_of(object, "over");
  const bool good = truth_of(object, "good");
  const std::string text = text_of(object, "text");
  const bool trouble =
      text.starts_with("failed: ") || text.starts_with("warning: ") || (over && !good);
  if (!text.empty()) {
    if (trouble)
      answer.err = fmt::format("mysqlproxy: {}\n", text);
    else
      answer.out = text + "\n";
  }
  if (const auto status = object.find("status"); status != object.end())
    answer.out += command.json ? status->dump(2) + "\n" : describe(*status);
  if (over) answer.exit = static_cast<int>(good ? ControlCode::done : ControlCode::not_done);
  return answer;
}

CommandLineResult run_control_command(
    const ControlCommand& command,
    const std::function<void(const std::string& out, const std::string& err)>& print) {
  CommandLineResult result;
  const std::string path = socket_of(command, result);
  if (result.exit != ExitCode::good) return result;
  const int socket = connect_to(path);
  if (socket < 0)
    return failed(fmt::format("no proxy answers at {}: {}", path, std::strerror(errno)));
  std::string unread;
  std::optional<int> exit;
  if (send_all(socket, control_request(command))) {
    std::array<char, 4096> room;
    while (!exit) {
      const ssize_t size = ::read(socket, room.data(), room.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) break;
      unread.append(room.data(), static_cast<std::size_t>(size));
      for (auto end = unread.find('\n'); end != unread.npos && !exit; end = unread.find('\n')) {
        const ControlAnswer answer = read_control_answer(command, unread.substr(0, end));
        print(answer.out, answer.err);
        exit = answer.exit;
        unread.erase(0, end + 1);
      }
    }
  }
  ::close(socket);
  if (!exit) return failed("the proxy has gone before its last answer");
  result.exit = static_cast<ExitCode>(*exit);
  return result;
}

}  // namespace mysqlproxy
