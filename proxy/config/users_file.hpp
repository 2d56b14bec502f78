// Users files, written.
#pragma once

#include "proxy/config/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// A [user.NAME] table as text, with its newline.
std::string format_user_table(std::string_view name, std::string_view pool,
                              const std::vector<std::string>& hosts, const StoredHashes& hashes);

struct UsersFile {
  std::vector<UserConfig> users;
  std::string fault;  ///< with its place; empty when all could be read
};
/// Reads one by itself: any pool is taken for good.
UsersFile read_users_file(const std::string& path);

/// `text` with `table` for the user `name` at its end, or with `replace` in the place of the old
/// one where there is one; comments stay. Sets `fault` when `text` is no users file, has the user
/// already, or has it in a form that can't be cut out.
std::string with_user(std::string_view text, std::string_view name, std::string_view table,
                      bool replace, std::string& fault);

/// The same for a file, which is made when there is none. All or nothing, one at a time, readable
/// by its owner only; a link stays one. Returns what is wrong, or an empty text.
std::string add_to_users_file(const std::string& path, const std::string& name,
                              std::string_view table, bool replace);

}  // namespace mysqlproxy
