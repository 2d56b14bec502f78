// The log on standard error and the access log. Made for threads that must not wait: lines are
// formatted by the caller and written by a thread of the log's own.
#pragma once

#include "proxy/config/config.hpp"

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace mysqlproxy {

class LineWriter;

/// A named value behind a log message. Borrows its text for the duration of the call.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  LogField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const char* text)
      : key(field_key), value(std::string_view(text)) {}
  LogField(std::string_view field_key, std::signed_integral auto number)
      : key(field_key), value(std::int64_t{number}) {}
  LogField(std::string_view field_key, std::unsigned_integral auto number)
      : key(field_key), value(std::uint64_t{number}) {}
  LogField(std::string_view field_key, bool truth) : key(field_key), value(truth) {}
  LogField(std::string_view field_key, double number) : key(field_key), value(number) {}

  std::string_view key;
  Value value;
};

/// Which side ended a connection.
enum class EndedBy : std::uint8_t { client, proxy, server };
std::string_view to_string(EndedBy side) noexcept;

/// One connection that logged in, or tried to. Borrows its texts for the duration of the call;
/// an empty text is an absent one.
struct AccessRecord {
  std::chrono::system_clock::time_point time;  ///< when the client connected
  std::string_view client;                     ///< its address, "192.0.2.7:50312"
  std::string_view listener;
  std::string_view user;
  std::string_view database;  ///< the one asked for at login or by the last change of user
  std::string_view pool;
  std::string_view server;
  std::uint64_t connection_id = 0;  ///< the id that the client was told
  std::string_view tls;             ///< with the client: "TLSv1.3"
  std::string_view tls_cipher;      ///< "TLS_AES_256_GCM_SHA384"
  std::string_view server_tls;      ///< with the last server
  std::string_view server_tls_cipher;
  std::optional<std::uint32_t> peer_pid;  ///< who is at the other end of a unix socket
  std::optional<std::uint32_t> peer_uid;
  std::uint64_t bytes_from_client = 0;
  std::uint64_t bytes_to_client = 0;
  std::uint64_t commands = 0;
  std::chrono::microseconds duration{0};
  std::string_view end_reason;  ///< "quit", "idle timeout", "login refused: 1045 …"
  EndedBy ended_by = EndedBy::client;
};

/// One line, without its newline. Whatever bytes the texts hold, the line holds no control byte
/// and no invalid UTF-8.
std::string format_access(const AccessRecord& record, LogFormat format);
std::string format_message(std::chrono::system_clock::time_point time, LogLevel level,
                           std::string_view message, std::initializer_list<LogField> fields,
                           LogFormat format);

/// The program's log. All members may be called from any thread at any time; none throws unless it
/// says so. A line that can't be written at once is queued, up to a limit; beyond that lines are
/// dropped, counted, and the count is logged when there is room again.
class Log {
 public:
  /// Messages go to standard error. Throws std::system_error when the access log can't be opened.
  explicit Log(const LogConfig& config);
  /// Writes what is queued, unless the reader at the other end is stuck.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(LogLevel level) const noexcept {
    return level <= level_.load(std::memory_order_relaxed);
  }
  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields = {}) noexcept;
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) noexcept {
    write(LogLevel::error, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) noexcept {
    write(LogLevel::warn, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) noexcept {
    write(LogLevel::info, message, fields);
  }
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) noexcept {
    write(LogLevel::debug, message, fields);
  }

  void access(const AccessRecord& record) noexcept;

  /// SIGUSR1: opens the access log's file anew, after it was moved away. When that fails the old
  /// one stays in use and the reason is logged. Not for a signal handler itself.
  void reopen() noexcept;

  /// SIGHUP: takes over a new configuration. Throws std::system_error, and changes nothing, when
  /// the new access log can't be opened.
  void reconfigure(const LogConfig& config);

  /// Waits until what was queued before is written or dropped.
  void flush() noexcept;

 private:
  void put(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) noexcept;
  void report_dropped() noexcept;

  std::atomic<LogLevel> level_;
  std::atomic<LogFormat> format_;
  std::unique_ptr<LineWriter> messages_;
  std::unique_ptr<LineWriter> access_;
};

}  // namespace mysqlproxy
