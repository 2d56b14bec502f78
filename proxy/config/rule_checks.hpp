// What is wrong with rules that are well formed each by itself.
#pragma once

#include "proxy/config/rule.hpp"
#include "proxy/config/table_reader.hpp"

#include <string>
#include <vector>

namespace mysqlproxy {

/// Why no statement can match the rule; empty when one may.
std::string never_matches(const RuleConfig& rule);

/// True when `first` matches whatever `second` matches; false when that is not certain.
bool covers(const RuleConfig& first, const RuleConfig& second);

/// Reports rules that can't be reached and such as never match. `places` are where they stand.
void check_rules(const std::vector<RuleConfig>& rules,
                 const std::vector<toml::source_region>& places, Report& report);

}  // namespace mysqlproxy
