// One page to open in a browser or to mail: report.html and report.js with what was found as JSON.
#include "cli/common/text.hpp"
#include "cli/pcapdecode/format.hpp"
#include "cli/pcapdecode/json_line.hpp"
#include "cli/pcapdecode/report.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <vector>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

// What a page holds at most, so that it can be mailed: some 10 MB.
constexpr std::size_t most_streams = 1000;
constexpr std::size_t most_messages = 400;  // of a stream
constexpr std::size_t most_messages_in_all = 20000;
constexpr std::size_t most_marks = 200;
constexpr std::size_t most_statements = 50;
constexpr std::size_t most_problems = 100;
constexpr std::size_t longest_message = 240;
constexpr std::size_t longest_statement = 2000;

struct LadderStep {
  std::int64_t time = 0;
  bool to_server = false;
  bool is_error = false;
  std::uint64_t frame = 0;
  std::string text;
};

struct Mark {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool is_error = false;
};

struct Stream {
  std::uint64_t id = 0;
  std::string client, server, user, schema, about;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::uint64_t errors = 0;
  std::uint64_t left_out = 0;
  std::vector<LadderStep> messages;
  std::vector<Mark> marks;
};

struct Statement {
  std::uint64_t stream = 0;
  std::int64_t at = 0;
  std::int64_t took = -1;
  std::uint64_t rows = 0;
  std::string user, query, error;
};

struct Trouble {
  std::uint64_t stream = 0;
  std::uint64_t frame = 0;
  std::string what, note;
};

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  // Not in the middle of a character of UTF-8.
  while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return std::string(text.substr(0, most)) + "…";
}

class HtmlFormat final : public Format {
 public:
  HtmlFormat(const FormatOptions& options, Output& output)
      : options_(plain(options)),
        output_(output),
        line_output_(nullptr, false, std::numeric_limits<std::uint64_t>::max()),
        line_format_(make_text_format(options_, line_output_)) {
    line_output_.redirect(&line_);
  }

  bool is_report() const override { return true; }

  void on_connection(const Conversation& conversation) override {
    note_time(conversation.first().time);
    ++total_streams_;
    if (streams_.size() < most_streams) stream(conversation);
  }

  void on_tls(const Conversation& conversation, const TlsInfo&, const Origin& origin) override {
    note_time(origin.time);
    if (Stream* each = find(conversation)) each->end = origin.time;
  }

  void on_message(const Conversation& conversation, const SeenMessage& message) override {
    note_time(message.end.time);
    Stream* each = find(conversation);
    if (each == nullptr) return;
    each->end = std::max(each->end, message.end.time);
    if (each->messages.size() >= most_messages || messages_ >= most_messages_in_all) {
      ++each->left_out;
      return;
    }
    line_.clear();
    line_format_->on_message(conversation, message);
    add_step(*each, message.direction == Direction::to_server, message.kind == PacketKind::err,
             message.end);
  }

  void on_columns(const Conversation& conversation, const SeenMessage& last,
                  const Definitions& definitions) override {
    Stream* each = find(conversation);
    if (each == nullptr || each->messages.size() >= most_messages ||
        messages_ >= most_messages_in_all)
      return;
    line_.clear();
    line_format_->on_columns(conversation, last, definitions);
    add_step(*each, false, false, last.end);
  }

  void on_exchange(const Conversation& conversation, const Exchange& exchange) override {
    ++commands_;
    const bool is_error = exchange.outcome == Outcome::error;
    if (is_error) ++errors_;
    Stream* each = find(conversation);
    if (each != nullptr) {
      if (is_error) ++each->errors;
      if (each->marks.size() < most_marks)
        each->marks.push_back({exchange.begin.time, exchange.end.time, is_error});
    }
    std::int64_t took = -1;
    if (exchange.answered()) {
      took = std::max<std::int64_t>(0, exchange.end.time - exchange.request_end.time);
      count(took);
    }
    if (is_error && failing_.size() < most_statements)
      failing_.push_back(statement(conversation, exchange, took));
    if (took < 0 || exchange.query.empty()) return;
    if (slowest_.size() == most_statements && took <= slowest_.back().took) return;
    const auto place = std::upper_bound(
        slowest_.begin(), slowest_.end(), took,
        [](std::int64_t value, const Statement& other) { return value > other.took; });
    slowest_.insert(place, statement(conversation, exchange, took));
    if (slowest_.size() > most_statements) slowest_.pop_back();
  }

  void on_problem(const Conversation& conversation, const Problem& problem,
                  const Origin& origin) override {
    ++total_problems_;
    if (problems_.size() < most_problems)
      problems_.push_back({conversation.id(), origin.frame,
                           std::string(capture::to_string(problem.what)),
                           shortened(problem.note, longest_message)});
  }

  void on_end(const Conversation& conversation, TcpStream::End how) override {
    Stream* each = find(conversation);
    if (each == nullptr) return;
    describe(*each, conversation);
    each->end = std::max(each->end, conversation.last().time);
    note_time(each->end);
    each->about += std::string(", ended by ") + std::string(end_name(how));
  }

  void finish() override;

 private:
  static FormatOptions plain(FormatOptions options) {
    options.colour = false;
    options.bytes = false;
    return options;
  }

  Stream* find(const Conversation& conversation) {
    const auto found = streams_.find(conversation.id());
    if (found != streams_.end()) return &found->second;
    return nullptr;
  }

  void stream(const Conversation& conversation) {
    Stream& each = streams_[conversation.id()];
    each.id = conversation.id();
    each.client = capture::to_string(conversation.client());
    each.server = capture::to_string(conversation.server());
    each.begin = each.end = conversation.first().time;
  }

  void describe(Stream& each, const Conversation& conversation) {
    each.user = conversation.user();
    each.schema = conversation.schema();
    std::string& about = each.about;
    if (conversation.greeting()) about += conversation.greeting()->server_version + ", ";
    if (const TlsInfo* tls = conversation.tls())
      about += (tls->version.empty() ? "TLS" : tls->version) + ", ";
    if (conversation.compression() != Compression::none)
      about += std::string(compression_name(conversation.compression())) + ", ";
    about += std::to_string(conversation.commands()) + " commands, " +
             std::to_string(conversation.errors()) + " errors";
  }

  // The line of the text format, without its time, its connection and its arrow.
  void add_step(Stream& each, bool to_server, bool is_error, const Origin& origin) {
    if (line_.empty()) return;  // nothing that is shown
    std::string_view text = line_;
    const std::size_t arrow = text.find_first_of("<>", text.find('#'));
    constexpr std::size_t before_name = 7;  // arrow, blank, sequence id, two blanks
    text.remove_prefix(std::min(text.size(), arrow + before_name));
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    each.messages.push_back(
        {origin.time, to_server, is_error, origin.frame, shortened(text, longest_message)});
    ++messages_;
  }

  Statement statement(const Conversation& conversation, const Exchange& exchange,
                      std::int64_t took) const {
    Statement made;
    made.stream = conversation.id();
    made.at = exchange.begin.time;
    made.took = took;
    made.rows = exchange.rows;
    made.user = conversation.user();
    made.query = command_name(exchange.command);
    if (options_.redact == Redact::values && !exchange.query.empty()) {
      made.query += " ?";
    } else if (!exchange.query.empty()) {
      made.query = shortened(exchange.query, longest_statement);
    }
    if (exchange.outcome == Outcome::error)
      made.error =
          std::to_string(exchange.error_code) + " (" + exchange.sql_state + ") " +
          shortened(options_.redact == Redact::values ? without_quoted(exchange.error_message)
                                                      : exchange.error_message,
                    longest_message);
    return made;
  }

  void note_time(std::int64_t time) noexcept {
    begin_ = std::min(begin_, time);
    end_ = std::max(end_, time);
  }

  // Up to 10 us, 20, 50, 100 … 100 s, and above.
  static constexpr std::size_t decades = 7;
  static constexpr std::array<std::int64_t, 3> steps{1, 2, 5};
  static constexpr std::int64_t limit(std::size_t i) noexcept {
    std::int64_t value = 10'000 * steps[i % steps.size()];
    for (std::size_t j = 0; j < i / steps.size(); ++j) value *= 10;
    return value;
  }
  void count(std::int64_t took) noexcept {
    std::size_t i = 0;
    while (i + 1 < histogram_.size() && took > limit(i)) ++i;
    ++histogram_[i];
  }

  std::uint64_t since_begin(std::int64_t time) const noexcept {
    return time < begin_ ? 0 : static_cast<std::uint64_t>(time - begin_) / 1000;
  }

  void write_streams();
  void write_statements(std::string_view name, const std::vector<Statement>& statements);

  FormatOptions options_;
  Output& output_;
  std::string line_;
  Output line_output_;
  std::unique_ptr<Format> line_format_;
  JsonLine json_;
  std::map<std::uint64_t, Stream> streams_;
  std::vector<Statement> slowest_;
  std::vector<Statement> failing_;
  std::vector<Trouble> problems_;
  std::array<std::uint64_t, decades * 3 + 1> histogram_{};
  std::size_t messages_ = 0;
  std::uint64_t total_streams_ = 0;
  std::uint64_t total_problems_ = 0;
  std::uint64_t commands_ = 0;
  std::uint64_t errors_ = 0;
  std::int64_t begin_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t end_ = std::numeric_limits<std::int64_t>::min();
};

void HtmlFormat::write_streams() {
  json_.begin_list("streams");
  for (const auto& [id, each] : streams_) {
    json_.begin_object();
    json_.number("id", id);
    json_.string("client", each.client);
    json_.string("server", each.server);
    json_.string("user", each.user);
    json_.string("db", each.schema);
    json_.string("about", each.about);
    json_.number("begin", since_begin(each.begin));
    json_.number("end", since_begin(each.end));
    json_.number("errors", each.errors);
    json_.number("left_out", each.left_out);
    json_.begin_list("marks");
    for (const Mark& mark : each.marks) {
      json_.begin_list();
      json_.item(since_begin(mark.begin));
      json_.item(since_begin(mark.end));
      json_.item(std::uint64_t{mark.is_error});
      json_.end_list();
    }
    json_.end_list();
    json_.begin_list("messages");
    for (const LadderStep& step : each.messages) {
      json_.begin_list();
      json_.item(since_begin(step.time));
      json_.item(std::uint64_t{step.to_server});
      json_.item(std::string_view(step.text));
      json_.item(step.frame);
      json_.item(std::uint64_t{step.is_error});
      json_.end_list();
    }
    json_.end_list();
    json_.end_object();
  }
  json_.end_list();
}

void HtmlFormat::write_statements(std::string_view name, const std::vector<Statement>& statements) {
  json_.begin_list(name);
  for (const Statement& each : statements) {
    json_.begin_object();
    json_.number("stream", each.stream);
    json_.number("at", since_begin(each.at));
    if (each.took < 0)
      json_.null("took");
    else
      json_.number("took", static_cast<std::uint64_t>(each.took) / 1000);
    json_.number("rows", each.rows);
    json_.string("user", each.user);
    json_.string("query", each.query);
    json_.string("error", each.error);
    json_.end_object();
  }
  json_.end_list();
}

// The source of a Content-Security-Policy that lets this script run and no other.
std::string script_hash(std::string_view script) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(script.data(), script.size(), digest, &size, EVP_sha256(), nullptr) != 1)
    return {};
  unsigned char text[2 * EVP_MAX_MD_SIZE];
  const int length = EVP_EncodeBlock(text, digest, static_cast<int>(size));
  return "sha256-" + std::string(text, text + length);
}

// Inside of a script element nothing of the data may look like markup. The three characters occur
// in strings of JSON only.
void append_for_script(std::string& out, std::string_view json) {
  for (const char c : json) {
    switch (c) {
      case '<': out += "\\u003c"; break;
      case '>': out += "\\u003e"; break;
      case '&': out += "\\u0026"; break;
      default: out += c;
    }
  }
}

void HtmlFormat::finish() {
  if (begin_ > end_) begin_ = end_ = 0;
  json_.begin();
  json_.number("begin_ms", static_cast<std::uint64_t>(std::max<std::int64_t>(0, begin_)) / 1000000);
  json_.number("length_us", since_begin(end_));
  json_.begin_object("totals");
  json_.number("streams", total_streams_);
  json_.number("commands", commands_);
  json_.number("errors", errors_);
  json_.number("problems", total_problems_);
  json_.end_object();
  write_streams();
  json_.begin_list("histogram");
  for (std::size_t i = 0; i < histogram_.size(); ++i) {
    json_.begin_list();
    if (i + 1 < histogram_.size())
      json_.item(static_cast<std::uint64_t>(limit(i)) / 1000);
    else
      json_.item_null();
    json_.item(histogram_[i]);
    json_.end_list();
  }
  json_.end_list();
  write_statements("slowest", slowest_);
  write_statements("failing", failing_);
  json_.begin_list("problems");
  for (const Trouble& each : problems_) {
    json_.begin_object();
    json_.number("stream", each.stream);
    json_.number("frame", each.frame);
    json_.string("what", each.what);
    json_.string("note", each.note);
    json_.end_object();
  }
  json_.end_list();
  std::string data;
  json_.end(data);

  std::string_view page = report_html;
  std::string& out = output_.text();
  while (!page.empty()) {
    const std::size_t at = std::min(page.find('@'), page.size());
    out += page.substr(0, at);
    page.remove_prefix(at);
    const auto takes = [&](std::string_view name) {
      if (!page.starts_with(name)) return false;
      page.remove_prefix(name.size());
      return true;
    };
    if (takes("@DATA@")) {
      append_for_script(out, data);
    } else if (takes("@SCRIPT@")) {
      out += report_js;
    } else if (takes("@SCRIPT_HASH@")) {
      out += script_hash(report_js);
    } else if (!page.empty()) {
      out += page[0];
      page.remove_prefix(1);
    }
  }
  output_.end_record();
}

}  // namespace

std::unique_ptr<Format> make_html_format(const FormatOptions& options, Output& output) {
  return std::make_unique<HtmlFormat>(options, output);
}

}  // namespace pcapdecode
