#include "proxy/pool/account_table.hpp"

#include <algorithm>

namespace mysqlproxy {

AccountTable::AccountTable(const std::vector<UserConfig>& accounts) {
  for (const UserConfig& account : accounts) {
    auto& same_name = accounts_[account.name];
    if (std::ranges::find(same_name, account.host, &UserConfig::host) != same_name.end()) continue;
    same_name.push_back(account);
    ++size_;
    if (account.hashes.native || account.passthrough) ++native_;
    auto& typical = account.hashes.native ? typical_native_ : typical_other_;
    if (typical.empty() && !account.passthrough) typical = account.hashes;
  }
  for (auto& [name, same_name] : accounts_) {
    std::ranges::stable_sort(
        same_name, [](const UserConfig& a, const UserConfig& b) { return a.host < b.host; });
  }
}

const UserConfig* AccountTable::find(std::string_view name, const ClientHost& client) const {
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return nullptr;
  const auto account = std::ranges::find_if(
      found->second, [&](const UserConfig& one) { return one.host.matches(client); });
  return account == found->second.end() ? nullptr : &*account;
}

}  // namespace mysqlproxy
