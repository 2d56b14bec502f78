// What [pool.NAME] says of connections that are lent.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/config/table_reader.hpp"

#include <string>
#include <vector>

namespace mysqlproxy {

/// Reads these keys of one pool after the other; once all are read, check().
class LendingReader {
 public:
  void read(TableReader& reader, PoolConfig& pool);
  /// What pools say of each other and of their servers. Those that others read from are added to
  /// `used_pools`.
  void check(const Config& config, Report& report, std::vector<std::string>& used_pools) const;

 private:
  struct Placed {
    std::string pool;
    std::string path;  ///< of the table
    toml::source_region read_pool;
    toml::source_region min_idle;
  };
  void check_split(const Placed& place, const Config& config, Report& report) const;

  std::vector<Placed> places_;
};

}  // namespace mysqlproxy
