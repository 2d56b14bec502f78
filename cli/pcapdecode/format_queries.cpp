// Formats with one entry a command: queries, the slow log, plain SQL.
#include "cli/common/text.hpp"
#include "cli/pcapdecode/format.hpp"

#include <cstdio>
#include <ctime>
#include <unordered_map>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

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

const std::string& statement_of(const Exchange& exchange) {
  return exchange.expanded.empty() ? exchange.query : exchange.expanded;
}

// An address without its port.
std::string host_of(const Endpoint& endpoint) {
  const std::string text = capture::to_string(endpoint);
  const std::size_t colon = text.rfind(':');
  return endpoint.is_v6 ? text.substr(1, colon - 2) : text.substr(0, colon);
}

class QueriesFormat final : public Format {
 public:
  QueriesFormat(const FormatOptions& options, Output& output)
      : options_(options), output_(output) {}

  bool wants_parameters() const override { return true; }

  void on_exchange(const Conversation& conversation, const Exchange& exchange) override {
    std::string& out = output_.text();
    append_seconds(out, exchange.begin.time, options_.digits);
    out += "  #";
    append_number(out, conversation.id());
    out += "  ";
    append_printable(out, conversation.user().empty() ? "-" : conversation.user());
    out += '@';
    append_printable(out, exchange.schema.empty() ? "-" : exchange.schema);
    out += "  ";
    if (exchange.answered()) {
      append_milliseconds(out, exchange.response_begin.time - exchange.request_end.time);
      out += '/';
      append_milliseconds(out, exchange.end.time - exchange.request_end.time);
    } else {
      out += "-/-";
    }
    out += " ms  ";
    append_number(out, exchange.rows);
    out += " rows  ";
    append_number(out, exchange.response_bytes);
    out += " bytes  ";
    const std::string& statement = statement_of(exchange);
    if (exchange.command != Command::com_query) {
      out += command_name(exchange.command);
      if (!statement.empty()) out += ' ';
    }
    append_printable(out, options_.redact == Redact::values && !statement.empty()
                              ? std::string_view("?")
                              : std::string_view(statement));
    if (!exchange.argument.empty()) {
      out += ' ';
      append_printable(out, exchange.argument);
    }
    if (exchange.outcome == Outcome::error) {
      out += "  ERROR ";
      append_number(out, exchange.error_code);
      out += ' ';
      append_printable(out, exchange.error_message);
    }
    out += '\n';
    output_.end_record();
  }

 private:
  FormatOptions options_;
  Output& output_;
};

// The form of MySQL's slow query log, which pt-query-digest reads.
class SlowLogFormat final : public Format {
 public:
  SlowLogFormat(const FormatOptions& options, Output& output)
      : options_(options), output_(output) {}

  bool wants_parameters() const override { return true; }

  void on_exchange(const Conversation& conversation, const Exchange& exchange) override {
    const std::string& statement = statement_of(exchange);
    const bool is_admin = statement.empty();
    if (!exchange.answered()) return;
    std::string& out = output_.text();
    out += "# Time: ";
    out += clock_text(exchange.end.time, "%FT%T");
    std::string second;
    append_seconds(second, exchange.end.time, 6);
    out += second.substr(second.find('.'));
    out += "Z\n# User@Host: ";
    append_printable(out, conversation.user());
    out += '[';
    append_printable(out, conversation.user());
    out += "] @  [";
    out += host_of(conversation.client());
    out += "]  Id: ";
    append_number(
        out, conversation.greeting() ? conversation.greeting()->connection_id : conversation.id());
    out += "\n# Query_time: ";
    append_seconds(out, std::max<std::int64_t>(0, exchange.end.time - exchange.request_end.time),
                   6);
    out += "  Lock_time: 0.000000 Rows_sent: ";
    append_number(out, exchange.rows);
    out += "  Rows_examined: 0  Rows_affected: ";
    append_number(out, exchange.affected);
    out += "  Bytes_sent: ";
    append_number(out, exchange.response_bytes);
    if (exchange.outcome == Outcome::error) {
      out += "  Last_errno: ";
      append_number(out, exchange.error_code);
    }
    out += '\n';
    if (!exchange.schema.empty()) {
      out += "use ";
      append_printable(out, exchange.schema);
      out += ";\n";
    }
    out += "SET timestamp=";
    append_signed(out, exchange.end.time / 1'000'000'000);
    out += ";\n";
    if (is_admin) {
      out += "# administrator command: ";
      out += command_name(exchange.command).substr(4);
      out += ";\n";
    } else {
      write_statement(out, statement);
    }
    output_.end_record();
  }

 private:
  void write_statement(std::string& out, std::string_view statement) const {
    if (options_.redact == Redact::values) statement = "?";
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

  FormatOptions options_;
  Output& output_;
};

// The statements alone, to be run again.
class SqlFormat final : public Format {
 public:
  SqlFormat(const FormatOptions& options, Output& output) : options_(options), output_(output) {}

  bool wants_parameters() const override { return true; }

  void on_exchange(const Conversation& conversation, const Exchange& exchange) override {
    const bool is_statement =
        exchange.command == Command::com_query || exchange.command == Command::com_stmt_execute;
    if (!is_statement || exchange.query.empty()) return;
    std::string& out = output_.text();
    out += "-- ";
    append_seconds(out, exchange.begin.time, options_.digits);
    out += " stream ";
    append_number(out, conversation.id());
    if (!exchange.is_complete) out += " (cut)";
    out += '\n';
    if (!exchange.schema.empty() && (exchange.schema != schema_ || conversation.id() != stream_)) {
      out += "USE `";
      for (const char c : exchange.schema) {
        if (c == '`') out += '`';
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
      }
      out += "`;\n";
    }
    schema_ = exchange.schema;
    stream_ = conversation.id();
    if (!exchange.is_complete) out += "-- ";
    std::string_view statement = statement_of(exchange);
    if (options_.redact == Redact::values) statement = "?";
    while (!statement.empty() && (statement.back() == ';' || statement.back() == ' '))
      statement.remove_suffix(1);
    for (const char c : statement) out += c == '\x1b' || c == '\0' ? '?' : c;
    out += ";\n";
    output_.end_record();
  }

 private:
  FormatOptions options_;
  Output& output_;
  std::string schema_;
  std::uint64_t stream_ = ~std::uint64_t{0};
};

}  // namespace

std::unique_ptr<Format> make_queries_format(const FormatOptions& options, Output& output) {
  return std::make_unique<QueriesFormat>(options, output);
}

std::unique_ptr<Format> make_slow_log_format(const FormatOptions& options, Output& output) {
  return std::make_unique<SlowLogFormat>(options, output);
}

std::unique_ptr<Format> make_sql_format(const FormatOptions& options, Output& output) {
  return std::make_unique<SqlFormat>(options, output);
}

}  // namespace pcapdecode
