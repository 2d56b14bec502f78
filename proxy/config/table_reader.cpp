#include "proxy/config/table_reader.hpp"

#include "proxy/config/suggest.hpp"
#include "proxy/config/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace mysqlproxy {
namespace {

constexpr std::size_t longest_shown = 80;

std::string one_of(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += fmt::format("{:?}", words[i]);
  }
  return text;
}

}  // namespace

void Report::error(const toml::source_region& at, std::string text) {
  errors_.push_back({at.begin, std::move(text)});
}

void Report::warn(const toml::source_region& at, std::string text) {
  warnings_.push_back({at.begin, std::move(text)});
}

std::vector<Problem> Report::sorted(std::vector<Entry>& entries) const {
  std::ranges::stable_sort(entries, [](const Entry& a, const Entry& b) { return a.at < b.at; });
  std::vector<Problem> problems;
  for (Entry& entry : entries) {
    // What is absent from the whole file has no place in it.
    std::string where =
        entry.at ? fmt::format("{}:{}:{}", file_, entry.at.line, entry.at.column) : file_;
    // What others say of a text repeats it as it is: RE2 does.
    problems.push_back({std::move(where), one_line(entry.text)});
  }
  return problems;
}

LoadResult Report::finish(Config config) && {
  LoadResult result;
  result.errors = sorted(errors_);
  result.warnings = sorted(warnings_);
  if (result.errors.empty()) result.config = std::move(config);
  return result;
}

std::string shown(std::string_view text) {
  if (text.size() <= longest_shown) return fmt::format("{:?}", text);
  return fmt::format("{:?}...", text.substr(0, longest_shown));
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7F)
      line += fmt::format("\\x{:02x}", byte);
    else
      line += c;
  }
  return line;
}

std::string describe(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return fmt::format("string {}", shown(node.as_string()->get()));
    case toml::node_type::integer: return fmt::format("integer {}", node.as_integer()->get());
    case toml::node_type::floating_point:
      return fmt::format("number {}", node.as_floating_point()->get());
    case toml::node_type::boolean: return fmt::format("boolean {}", node.as_boolean()->get());
    case toml::node_type::none:
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: break;
  }
  return "a date or time";
}

bool is_bare_key(std::string_view key) noexcept {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

std::string quote_value(std::string_view text) {
  const toml::value<std::string> value{text};
  std::ostringstream out;
  out << toml::toml_formatter{value, toml::format_flags::allow_unicode_strings};
  return std::move(out).str();
}

std::string quote_key(std::string_view key) {
  return is_bare_key(key) && key.size() <= longest_shown ? std::string(key) : shown(key);
}

std::string TableReader::full(std::string_view key) const {
  return path_.empty() ? quote_key(key) : fmt::format("{}.{}", path_, quote_key(key));
}

const toml::node* TableReader::take(std::string_view key) {
  known_.emplace_back(key);
  return table_.get(key);
}

void TableReader::expected(std::string_view key, const toml::node& node, std::string_view what) {
  report_.error(node.source(),
                fmt::format("{}: expected {}, found {}", full(key), what, describe(node)));
}

void TableReader::missing(std::string_view key, std::string_view what) {
  report_.error(table_.source(), fmt::format("{} is missing: expected {}", full(key), what));
}

void TableReader::fault(const toml::source_region& at, std::string_view key,
                        std::string_view text) {
  report_.error(at, fmt::format("{}: {}", full(key), text));
}

void TableReader::read(std::string_view key, std::uint32_t& out, std::uint32_t least,
                       std::uint32_t most) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* number = node->as_integer();
  if (number == nullptr || number->get() < least || number->get() > most) {
    return expected(key, *node, fmt::format("a whole number from {} to {}", least, most));
  }
  out = static_cast<std::uint32_t>(number->get());
}

void TableReader::read(std::string_view key, bool& out) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* truth = node->as_boolean();
  if (truth == nullptr) return expected(key, *node, "true or false");
  out = truth->get();
}

void TableReader::read(std::string_view key, std::chrono::milliseconds& out,
                       std::chrono::milliseconds least) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* text = node->as_string();
  auto duration = text != nullptr ? parse_duration(text->get()) : std::nullopt;
  const auto* number = node->as_integer();
  if (number != nullptr && number->get() == 0) duration = std::chrono::milliseconds(0);
  if (!duration) {
    return expected(key, *node, "a duration such as \"2s\" (units ms, s, m, h, d; to 365d)");
  }
  if (*duration < least) {
    return expected(key, *node, fmt::format("a duration of {} or more", format_duration(least)));
  }
  out = *duration;
}

void TableReader::read_size(std::string_view key, std::uint64_t& out, std::uint64_t least,
                            std::uint64_t most) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  std::optional<std::uint64_t> size;
  if (const auto* text = node->as_string()) size = parse_size(text->get());
  if (const auto* number = node->as_integer(); number != nullptr && number->get() >= 0) {
    size = static_cast<std::uint64_t>(number->get());
  }
  if (!size) {
    return expected(key, *node, "a size such as \"64MiB\" (units B, KiB, MiB, GiB), or bytes");
  }
  if (*size < least || *size > most) {
    return expected(key, *node,
                    fmt::format("a size from {} to {}", format_size(least), format_size(most)));
  }
  out = *size;
}

std::optional<std::size_t> TableReader::word(std::string_view key,
                                             const std::vector<std::string>& words) {
  const auto found = text(key, one_of(words));
  if (!found) return std::nullopt;
  const auto match = std::ranges::find(words, found->text);
  if (match != words.end()) return static_cast<std::size_t>(match - words.begin());
  fault(found->at, key,
        fmt::format("expected {}, found {}{}", one_of(words), shown(found->text),
                    did_you_mean(found->text, words)));
  return std::nullopt;
}

std::optional<Located> TableReader::text(std::string_view key, std::string_view what) {
  const toml::node* node = take(key);
  if (node == nullptr) return std::nullopt;
  const auto* text = node->as_string();
  if (text == nullptr) {
    expected(key, *node, what);
    return std::nullopt;
  }
  if (text->get().find('\0') != std::string::npos) {
    expected(key, *node, fmt::format("{} without a NUL byte", what));
    return std::nullopt;
  }
  return Located{text->get(), text->source()};
}

std::optional<Located> TableReader::required_text(std::string_view key, std::string_view what) {
  if (table_.get(key) == nullptr) missing(key, what);
  return text(key, what);
}

std::optional<std::vector<Located>> TableReader::texts(std::string_view key, std::string_view what,
                                                       bool bare) {
  const toml::node* node = take(key);
  if (node == nullptr) {
    missing(key, what);
    return std::nullopt;
  }
  std::vector<Located> result;
  const auto add = [&](const toml::node& element) {
    const auto* text = element.as_string();
    if (text == nullptr) return expected(key, element, what);
    result.push_back({text->get(), text->source()});
  };
  if (const auto* list = node->as_array()) {
    for (const toml::node& element : *list) add(element);
    if (list->empty())
      fault(node->source(), key, fmt::format("expected {}, found an empty list", what));
    return result;
  }
  if (!bare || !node->is_string()) {
    expected(key, *node, what);
    return std::nullopt;
  }
  add(*node);
  return result;
}

void TableReader::reject_unknown() {
  for (const auto& [key, node] : table_) {
    const std::string_view name = key.str();
    if (std::ranges::find(known_, name) != known_.end()) continue;
    const auto hint = std::ranges::find(hints_, name, &std::pair<std::string, std::string>::first);
    std::string more;
    if (hint != hints_.end()) {
      more = "; " + hint->second;
    } else {
      more = did_you_mean(name, known_);
      if (more.empty() && !known_.empty()) {
        std::vector<std::string> names = known_;
        std::ranges::sort(names);
        const auto again = std::ranges::unique(names);
        names.erase(again.begin(), again.end());
        more = fmt::format("; known here: {}", fmt::join(names, ", "));
      }
    }
    report_.error(key.source(), fmt::format("unknown key {}{}", full(name), more));
  }
}

}  // namespace mysqlproxy
