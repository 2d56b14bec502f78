// Summaries: one line a connection, and counts of everything.
#include "cli/common/text.hpp"
#include "cli/pcapdecode/format.hpp"

#include <map>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

class StreamsFormat final : public Format {
 public:
  StreamsFormat(const FormatOptions& options, Output& output)
      : options_(options), output_(output) {}

  void on_end(const Conversation& conversation, TcpStream::End how) override {
    std::string& out = output_.text();
    out += '#';
    append_number(out, conversation.id());
    out += "  ";
    append_seconds(out, conversation.first().time, options_.digits);
    out += "  ";
    out += capture::to_string(conversation.client());
    out += " > ";
    out += capture::to_string(conversation.server());
    if (!conversation.from_start()) out += "  midstream";
    fact("proxy", conversation.proxy_header());
    fact("user", conversation.user());
    fact("db", conversation.schema());
    if (conversation.greeting()) fact("server", conversation.greeting()->server_version);
    fact("plugin", conversation.plugin());
    if (const TlsInfo* tls = conversation.tls()) {
      fact("tls", tls->version.empty() ? "yes" : tls->version);
      fact("cipher", tls->cipher);
    }
    if (conversation.compression() != Compression::none)
      fact("compression", compression_name(conversation.compression()));
    fact("commands", std::to_string(conversation.commands()));
    fact("errors", std::to_string(conversation.errors()));
    fact("c2s", std::to_string(conversation.bytes(Direction::to_server)));
    fact("s2c", std::to_string(conversation.bytes(Direction::to_client)));
    fact("end", end_name(how));
    out += '\n';
    output_.end_record();
  }

 private:
  void fact(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    std::string& out = output_.text();
    out += "  ";
    out += name;
    out += '=';
    append_printable(out, value);
  }

  FormatOptions options_;
  Output& output_;
};

class StatsFormat final : public Format {
 public:
  explicit StatsFormat(Output& output) : output_(output) {}

  bool is_report() const override { return true; }

  void on_exchange(const Conversation&, const Exchange& exchange) override {
    Command command = exchange.command;
    Entry& entry = commands_[command];
    ++entry.count;
    entry.rows += exchange.rows;
    entry.bytes += exchange.response_bytes;
    if (exchange.answered()) entry.time += exchange.end.time - exchange.request_end.time;
    if (exchange.outcome == Outcome::error) ++entry.errors;
    if (exchange.outcome == Outcome::error) ++errors_[{exchange.error_code, exchange.sql_state}];
  }

  void on_message(const Conversation&, const SeenMessage& message) override {
    ++messages_;
    if (message.kind == PacketKind::err && message.exchange == nullptr) ++login_errors_;
  }
  void on_problem(const Conversation&, const Problem& problem, const Origin&) override {
    ++problems_[problem.what];
  }
  void on_end(const Conversation&, TcpStream::End) override { ++connections_; }

  void finish() override {
    std::string& out = output_.text();
    line("connections", connections_);
    line("messages", messages_);
    line("errors outside commands", login_errors_);
    out += "\ncommand                     count     errors       rows          bytes   mean ms\n";
    for (const auto& [command, entry] : commands_) {
      std::string name = command_name(command);
      name.resize(std::max<std::size_t>(name.size(), 22), ' ');
      out += name;
      column(entry.count, 11);
      column(entry.errors, 11);
      column(entry.rows, 11);
      column(entry.bytes, 15);
      out += "  ";
      append_milliseconds(out, entry.time / static_cast<std::int64_t>(entry.count));
      out += '\n';
    }
    if (!errors_.empty()) out += "\nerror\n";
    for (const auto& [error, count] : errors_) {
      append_number(out, error.first);
      out += ' ';
      append_printable(out, error.second);
      column(count, 12);
      out += '\n';
    }
    if (!problems_.empty()) out += "\nproblem\n";
    for (const auto& [what, count] : problems_) line(std::string(capture::to_string(what)), count);
    output_.end_record();
  }

 private:
  struct Entry {
    std::uint64_t count = 0, errors = 0, rows = 0, bytes = 0;
    std::int64_t time = 0;
  };

  void column(std::uint64_t value, std::size_t width) {
    const std::string digits = std::to_string(value);
    output_.text().append(width > digits.size() ? width - digits.size() : 1, ' ');
    output_.text() += digits;
  }
  void line(std::string name, std::uint64_t value) {
    name.resize(std::max<std::size_t>(name.size(), 24), ' ');
    output_.text() += name;
    column(value, 9);
    output_.text() += '\n';
  }

  Output& output_;
  std::map<Command, Entry> commands_;
  std::map<std::pair<std::uint16_t, std::string>, std::uint64_t> errors_;
  std::map<Problem::What, std::uint64_t> problems_;
  std::uint64_t connections_ = 0, messages_ = 0, login_errors_ = 0;
};

}  // namespace

std::unique_ptr<Format> make_streams_format(const FormatOptions& options, Output& output) {
  return std::make_unique<StreamsFormat>(options, output);
}

std::unique_ptr<Format> make_stats_format(const FormatOptions&, Output& output) {
  return std::make_unique<StatsFormat>(output);
}

std::unique_ptr<Format> make_format(const FormatOptions& options, Output& output) {
  if (options.format == "detail") return make_detail_format(options, output);
  if (options.format == "json") return make_json_format(options, output);
  if (options.format == "text") return make_text_format(options, output);
  if (options.format == "queries")
    return options.slow_log ? make_slow_log_format(options, output)
                            : make_queries_format(options, output);
  if (options.format == "sql") return make_sql_format(options, output);
  if (options.format == "streams") return make_streams_format(options, output);
  if (options.format == "digest") return make_digest_format(options, output);
  if (options.format == "html") return make_html_format(options, output);
  if (options.format == "stats") return make_stats_format(options, output);
  return nullptr;
}

}  // namespace pcapdecode
