// Statements of one shape added up.
#include "cli/common/histogram.hpp"
#include "cli/common/text.hpp"
#include "cli/pcapdecode/format.hpp"

#include <mysqlwire/sql/digest.hpp>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

constexpr std::size_t longest_digest = 4096;
constexpr std::size_t longest_example = 1024;
constexpr std::size_t max_digests = 10000;  // what is beyond is added up as one

struct Entry {
  std::string digest;
  std::string example;
  Histogram latency;
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

class DigestFormat final : public Format {
 public:
  DigestFormat(const FormatOptions& options, Output& output) : options_(options), output_(output) {}

  bool is_report() const override { return true; }

  void on_exchange(const Conversation& conversation, const Exchange& exchange) override {
    Entry& entry = find(conversation, exchange);
    if (entry.count++ == 0) entry.first = exchange.begin.time;
    entry.last = std::max(entry.last, exchange.begin.time);
    entry.rows += exchange.rows;
    entry.bytes += exchange.response_bytes;
    if (exchange.outcome == Outcome::error) ++entry.errors;
    if (exchange.answered())
      entry.latency.add(std::max<std::int64_t>(0, exchange.end.time - exchange.request_end.time));
  }

  void finish() override;

 private:
  // By a hash of the digest; the texts are compared. Statements executed again are found by their
  // own text, without reading it anew.
  Entry& find(const Conversation& conversation, const Exchange& exchange) {
    if (exchange.query.empty()) {
      name_ = command_name(exchange.command);
      return find(name_, exchange);
    }
    if (exchange.command == Command::com_stmt_execute && conversation.id() == last_stream_ &&
        exchange.query == last_prepared_)
      return *last_entry_;
    const sql::Digest digest = sql::digest(exchange.query, conversation.dialect(), buffer_);
    Entry& entry = find(digest.text, exchange);
    if (exchange.command == Command::com_stmt_execute) {
      last_prepared_ = exchange.query;
      last_stream_ = conversation.id();
      last_entry_ = &entry;
    }
    return entry;
  }

  Entry& find(std::string_view text, const Exchange& exchange) {
    const std::uint64_t hash = sql::digest_hash(text);
    for (auto [at, end] = by_hash_.equal_range(hash); at != end; ++at)
      if (at->second->digest == text) return *at->second;
    if (by_hash_.size() >= max_digests) {
      others_.digest = "(others)";
      return others_;
    }
    auto entry = std::make_unique<Entry>();
    entry->digest = text;
    entry->example = std::string_view(exchange.query).substr(0, longest_example);
    return *by_hash_.emplace(hash, std::move(entry))->second;
  }

  void write(const Entry& entry, std::size_t rank);
  void time(const char* name, std::int64_t value) {
    output_.text() += name;
    append_milliseconds(output_.text(), value / 1000 * 1000);
  }

  FormatOptions options_;
  Output& output_;
  std::array<char, longest_digest> buffer_{};
  std::unordered_multimap<std::uint64_t, std::unique_ptr<Entry>> by_hash_;
  Entry others_;
  std::string name_;
  std::string last_prepared_;
  std::uint64_t last_stream_ = 0;
  Entry* last_entry_ = nullptr;
};

void DigestFormat::write(const Entry& entry, std::size_t rank) {
  std::string& out = output_.text();
  out += "# ";
  append_number(out, rank);
  out += "  count ";
  append_number(out, entry.count);
  time("  total ", entry.latency.total());
  time(" ms  mean ", entry.latency.mean());
  time("  p95 ", entry.latency.quantile(0.95));
  time("  p99 ", entry.latency.quantile(0.99));
  time("  max ", entry.latency.max());
  out += "\n# rows ";
  append_number(out, entry.rows);
  out += "  bytes ";
  append_number(out, entry.bytes);
  out += "  errors ";
  append_number(out, entry.errors);
  out += "  seen ";
  append_seconds(out, entry.first, options_.digits);
  out += " to ";
  append_seconds(out, entry.last, options_.digits);
  out += '\n';
  static constexpr const char* names[] = {"  1us", " 10us", "100us", "  1ms",
                                          " 10ms", "100ms", "   1s", " 10s+"};
  const auto decades = entry.latency.decades();
  const std::uint64_t most = *std::max_element(decades.begin(), decades.end());
  for (std::size_t i = 0; i < decades.size() && most != 0; ++i) {
    if (decades[i] == 0) continue;
    constexpr std::uint64_t width = 50;
    out += "#   ";
    out += names[i];
    out += "  ";
    out.append(static_cast<std::size_t>(std::max<std::uint64_t>(1, decades[i] * width / most)),
               '#');
    out += ' ';
    append_number(out, decades[i]);
    out += '\n';
  }
  append_printable(out, entry.digest);
  if (options_.redact != Redact::values && !entry.example.empty() &&
      entry.example != entry.digest) {
    out += "\n# for example: ";
    append_printable(out, entry.example);
  }
  out += "\n\n";
  output_.end_record();
}

void DigestFormat::finish() {
  std::vector<const Entry*> entries;
  for (const auto& [hash, entry] : by_hash_) entries.push_back(entry.get());
  if (others_.count != 0) entries.push_back(&others_);
  std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) {
    return a->latency.total() != b->latency.total() ? a->latency.total() > b->latency.total()
                                                    : a->digest < b->digest;
  });
  const std::size_t shown = std::min<std::size_t>(entries.size(), options_.top);
  for (std::size_t i = 0; i < shown; ++i) write(*entries[i], i + 1);
  if (shown < entries.size()) {
    output_.text() += "# and ";
    append_number(output_.text(), entries.size() - shown);
    output_.text() += " more; --top shows them\n";
    output_.end_record();
  }
}

}  // namespace

std::unique_ptr<Format> make_digest_format(const FormatOptions& options, Output& output) {
  return std::make_unique<DigestFormat>(options, output);
}

}  // namespace pcapdecode
