// What a move says while it goes on: to the log, and to whoever has asked for it.
#pragma once

#include "proxy/log/log.hpp"

#include <functional>
#include <string>
#include <utility>

namespace mysqlproxy {

/// What becomes of a move, as it happens.
struct MoveNote {
  std::string text;
  bool over = false;  ///< the last one
  bool good = false;  ///< of that: it was done
};

/// Called from the loop's thread.
using MoveTeller = std::function<void(const MoveNote&)>;

class MoveNotes {
 public:
  /// `subject`: which move of which pool.
  MoveNotes(Log& log, std::string subject, MoveTeller teller)
      : log_(log), subject_(std::move(subject)), teller_(std::move(teller)) {}

  void note(std::string text);
  void warn(std::string text);
  /// Always false.
  bool fail(std::string text);
  Log& log() noexcept { return log_; }

 private:
  Log& log_;
  std::string subject_;
  MoveTeller teller_;
};

}  // namespace mysqlproxy
