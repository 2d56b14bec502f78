#include "proxy/rules/regex_set.hpp"

#include <algorithm>
#include <utility>

namespace mysqlproxy::rules {
namespace {

/// Of all expressions of a set together, with their automaton.
constexpr std::int64_t most_memory = 64 << 20;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Bytes that can't stand right beside a number that a pattern leaves out.
bool goes_on_number(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_' || c == '$' || c == '@' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Whether some number and what stands around it can have `atom` in it, or a part of it.
bool may_touch_number(std::string_view atom) noexcept {
  for (std::size_t i = 0; i < atom.size();) {
    if (!is_digit(atom[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < atom.size() && is_digit(atom[i])) ++i;
    const bool before = begin == 0 || !goes_on_number(atom[begin - 1]);
    const bool behind = i == atom.size() || !goes_on_number(atom[i]);
    if (before && behind) return true;
  }
  return atom.find('.') != atom.npos;
}

/// Whether some string can have `atom` in it, or a part of it. What begins or ends outside of the
/// string has a quote.
bool may_touch_string(std::string_view atom, bool letters) noexcept {
  const auto is_letter = [](char c) { return static_cast<unsigned char>(c) >= 0x40; };
  return letters || atom.find_first_of("'\"") != atom.npos || std::ranges::none_of(atom, is_letter);
}

/// Whether a text of the shape can have `atom` in it.
bool may_have(const Shape& shape, std::string_view pattern, std::string_view atom) noexcept {
  if (pattern.find(atom) != pattern.npos) return true;
  if (shape.strings && may_touch_string(atom, shape.letters)) return true;
  return shape.numbers && may_touch_number(atom);
}

}  // namespace

std::size_t RegexSet::add(const std::string& pattern, bool case_sensitive) {
  patterns_.push_back((case_sensitive ? "(?-i:" : "(?i:") + pattern + ")");
  int number = 0;
  single_.Add(pattern, regex_options(case_sensitive), &number);
  return patterns_.size() - 1;
}

void RegexSet::compile() {
  if (patterns_.empty()) return;
  single_.Compile(&atoms_);
  if (patterns_.size() < 2) return;
  RE2::Options options = regex_options(true);
  options.set_max_mem(most_memory);
  auto set = std::make_unique<RE2::Set>(options, RE2::UNANCHORED);
  for (const std::string& pattern : patterns_) {
    if (set->Add(pattern, nullptr) < 0) return;
  }
  if (set->Compile()) set_ = std::move(set);
}

Bits RegexSet::possible(const Shape& shape) const {
  std::string pattern = shape.pattern;
  for (char& c : pattern) c = lower(c);
  std::vector<int> found;
  for (std::size_t i = 0; i < atoms_.size(); ++i)
    if (may_have(shape, pattern, atoms_[i])) found.push_back(static_cast<int>(i));
  std::vector<int> likely;
  if (!patterns_.empty()) single_.AllPotentials(found, &likely);
  Bits bits((patterns_.size() + 63) / 64, 0);
  for (const int i : likely) set_bit(bits, static_cast<std::size_t>(i));
  return bits;
}

bool RegexSet::match_all(std::string_view text, std::vector<int>& scratch, Bits& hits) const {
  if (!set_) return false;
  RE2::Set::ErrorInfo error{};
  scratch.clear();
  if (!set_->Match(piece(text), &scratch, &error) && error.kind != RE2::Set::kNoError) return false;
  hits.assign((patterns_.size() + 63) / 64, 0);
  for (const int i : scratch) set_bit(hits, static_cast<std::size_t>(i));
  return true;
}

}  // namespace mysqlproxy::rules
