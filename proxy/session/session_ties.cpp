#include "proxy/session/session_ties.hpp"

namespace mysqlproxy {

void SessionTies::note(const Inspection& inspection) {
  using mysqlwire::sql::Effect;
  using enum mysqlwire::sql::StatementKind;
  if (inspection.command == mysqlwire::Command::com_reset_connection) return clear();
  const auto& what = *inspection.what;
  if (!inspection.has_text() || inspection.command == mysqlwire::Command::com_stmt_prepare) return;
  // What is not read to its end may hold anything.
  if (!inspection.whole || what.has(Effect::several)) {
    bound_ = true;
    return;
  }
  switch (what.kind) {
    case set:
      if (bound_ || !what.has(Effect::changes_session)) return;
      // SET GLOBAL and functions do something that is not to be done twice.
      if (what.has(Effect::writes)) {
        bound_ = true;
        return;
      }
      bytes_ += inspection.text.size();
      bound_ = settings_.size() >= most_settings || bytes_ > most_bytes;
      if (!bound_) settings_.emplace_back(inspection.text);
      break;
    case create:
      // A temporary table hides another one from here on.
      bound_ = bound_ || what.has(Effect::changes_session);
      break;
    case lock_tables:
    case handler:
    case call:
    case execute:
    case xa:
    case unknown: bound_ = true; break;
    default: break;
  }
}

void SessionTies::clear() noexcept {
  settings_.clear();
  bytes_ = 0;
  bound_ = false;
}

}  // namespace mysqlproxy
