#include "proxy/lending/pins.hpp"

namespace mysqlproxy::lending {

std::string_view to_string(Pin pin) noexcept {
  switch (pin) {
    case Pin::temporary_table: return "temporary_table";
    case Pin::lock_tables: return "lock_tables";
    case Pin::user_lock: return "user_lock";
    case Pin::handler: return "handler";
    case Pin::xa: return "xa";
    case Pin::savepoint: return "savepoint";
    case Pin::text_prepare: return "text_prepare";
    case Pin::one_shot: return "one_shot";
    case Pin::warnings: return "warnings";
    case Pin::found_rows: return "found_rows";
    case Pin::sequence: return "sequence";
    case Pin::call: return "call";
    case Pin::unknown_change: return "unknown_change";
    case Pin::tracking: return "tracking";
    case Pin::too_much: return "too_much";
  }
  return "unknown";
}

std::string to_string(Pins pins) {
  std::string text;
  for (std::size_t i = 0; i < pin_count; ++i) {
    const auto pin = static_cast<Pin>(i);
    if (!pins.has(pin)) continue;
    if (!text.empty()) text += ", ";
    text += to_string(pin);
  }
  return text;
}

}  // namespace mysqlproxy::lending
