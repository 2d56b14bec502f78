// Servers, pools and users of one configuration, tied together.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/guard/guard.hpp"
#include "proxy/pool/account_table.hpp"
#include "proxy/pool/common_ground.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/server.hpp"
#include "proxy/rules/rule_book.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// Immutable; a reload makes a new one. Servers whose configuration did not change are the same
/// objects in both, with all that is known of them.
class Topology {
 public:
  struct User {
    UserConfig config;
    std::shared_ptr<Pool> pool;
  };

  /// `config` has been checked: every name in it leads somewhere. `previous` and `key_log` may be
  /// null. Throws TlsError when a file that `config` names has become unusable.
  Topology(Config config, const Topology* previous, const std::shared_ptr<KeyLog>& key_log,
           Log& log);

  const Config& config() const noexcept { return config_; }
  const std::vector<std::shared_ptr<Server>>& servers() const noexcept { return servers_; }
  /// The accounts of the configuration.
  const AccountTable& accounts() const noexcept { return accounts_; }
  /// Null for an unknown name.
  std::shared_ptr<Pool> find_pool(std::string_view name) const;
  /// Some pool has to know which of its servers is the primary.
  bool has_roles() const noexcept;
  /// Some pool, or user, has connections that go from session to session.
  bool lends() const noexcept;
  /// Rules, guard or statistics are configured: sessions read the text of statements.
  bool looks_at_statements() const noexcept {
    return !rules_->empty(RuleStage::statement) || !config_.guard.idle() ||
           config_.statistics.enabled;
  }
  /// Never null. What its rules have counted goes on over a reload.
  const std::shared_ptr<const rules::RuleBook>& rules() const noexcept { return rules_; }
  const Guard& guard() const noexcept { return *guard_; }
  /// What clients are shown, by all that is known of the servers now.
  CommonGround ground(std::string_view version_override) const;

 private:
  Config config_;
  std::vector<std::shared_ptr<Server>> servers_;
  std::map<std::string, std::shared_ptr<Pool>, std::less<>> pools_;
  AccountTable accounts_;
  std::shared_ptr<const rules::RuleBook> rules_;
  std::unique_ptr<const Guard> guard_;
};

}  // namespace mysqlproxy
