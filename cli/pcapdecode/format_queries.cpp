// Formats with one entry a command: queries, the slow log, plain SQL.
#include "cli/common/slow_log.hpp"
#include "cli/common/text.hpp"
#include "cli/pcapdecode/format.hpp"

#include <algorithm>
#include <cstdio>
#include <unordered_map>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

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
      append_printable(out, options_.redact == Redact::values
                                ? without_quoted(exchange.error_message)
                                : exchange.error_message);
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
    if (!exchange.answered()) return;
    const std::string host = host_of(conversation.client());
    const std::string command = command_name(exchange.command);
    const std::string& statement = statement_of(exchange);
    cli::SlowLogEntry entry;
    entry.time = exchange.end.time;
    entry.duration = exchange.end.time - exchange.request_end.time;
    entry.user = conversation.user();
    entry.host = host;
    entry.connection_id =
        conversation.greeting() ? conversation.greeting()->connection_id : conversation.id();
    entry.schema = exchange.schema;
    entry.rows_sent = exchange.rows;
    entry.rows_affected = exchange.affected;
    entry.bytes_sent = exchange.response_bytes;
    if (exchange.outcome == Outcome::error) entry.error = exchange.error_code;
    const bool hidden = options_.redact == Redact::values && !statement.empty();
    entry.statement = hidden ? std::string_view("?") : std::string_view(statement);
    entry.command = std::string_view(command).substr(4);
    cli::append_slow_log(output_.text(), entry);
    output_.end_record();
  }

 private:
  FormatOptions options_;
  Output& output_;
};

// A comment to the end, whatever ends a line.
void append_commented(std::string& out, std::string_view text) {
  out += "-- ";
  for (const char c : text) {
    out += c;
    if (c == '\n' || c == '\r') out += "-- ";
  }
}

// What the client splits statements by; empty for its own `;`. It looks for the delimiter outside
// of strings and comments, as it reads them: where any `;` stands in the text, a longer run does.
std::string delimiter_for(std::string_view statement) {
  constexpr std::size_t longest = 15;  // that the client takes
  std::size_t most = 0, run = 0;
  for (const char c : statement) {
    run = c == ';' ? run + 1 : 0;
    most = std::max(most, run);
  }
  return most == 0 ? "" : std::string(std::min(most + 1, longest), ';');
}

bool may_end_in_comment(std::string_view statement) {
  const std::string_view line = statement.substr(statement.rfind('\n') + 1);
  return line.find("--") != std::string_view::npos || line.find('#') != std::string_view::npos;
}

// The statements alone, to be run again.
class SqlFormat final : public Format {
 public:
  SqlFormat(const FormatOptions& options, Output& output) : options_(options), output_(output) {}

  bool wants_parameters() const override { return true; }

  void on_exchange(const Conversation& conversation, const Exchange& exchange) override {
    const bool is_statement =
        exchange.command == Command::com_query || exchange.command == Command::com_stmt_execute;
    if (!is_statement || exchange.query.empty()) return;
    std::string_view statement = statement_of(exchange);
    if (options_.redact == Redact::values) statement = "?";
    while (!statement.empty() && (statement.back() == ';' || statement.back() == ' '))
      statement.remove_suffix(1);
    const std::string delimiter = exchange.is_complete ? delimiter_for(statement) : "";
    // In front of the comment too: a client that sends comments takes commands only before them.
    if (!delimiter.empty()) write("DELIMITER " + delimiter + '\n');
    begin(conversation, exchange);
    use(conversation, exchange.schema, delimiter.empty() ? ";" : delimiter);
    scratch_.clear();
    if (exchange.is_complete)
      scratch_ = statement;
    else
      append_commented(scratch_, statement);
    if (exchange.is_complete && may_end_in_comment(statement)) scratch_ += '\n';
    write(scratch_);
    write(delimiter.empty() ? ";\n" : delimiter + "\nDELIMITER ;\n");
    output_.end_record();
  }

 private:
  void begin(const Conversation& conversation, const Exchange& exchange) {
    std::string& out = output_.text();
    out += "-- ";
    append_seconds(out, exchange.begin.time, options_.digits);
    out += " stream ";
    append_number(out, conversation.id());
    if (!exchange.is_complete) out += " (cut)";
    out += '\n';
  }

  void use(const Conversation& conversation, const std::string& schema,
           std::string_view delimiter) {
    if (!schema.empty() && (schema != schema_ || conversation.id() != stream_)) {
      std::string quoted;
      for (const char c : schema) quoted.append(c == '`' ? 2 : 1, c);
      write("USE `" + quoted + '`');
      write(delimiter);
      write("\n");
    }
    schema_ = schema;
    stream_ = conversation.id();
  }

  // As it is, unless it would act on a terminal.
  void write(std::string_view text) {
    std::string& out = output_.text();
    if (!options_.for_terminal) {
      out += text;
      return;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      const unsigned char next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
      // U+0080 to U+009F are control characters too.
      const bool is_c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;
      if (is_c1) ++i;
      out += is_c1 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : text[i];
    }
  }

  FormatOptions options_;
  Output& output_;
  std::string schema_;
  std::string scratch_;
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
