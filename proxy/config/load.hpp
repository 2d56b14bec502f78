// From a TOML file, or from command line flags, to a Config; and back to text.
#pragma once

#include "proxy/config/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// Something wrong with a configuration, and where: "proxy.toml:3:19" or "--server".
struct Problem {
  std::string where;
  std::string text;

  friend bool operator==(const Problem&, const Problem&) = default;
};

/// "proxy.toml:3:19: proxy.connect_timeout: expected a duration such as "2s", found integer 2".
/// Always one line: control bytes from the file are escaped.
std::string to_string(const Problem& problem);

/// Either a Config, or every error that was found (a syntax error hides those behind it).
struct LoadResult {
  std::optional<Config> config;
  std::vector<Problem> errors;  ///< in the file's order; empty exactly when `config` is there
  std::vector<Problem>
      warnings;  ///< in the file's order; nothing that keeps the proxy from working
};

/// Reads `path`, and the password file that it names (relative to the folder of `path`). Never
/// throws besides bad_alloc.
LoadResult load_file(const std::string& path);

/// The same from text in memory; `name` stands for the file in messages and for its folder.
LoadResult load_text(std::string_view text, const std::string& name);

/// What --listen, --server and --user say, each in the order given.
struct SimpleSetup {
  std::vector<std::string> listen;  ///< ADDR
  std::vector<std::string> server;  ///< ADDR, or ADDR,weight=N
  std::vector<std::string> user;    ///< NAME:HASH; the last colon counts
};

/// One pool "main" with all servers ("server1", "server2" …), one listener "main", every user in
/// that pool; the rest is default.
LoadResult load_simple(const SimpleSetup& setup);

/// The effective configuration as TOML: every key, those that hold the default's value marked.
/// Hashes are cut after four digits unless `with_hashes`; passwords never appear. With the hashes
/// the text loads to the same configuration.
std::string to_toml(const Config& config, bool with_hashes = false);

}  // namespace mysqlproxy
