// [user.NAME], in the configuration or in a users file.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/config/named_tables.hpp"
#include "proxy/config/table_reader.hpp"

#include <string>
#include <vector>

namespace mysqlproxy {

/// Reads users from one file after the other. What it is given must outlive it.
class UserReader {
 public:
  /// `used_pools` and `users` are added to.
  UserReader(const std::vector<std::string>& pools, std::vector<std::string>& used_pools,
             std::vector<UserConfig>& users)
      : pools_(pools), used_pools_(used_pools), users_(users) {}

  /// Reads the [user.NAME] tables of a file. `without` says what it means that there is none;
  /// empty: that is no fault.
  void read(TableReader& top, Report& report, std::string_view without);

 private:
  void read_user(const Named& item, Report& report);
  void read_pool(TableReader& reader, UserConfig& user);
  static void read_pooling(TableReader& reader, UserConfig& user);
  static void read_hashes(TableReader& reader, const toml::table& table, UserConfig& user);
  static std::vector<HostPattern> read_hosts(TableReader& reader);
  static void read_requirement(TableReader& reader, UserConfig& user);
  static void read_server_account(TableReader& reader, Report& report, UserConfig& user);
  void read_pasted(TableReader& reader, Report& report, const UserConfig& user);

  const std::vector<std::string>& pools_;
  std::vector<std::string>& used_pools_;
  std::vector<UserConfig>& users_;
};

/// Reads a users file: [user.NAME] tables and nothing else. Only the problems of the result count.
LoadResult load_users_file(UserReader& reader, const std::string& path);

}  // namespace mysqlproxy
