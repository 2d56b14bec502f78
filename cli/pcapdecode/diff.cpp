#include "cli/pcapdecode/diff.hpp"

#include "cli/common/text.hpp"
#include "cli/pcapdecode/decoding.hpp"
#include "cli/pcapdecode/selection.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string_view>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_kept = std::size_t{256} << 20;
constexpr std::size_t longest_shown = 500;

bool is_any(std::string_view word, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

// Positions, times, ids that a server gives out, and what depends on the capabilities of a link.
void remove_incidentals(Json& line, std::string_view type) {
  for (const char* name : {"frame", "t", "stream", "dir", "seq", "len", "id", "stmt_id"})
    line.erase(name);
  if (type != "command" && type != "error") line.erase("message");
  if (type == "login") {
    for (const char* name : {"charset", "capabilities", "max_packet", "plugin", "attrs"})
      line.erase(name);
  }
  if (type == "ok" || type == "eof") line.erase("track");
  if (type == "eof")
    for (const char* name : {"affected", "insert_id", "info"}) line.erase(name);
  if (type == "binlog_event")
    for (const char* name : {"ts", "ts_us", "server_id", "log_pos"}) line.erase(name);
}

// Flags that say how the server came to its answer, and not what that means.
void remove_status(Json& line) {
  const auto status = line.find("status");
  if (status == line.end() || !status->is_array()) return;
  Json kept = Json::array();
  for (const Json& flag : *status) {
    const bool is_incidental = is_any(
        flag.get_ref<const std::string&>(),
        {"SERVER_SESSION_STATE_CHANGED", "SERVER_QUERY_WAS_SLOW", "SERVER_QUERY_NO_INDEX_USED",
         "SERVER_QUERY_NO_GOOD_INDEX_USED", "SERVER_STATUS_METADATA_CHANGED"});
    if (!is_incidental) kept.push_back(flag);
  }
  *status = std::move(kept);
}

// Has everything said by the JSON format, and keeps what it means.
class Recorder final : public Format {
 public:
  Recorder() : json_(make_json_format(everything(), output_)) { output_.redirect(&line_); }

  void on_message(const Conversation& conversation, const SeenMessage& message) override {
    // Whether an EOF stands behind definitions depends on CLIENT_DEPRECATE_EOF.
    const bool is_separator = message.kind == PacketKind::eof && message.exchange != nullptr &&
                              (message.exchange->outcome == capture::Outcome::rows ||
                               message.exchange->command == Command::com_stmt_prepare);
    if (is_separator) return;
    json_->on_message(conversation, message);
    keep(conversation, message.end.frame);
  }
  void on_columns(const Conversation& conversation, const SeenMessage& last,
                  const Definitions& definitions) override {
    json_->on_columns(conversation, last, definitions);
    keep(conversation, last.end.frame);
  }

  std::vector<Transcript> take() {
    std::vector<Transcript> all;
    for (auto& [stream, transcript] : transcripts_) all.push_back(std::move(transcript));
    return all;
  }

 private:
  static FormatOptions everything() {
    FormatOptions options;
    options.format = "json";
    return options;
  }

  void keep(const Conversation& conversation, std::uint64_t frame) {
    const std::string line = std::exchange(line_, {});
    if (line.empty()) return;
    Json document = Json::parse(line, nullptr, false);
    if (!document.is_object() || !document.contains("type")) return;
    const std::string type = document["type"];
    if (is_any(type, {"greeting", "ssl_request", "auth_switch", "auth_more", "auth_response",
                      "progress", "semisync_ack"}))
      return;
    remove_incidentals(document, type);
    remove_status(document);
    if (type == "statistics") document.erase("text");
    Transcript& transcript = transcripts_[conversation.id()];
    transcript.stream = conversation.id();
    transcript.lines.push_back({document.dump(), frame});
    kept_ += transcript.lines.back().json.size();
    if (kept_ > most_kept)
      throw std::runtime_error("too much to compare: choose by --stream, --from, --to or --frames");
  }

  std::string line_;
  Output output_{stdout, false, 0};
  std::unique_ptr<Format> json_;
  std::map<std::uint64_t, Transcript> transcripts_;
  std::size_t kept_ = 0;
};

std::string differing_in(const Json& a, const Json& b, const std::string& path) {
  if (a.is_object() && b.is_object()) {
    const std::string prefix = path.empty() ? "" : path + '.';
    for (const auto& [name, value] : a.items()) {
      const auto other = b.find(name);
      if (other == b.end()) return prefix + name;
      if (value != *other) return differing_in(value, *other, prefix + name);
    }
    for (const auto& [name, value] : b.items())
      if (!a.contains(name)) return prefix + name;
  }
  if (a.is_array() && b.is_array()) {
    const std::size_t both = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < both; ++i)
      if (a[i] != b[i]) return differing_in(a[i], b[i], fmt::format("{}[{}]", path, i));
    return fmt::format("{}[{}]", path, both);
  }
  return path;
}

std::string shown(const std::string& json) {
  if (json.size() <= longest_shown) return json;
  // Not within a character.
  std::size_t end = longest_shown;
  while (end != 0 && (static_cast<unsigned char>(json[end]) & 0xc0) == 0x80) --end;
  return json.substr(0, end) + "…";
}

void print_line(char mark, const Transcript& transcript, std::size_t index) {
  if (index >= transcript.lines.size()) {
    fmt::print("{} (nothing more)\n", mark);
    return;
  }
  const Transcript::Line& line = transcript.lines[index];
  fmt::print("{} frame {}: {}\n", mark, line.frame, shown(line.json));
}

// The command that a line belongs to.
void print_command(const Transcript& transcript, std::size_t index) {
  for (std::size_t i = std::min(index, transcript.lines.size()); i-- > 0;) {
    if (!transcript.lines[i].json.starts_with("{\"type\":\"command\"")) continue;
    print_line(' ', transcript, i);
    return;
  }
}

ExitCode print_difference(const Transcript& a, const Transcript& b, std::size_t index) {
  fmt::print("connections {} and {} differ in message {}", a.stream, b.stream, index + 1);
  if (index < a.lines.size() && index < b.lines.size()) {
    const std::string member = differing_member(a.lines[index].json, b.lines[index].json);
    if (!member.empty()) fmt::print(", in {}", member);
  }
  fmt::print("\n");
  print_command(a, index);
  print_line('-', a, index);
  print_line('+', b, index);
  return ExitCode::problems;
}

}  // namespace

std::vector<Transcript> transcripts_of(const Options& options, const std::string& path) {
  Options one = options;
  one.files = {path};
  Decoding decoding(one);
  Recorder recorder;
  Output unused(stdout, false, 0);
  Selection selection(one.filter, recorder, unused);
  decoding.run(selection, false, [] { return false; }, nullptr);
  const std::string cuts = decoding.cuts();
  std::fputs(cuts.c_str(), stderr);
  if (selection.problems() != 0)
    fmt::print(stderr, "pcapdecode: {}: {} problems; what is behind them may not compare\n",
               to_printable(path), selection.problems());
  return recorder.take();
}

std::string differing_member(const std::string& a, const std::string& b) {
  const Json first = Json::parse(a, nullptr, false);
  const Json second = Json::parse(b, nullptr, false);
  if (!first.is_object() || !second.is_object()) return "";
  return first["type"] == second["type"] ? differing_in(first, second, "") : "";
}

ExitCode diff(const Options& options) {
  const auto a = transcripts_of(options, options.files[0]);
  const auto b = transcripts_of(options, options.files[1]);
  if (a.empty() || b.empty()) {
    fmt::print(stderr, "pcapdecode: {}: no conversation to compare\n",
               to_printable(options.files[a.empty() ? 0 : 1]));
    return ExitCode::no_mysql;
  }
  std::size_t messages = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const std::size_t most = std::max(a[i].lines.size(), b[i].lines.size());
    for (std::size_t line = 0; line < most; ++line, ++messages) {
      const bool is_same = line < a[i].lines.size() && line < b[i].lines.size() &&
                           a[i].lines[line].json == b[i].lines[line].json;
      if (!is_same) return print_difference(a[i], b[i], line);
    }
  }
  if (a.size() != b.size()) {
    fmt::print("{} connections and {}\n", a.size(), b.size());
    return ExitCode::problems;
  }
  fmt::print("the same: {} connections, {} messages\n", a.size(), messages);
  return ExitCode::decoded;
}

}  // namespace pcapdecode
