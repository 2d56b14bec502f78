// What a session has done that its next statements may depend on.
#pragma once

#include "proxy/statement/inspection.hpp"

#include <string>
#include <vector>

namespace mysqlproxy {

/// Follows a session's statements, to say what another connection needs to stand in for its own,
/// and whether one can at all.
class SessionTies {
 public:
  /// A session with more settings than that stays where it is.
  static constexpr std::size_t most_settings = 64;
  static constexpr std::size_t most_bytes = 16 * 1024;

  /// The next command of the session, whether it succeeds or not.
  void note(const Inspection& inspection);
  void clear() noexcept;

  /// It has temporary tables, locks or something else that another connection has not, or may have.
  bool bound() const noexcept { return bound_; }
  /// The SET statements up to now, in order.
  const std::vector<std::string>& settings() const noexcept { return settings_; }

 private:
  bool bound_ = false;
  std::size_t bytes_ = 0;
  std::vector<std::string> settings_;
};

}  // namespace mysqlproxy
