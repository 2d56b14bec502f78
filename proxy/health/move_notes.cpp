#include "proxy/health/move_notes.hpp"

#include <fmt/format.h>

namespace mysqlproxy {

void MoveNotes::note(std::string text) {
  log_.info(fmt::format("{}: {}", subject_, text));
  teller_({.text = std::move(text)});
}

void MoveNotes::warn(std::string text) {
  log_.warn(fmt::format("{}: {}", subject_, text));
  teller_({.text = "warning: " + text});
}

bool MoveNotes::fail(std::string text) {
  log_.error(fmt::format("{}: {}", subject_, text));
  teller_({.text = "failed: " + text});
  return false;
}

}  // namespace mysqlproxy
