// The [kind.NAME] tables of a file.
#pragma once

#include "proxy/config/table_reader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// One [kind.NAME] table.
struct Named {
  std::string name;
  toml::source_region at;
  const toml::table* table;
};

/// What a [kind.NAME] table defines: "listener", "user".
std::string_view noun(std::string_view kind) noexcept;

/// The tables below `kind` in the file's order. `without` says what happens when there is none;
/// empty: that is no fault.
std::vector<Named> named_tables(TableReader& top, Report& report, std::string_view kind,
                                std::string_view without);

}  // namespace mysqlproxy
