#include "proxy/session/kill_statement.hpp"

#include <charconv>

namespace mysqlproxy {
namespace {

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || is_digit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool equal_ignoring_case(std::string_view word, std::string_view upper) noexcept {
  if (word.size() != upper.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) != upper[i]) return false;
  }
  return true;
}

/// Words of a statement, with blanks and comments skipped. The inside of a version comment counts
/// as text: the server decides by its own version whether it runs, and a KILL that does not run
/// does no harm with another number in it.
class Words {
 public:
  explicit Words(std::string_view sql) noexcept : sql_(sql) {}

  std::string_view next() noexcept {
    skip_blanks();
    const std::size_t start = at_;
    while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    if (at_ == start && at_ < sql_.size()) ++at_;  // punctuation: one character
    return sql_.substr(start, at_ - start);
  }
  std::size_t offset() const noexcept { return at_; }

 private:
  bool starts(std::string_view text) const noexcept { return sql_.substr(at_).starts_with(text); }

  void skip_past(std::string_view end) noexcept {
    const auto found = sql_.find(end, at_);
    at_ = found == std::string_view::npos ? sql_.size() : found + end.size();
  }

  void skip_blanks() noexcept {
    for (;;) {
      while (at_ < sql_.size() && is_space(sql_[at_])) ++at_;
      if (starts("/*!") || starts("/*M!")) {
        at_ += starts("/*!") ? 3 : 4;
        while (at_ < sql_.size() && is_digit(sql_[at_])) ++at_;
      } else if (starts("*/")) {
        at_ += 2;
      } else if (starts("/*")) {
        at_ += 2;
        skip_past("*/");
      } else if (starts("#") ||
                 (starts("--") && (at_ + 2 == sql_.size() || is_space(sql_[at_ + 2])))) {
        skip_past("\n");
      } else {
        return;
      }
    }
  }

  std::string_view sql_;
  std::size_t at_ = 0;
};

bool is_number(std::string_view word) noexcept {
  if (word.empty()) return false;
  for (const char c : word) {
    if (!is_digit(c)) return false;
  }
  return true;
}

}  // namespace

bool may_be_kill(std::string_view start) noexcept {
  constexpr std::string_view kill = "KILL";
  for (std::size_t i = 0; i < start.size() && i < kill.size(); ++i) {
    const char c = start[i];
    if (i == 0 && (is_space(c) || c == '/' || c == '#' || c == '-')) return true;
    if (c != kill[i] && c != kill[i] - 'A' + 'a') return false;
  }
  return true;
}

std::optional<KillStatement> parse_kill(std::string_view sql) noexcept {
  Words words(sql);
  if (!equal_ignoring_case(words.next(), "KILL")) return std::nullopt;
  KillStatement kill;
  std::string_view word = words.next();
  if (equal_ignoring_case(word, "HARD") || equal_ignoring_case(word, "SOFT")) word = words.next();
  if (equal_ignoring_case(word, "CONNECTION")) {
    word = words.next();
  } else if (equal_ignoring_case(word, "QUERY")) {
    kill.scope = KillStatement::Scope::query;
    word = words.next();
  }
  if (!is_number(word)) return std::nullopt;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), kill.id);
  if (parsed.ec != std::errc()) return std::nullopt;
  kill.id_size = word.size();
  kill.id_offset = words.offset() - word.size();
  const std::string_view after = words.next();
  if (after != "" && after != ";") return std::nullopt;  // an expression that begins with a number
  kill.alone = words.next().empty();
  return kill;
}

}  // namespace mysqlproxy
