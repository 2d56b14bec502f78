// Many regular expressions on one text, in one pass.
#pragma once

#include "proxy/rules/bits.hpp"
#include "proxy/rules/regex.hpp"
#include "proxy/statement/shape.hpp"

#include <re2/filtered_re2.h>
#include <re2/set.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy::rules {

/// Expressions on one kind of text. One pass over a text tells all that match. Where there is no
/// such pass, since the set has outgrown its memory, each is asked by itself with at().
class RegexSet {
 public:
  /// The number of a good expression, from 0. Before compile().
  std::size_t add(const std::string& pattern, bool case_sensitive);
  void compile();

  const RE2& at(std::size_t i) const noexcept { return single_.GetRE2(static_cast<int>(i)); }
  std::size_t size() const noexcept { return patterns_.size(); }

  /// Has a bit for each expression that some text of the shape can match. What an expression can't
  /// do without ("from archive" in `from archive\d+ where`) is looked for in the pattern.
  Bits possible(const Shape& shape) const;

  /// True when `hits` has a bit for each expression now. `scratch` is overwritten. Any thread.
  bool match_all(std::string_view text, std::vector<int>& scratch, Bits& hits) const;

 private:
  std::vector<std::string> patterns_;
  re2::FilteredRE2 single_;
  std::vector<std::string> atoms_;  ///< lower case
  std::unique_ptr<RE2::Set> set_;
};

}  // namespace mysqlproxy::rules
