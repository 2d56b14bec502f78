#include "proxy/rules/mobility.hpp"

namespace mysqlproxy::rules {

std::string_view tie_to_session(const mysqlwire::sql::Classification& what) noexcept {
  using enum mysqlwire::sql::Effect;
  using mysqlwire::sql::StatementKind;
  if (what.kind == StatementKind::unknown) return "unknown";
  if (what.has(several)) return "several";
  if (what.has(invalid)) return "invalid";
  if (what.has(changes_session)) return "changes_session";
  if (what.has(reads_session)) return "reads_session";
  if (what.has(begins_transaction)) return "begins_transaction";
  if (what.has(ends_transaction)) return "ends_transaction";
  // A routine may do to the session whatever a statement may.
  if (what.has(calls)) return "calls";
  return {};
}

}  // namespace mysqlproxy::rules
