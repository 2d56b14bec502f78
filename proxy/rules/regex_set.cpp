#include "proxy/rules/regex_set.hpp"

#include <utility>

namespace mysqlproxy::rules {
namespace {

/// Of all expressions of a set together, with their automaton.
constexpr std::int64_t most_memory = 64 << 20;

}  // namespace

std::size_t RegexSet::add(const std::string& pattern, bool case_sensitive) {
  patterns_.push_back((case_sensitive ? "(?-i:" : "(?i:") + pattern + ")");
  single_.push_back(std::make_unique<RE2>(pattern, regex_options(case_sensitive)));
  return single_.size() - 1;
}

void RegexSet::compile() {
  if (single_.size() < 2) return;
  RE2::Options options = regex_options(true);
  options.set_max_mem(most_memory);
  auto set = std::make_unique<RE2::Set>(options, RE2::UNANCHORED);
  for (const std::string& pattern : patterns_) {
    if (set->Add(pattern, nullptr) < 0) return;
  }
  if (set->Compile()) set_ = std::move(set);
}

bool RegexSet::match_all(std::string_view text, std::vector<int>& scratch, Bits& hits) const {
  if (!set_) return false;
  RE2::Set::ErrorInfo error{};
  scratch.clear();
  if (!set_->Match(piece(text), &scratch, &error) && error.kind != RE2::Set::kNoError) return false;
  hits.assign((single_.size() + 63) / 64, 0);
  for (const int i : scratch) set_bit(hits, static_cast<std::size_t>(i));
  return true;
}

}  // namespace mysqlproxy::rules
