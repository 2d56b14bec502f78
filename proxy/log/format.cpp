// Log lines as text and as JSON.
#include "proxy/log/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace mysqlproxy {
namespace {

using Json = nlohmann::ordered_json;

/// Clients choose user names, servers their error texts: no more of one than this is logged.
constexpr std::size_t longest_text = 1'024;

std::string_view cut(std::string_view text) noexcept { return text.substr(0, longest_text); }

bool is_ascii_print(char c) noexcept { return c >= ' ' && c <= '~'; }

/// UTC, to the millisecond: "2026-08-22T10:11:12.345Z".
std::string timestamp(std::chrono::system_clock::time_point time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(time - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), rest);
}

/// Escapes by fmt's rules ("\n", "\x{85}", "\xff"), which leave what can be printed as it is.
std::string escaped(std::string_view text) { return fmt::format("{:?}", cut(text)); }

/// A value that a reader can't mistake for two: quoted unless it is one plain word.
std::string text_value(std::string_view text) {
  if (text.empty()) return "-";
  const bool plain =
      text != "-" && text.size() <= longest_text && std::ranges::all_of(text, [](char c) {
        return is_ascii_print(c) && c != ' ' && c != '"' && c != '=' && c != '\\';
      });
  return plain ? std::string(text) : escaped(text);
}

/// The message itself: quotes stay as they are, since nothing is parsed out of it.
std::string text_message(std::string_view text) {
  if (text.size() <= longest_text && std::ranges::all_of(text, is_ascii_print)) {
    return std::string(text);
  }
  const std::string quoted = escaped(text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string dump(const Json& line) {
  return line.dump(-1, ' ', true, Json::error_handler_t::replace);
}

double in_milliseconds(std::chrono::microseconds duration) noexcept {
  return static_cast<double>(duration.count()) / 1'000;
}

Json text_or_null(std::string_view text) {
  return text.empty() ? Json(nullptr) : Json(std::string(cut(text)));
}

Json number_or_null(std::optional<std::uint32_t> number) {
  return number ? Json(*number) : Json(nullptr);
}

std::string number_or_dash(std::optional<std::uint32_t> number) {
  return number ? std::to_string(*number) : "-";
}

std::string access_json(const AccessRecord& record) {
  return dump({
      {"time", timestamp(record.time)},
      {"type", "access"},
      {"client", text_or_null(record.client)},
      {"listener", text_or_null(record.listener)},
      {"user", text_or_null(record.user)},
      {"database", text_or_null(record.database)},
      {"pool", text_or_null(record.pool)},
      {"server", text_or_null(record.server)},
      {"connection_id", record.connection_id},
      {"tls", text_or_null(record.tls)},
      {"tls_cipher", text_or_null(record.tls_cipher)},
      {"server_tls", text_or_null(record.server_tls)},
      {"server_tls_cipher", text_or_null(record.server_tls_cipher)},
      {"peer_pid", number_or_null(record.peer_pid)},
      {"peer_uid", number_or_null(record.peer_uid)},
      {"bytes_from_client", record.bytes_from_client},
      {"bytes_to_client", record.bytes_to_client},
      {"commands", record.commands},
      {"duration_ms", in_milliseconds(record.duration)},
      {"end", text_or_null(record.end_reason)},
      {"ended_by", to_string(record.ended_by)},
  });
}

std::string access_text(const AccessRecord& record) {
  return fmt::format(
      "{} access client={} listener={} user={} database={} pool={} server={} connection_id={} "
      "tls={} tls_cipher={} server_tls={} server_tls_cipher={} peer_pid={} peer_uid={} "
      "bytes_from_client={} bytes_to_client={} commands={} duration_ms={:.3f} end={} ended_by={}",
      timestamp(record.time), text_value(record.client), text_value(record.listener),
      text_value(record.user), text_value(record.database), text_value(record.pool),
      text_value(record.server), record.connection_id, text_value(record.tls),
      text_value(record.tls_cipher), text_value(record.server_tls),
      text_value(record.server_tls_cipher), number_or_dash(record.peer_pid),
      number_or_dash(record.peer_uid), record.bytes_from_client, record.bytes_to_client,
      record.commands, in_milliseconds(record.duration), text_value(record.end_reason),
      to_string(record.ended_by));
}

}  // namespace

std::string_view to_string(EndedBy side) noexcept {
  switch (side) {
    case EndedBy::client: return "client";
    case EndedBy::proxy: return "proxy";
    case EndedBy::server: return "server";
  }
  return {};
}

std::string format_access(const AccessRecord& record, LogFormat format) {
  return format == LogFormat::json ? access_json(record) : access_text(record);
}

std::string format_message(std::chrono::system_clock::time_point time, LogLevel level,
                           std::string_view message, std::initializer_list<LogField> fields,
                           LogFormat format) {
  if (format == LogFormat::json) {
    Json line = {{"time", timestamp(time)},
                 {"type", "log"},
                 {"level", to_string(level)},
                 {"message", std::string(cut(message))}};
    for (const LogField& field : fields) {
      std::visit(
          [&](const auto& value) {
            if constexpr (std::is_same_v<decltype(value), const std::string_view&>) {
              line[std::string(field.key)] = text_or_null(value);
            } else {
              line[std::string(field.key)] = value;
            }
          },
          field.value);
    }
    return dump(line);
  }
  std::string line =
      fmt::format("{} {:<5} {}", timestamp(time), to_string(level), text_message(message));
  for (const LogField& field : fields) {
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_same_v<decltype(value), const std::string_view&>) {
            fmt::format_to(std::back_inserter(line), " {}={}", field.key, text_value(value));
          } else {
            fmt::format_to(std::back_inserter(line), " {}={}", field.key, value);
          }
        },
        field.value);
  }
  return line;
}

}  // namespace mysqlproxy
