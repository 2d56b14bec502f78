// Accounts by name and host.
#pragma once

#include "proxy/config/config.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// Immutable.
class AccountTable {
 public:
  AccountTable() = default;
  /// Of two accounts of one name and host the first counts.
  explicit AccountTable(const std::vector<UserConfig>& accounts);

  /// There is an account of that name, for whatever host.
  bool has(std::string_view name) const { return accounts_.find(name) != accounts_.end(); }
  /// The account that a client from there logs in as: the one with the most specific host that
  /// matches, whether it can be used or not. Null when there is none.
  const UserConfig* find(std::string_view name, const ClientHost& client) const;

  std::size_t size() const noexcept { return size_; }
  /// Of those the number whose clients best begin by mysql_native_password.
  std::size_t native() const noexcept { return native_; }
  /// What is stored of one who does, or does not; nothing where there is none.
  const StoredHashes& typical(bool native) const noexcept {
    return native ? typical_native_ : typical_other_;
  }

 private:
  std::map<std::string, std::vector<UserConfig>, std::less<>> accounts_;
  std::size_t size_ = 0;
  std::size_t native_ = 0;
  StoredHashes typical_native_;
  StoredHashes typical_other_;
};

}  // namespace mysqlproxy
