#include "cli/common/slow_log.hpp"

#include "cli/common/text.hpp"

#include <algorithm>
#include <ctime>

namespace cli {
namespace {

std::string clock_text(std::int64_t nanoseconds, const char* format) {
  const std::time_t seconds = nanoseconds / 1'000'000'000;
  std::tm broken{};
  char buffer[64];
  if (::gmtime_r(&seconds, &broken) == nullptr ||
      std::strftime(buffer, sizeof buffer, format, &broken) == 0)
    return {};
  return buffer;
}

void append_statement(std::string& out, std::string_view statement) {
  // Line breaks stay: the log has them too. A line that looks like a header would not.
  for (const char c : statement) {
    const bool is_control =
        (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
    if (is_control) {
      append_printable(out, std::string_view(&c, 1));
      continue;
    }
    if (c == '#' && out.back() == '\n') out += ' ';
    out += c;
  }
  out += ";\n";
}

}  // namespace

void append_slow_log(std::string& out, const SlowLogEntry& entry) {
  out += "# Time: ";
  out += clock_text(entry.time, "%FT%T");
  std::string second;
  append_seconds(second, entry.time, 6);
  out += second.substr(second.find('.'));
  out += "Z\n# User@Host: ";
  append_printable(out, entry.user);
  out += '[';
  append_printable(out, entry.user);
  out += "] @  [";
  out += entry.host;
  out += "]  Id: ";
  append_number(out, entry.connection_id);
  out += "\n# Query_time: ";
  append_seconds(out, std::max<std::int64_t>(0, entry.duration), 6);
  out += "  Lock_time: 0.000000 Rows_sent: ";
  append_number(out, entry.rows_sent);
  out += "  Rows_examined: 0  Rows_affected: ";
  append_number(out, entry.rows_affected);
  out += "  Bytes_sent: ";
  append_number(out, entry.bytes_sent);
  if (entry.error != 0) {
    out += "  Last_errno: ";
    append_number(out, entry.error);
  }
  if (!entry.digest.empty()) {
    out += "  Digest: ";
    out += entry.digest;
  }
  out += '\n';
  if (!entry.schema.empty()) {
    out += "use ";
    append_printable(out, entry.schema);
    out += ";\n";
  }
  out += "SET timestamp=";
  append_signed(out, entry.time / 1'000'000'000);
  out += ";\n";
  if (!entry.statement.empty()) return append_statement(out, entry.statement);
  out += "# administrator command: ";
  out += entry.command;
  out += ";\n";
}

}  // namespace cli
