// Rules as TOML.
#pragma once

#include "proxy/config/rule.hpp"

#include <string>

namespace mysqlproxy {

/// The [[rule]] table, with what is not the default. It loads to the same rule.
std::string to_toml(const RuleConfig& rule);

}  // namespace mysqlproxy
