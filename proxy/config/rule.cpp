#include "proxy/config/rule.hpp"

#include <mysqlwire/sql/digest.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace mysqlproxy {
namespace {

constexpr std::array<std::string_view, rule_effects> effect_words{"reads_only",
                                                                  "writes",
                                                                  "locks",
                                                                  "changes_session",
                                                                  "reads_session",
                                                                  "begins_transaction",
                                                                  "ends_transaction",
                                                                  "implicit_commit",
                                                                  "nondeterministic",
                                                                  "waits",
                                                                  "writes_file",
                                                                  "reads_file",
                                                                  "calls",
                                                                  "has_where",
                                                                  "has_limit",
                                                                  "unions",
                                                                  "comment",
                                                                  "version_comment",
                                                                  "several",
                                                                  "invalid"};
constexpr std::array<std::string_view, 7> day_words{"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};
constexpr std::array<std::string_view, 3> limit_words{"rule", "user", "client"};
constexpr std::array<std::string_view, 7> hash_words{"column", "parameter", "group", "hint",
                                                     "user",   "client",    "schema"};

/// "09:30" as minutes since midnight.
std::optional<unsigned> parse_minutes(std::string_view text, unsigned most) noexcept {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  unsigned hours = 0;
  unsigned minutes = 0;
  const auto number = [](std::string_view digits, unsigned& out) {
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return code == std::errc() && end == digits.data() + digits.size();
  };
  if (!number(text.substr(0, 2), hours) || !number(text.substr(3), minutes) || minutes > 59)
    return std::nullopt;
  const unsigned all = hours * 60 + minutes;
  return all <= most ? std::optional(all) : std::nullopt;
}

}  // namespace

std::string_view to_string(RuleStage stage) noexcept {
  return stage == RuleStage::statement ? "statement" : "connection";
}
std::string_view to_string(RuleEffect effect) noexcept {
  return effect_words[static_cast<std::size_t>(effect)];
}
std::string_view to_string(Weekday day) noexcept {
  return day_words[static_cast<std::size_t>(day)];
}
std::string_view to_string(LimitBy by) noexcept {
  return limit_words[static_cast<std::size_t>(by)];
}
std::string_view to_string(RuleHash::Of of) noexcept {
  return hash_words[static_cast<std::size_t>(of)];
}

std::string to_string(const TimeWindow& window) {
  return fmt::format("{:02}:{:02}-{:02}:{:02}", window.begin / 60, window.begin % 60,
                     window.end / 60, window.end % 60);
}

std::string to_string(const RuleHint& hint) {
  return hint.value == "*" ? hint.key : fmt::format("{}={}", hint.key, hint.value);
}

std::string to_string(const RuleDigest& digest) {
  return digest.text.empty() ? fmt::format("{:016x}", digest.hash) : digest.text;
}

std::optional<TimeWindow> parse_time_window(std::string_view text) noexcept {
  const std::size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto begin = parse_minutes(text.substr(0, dash), 1439);
  const auto end = parse_minutes(text.substr(dash + 1), 1440);
  if (!begin || !end) return std::nullopt;
  return TimeWindow{static_cast<std::uint16_t>(*begin), static_cast<std::uint16_t>(*end)};
}

std::optional<int> parse_utc_offset(std::string_view text) noexcept {
  if (text == "UTC") return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto minutes = parse_minutes(text.substr(1), 14 * 60);
  if (!minutes) return std::nullopt;
  return text[0] == '-' ? -static_cast<int>(*minutes) : static_cast<int>(*minutes);
}

std::optional<RuleHint> parse_rule_hint(std::string_view text) {
  const std::size_t equals = text.find('=');
  RuleHint hint;
  hint.key = text.substr(0, equals);
  if (equals != text.npos) hint.value = text.substr(equals + 1);
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  if (hint.key.empty() || hint.value.empty() || !std::ranges::all_of(hint.key, is_word) ||
      !std::ranges::all_of(hint.value, [&](char c) { return is_word(c) || c == '*'; }))
    return std::nullopt;
  return hint;
}

RuleDigest parse_rule_digest(std::string_view text) {
  RuleDigest digest;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), digest.hash, 16);
  if (text.size() == 16 && code == std::errc() && end == text.data() + text.size()) return digest;
  digest.hash = mysqlwire::sql::digest_hash(text);
  digest.text = text;
  return digest;
}

}  // namespace mysqlproxy
