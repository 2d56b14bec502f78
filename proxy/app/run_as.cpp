#include "proxy/app/run_as.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

namespace mysqlproxy {
namespace {

struct Account {
  uid_t user = 0;
  gid_t group = 0;
};

/// Returns what is wrong, or an empty text.
std::string find_account(const std::string& name, Account& out) {
  constexpr std::size_t largest_entry = std::size_t{1} << 20;
  std::vector<char> buffer(1024);
  passwd entry{};
  passwd* found = nullptr;
  int error = 0;
  while ((error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) ==
             ERANGE &&
         buffer.size() < largest_entry)
    buffer.resize(2 * buffer.size());
  if (error != 0) return fmt::format("user {:?}: {}", name, std::generic_category().message(error));
  if (found == nullptr) return fmt::format("there is no user {:?}", name);
  out = {entry.pw_uid, entry.pw_gid};
  return {};
}

bool is(const Account& account) {
  uid_t user = 0, effective_user = 0, saved_user = 0;
  gid_t group = 0, effective_group = 0, saved_group = 0;
  if (::getresuid(&user, &effective_user, &saved_user) != 0 ||
      ::getresgid(&group, &effective_group, &saved_group) != 0)
    return false;
  return user == account.user && effective_user == account.user && saved_user == account.user &&
         group == account.group && effective_group == account.group && saved_group == account.group;
}

}  // namespace

std::string run_as(const std::string& name) {
  Account account;
  if (std::string fault = find_account(name, account); !fault.empty()) return fault;
  if (account.user == 0) return fmt::format("user {:?} is root", name);
  if (is(account)) return {};
  const auto failed = [&](const char* what) {
    return fmt::format("can't become user {:?}: {}: {}", name, what,
                       std::generic_category().message(errno));
  };
  // Groups first: without root's rights they can't be changed any more.
  if (::initgroups(name.c_str(), account.group) != 0) return failed("initgroups");
  if (::setresgid(account.group, account.group, account.group) != 0) return failed("setresgid");
  if (::setresuid(account.user, account.user, account.user) != 0) return failed("setresuid");
  if (!is(account) || ::setuid(0) == 0)
    return fmt::format("can't become user {:?}: root's rights are still there", name);
  return {};
}

}  // namespace mysqlproxy
