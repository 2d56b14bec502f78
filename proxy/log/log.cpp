#include "proxy/log/log.hpp"

#include "proxy/log/writer.hpp"

#include <unistd.h>

#include <exception>

namespace mysqlproxy {

Log::Log(const LogConfig& config)
    : level_(config.level),
      format_(config.format),
      messages_(std::make_unique<LineWriter>(STDERR_FILENO, "-")),
      access_(std::make_unique<LineWriter>(STDOUT_FILENO, config.access)) {}

Log::~Log() { report_dropped(); }

void Log::write(LogLevel level, std::string_view message,
                std::initializer_list<LogField> fields) noexcept {
  if (!enabled(level)) return;
  report_dropped();
  put(level, message, fields);
}

void Log::put(LogLevel level, std::string_view message,
              std::initializer_list<LogField> fields) noexcept {
  try {
    messages_->write(
        format_message(std::chrono::system_clock::now(), level, message, fields, format_));
  } catch (const std::exception&) {  // out of memory: there is nobody left to tell
  }
}

void Log::access(const AccessRecord& record) noexcept {
  if (!access_->on()) return;
  try {
    access_->write(format_access(record, format_));
  } catch (const std::exception&) {
  }
  report_dropped();
}

/// What could not be written is told when something can.
void Log::report_dropped() noexcept {
  if (const std::uint64_t lines = messages_->take_dropped(); lines > 0) {
    put(LogLevel::error, "log lines were lost", {{"lines", lines}});
  }
  if (const std::uint64_t lines = access_->take_dropped(); lines > 0) {
    put(LogLevel::error, "access log lines were lost", {{"lines", lines}});
  }
}

void Log::reopen() noexcept {
  try {
    access_->reopen();
  } catch (const std::exception& fault) {
    error("the access log can't be reopened, the old one stays in use", {{"reason", fault.what()}});
  }
}

void Log::reconfigure(const LogConfig& config) {
  access_->open(config.access);
  level_ = config.level;
  format_ = config.format;
}

void Log::flush() noexcept {
  access_->flush();
  report_dropped();
  messages_->flush();
}

}  // namespace mysqlproxy
