#include "proxy/lending/figures.hpp"

#include <algorithm>

namespace mysqlproxy::lending {

std::string_view to_string(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::discarded: return "discarded";
    case CloseReason::by_server: return "by_server";
    case CloseReason::idle: return "idle_timeout";
    case CloseReason::lifetime: return "max_lifetime";
    case CloseReason::uses: return "max_uses";
    case CloseReason::max_idle: return "max_idle";
    case CloseReason::for_another: return "for_another";
    case CloseReason::server_down: return "server_down";
    case CloseReason::server_left: return "server_left";
    case CloseReason::draining: return "draining";
  }
  return {};
}

void FigureSums::add(const Figures& figures) noexcept {
  const auto value = [](const Figures::Count& count) {
    return count.load(std::memory_order_relaxed);
  };
  idle += value(figures.idle);
  lent += value(figures.lent);
  waiting += value(figures.waiting);
  opened += value(figures.opened);
  borrowed += value(figures.borrowed);
  same_session += value(figures.same_session);
  same_image += value(figures.same_image);
  waited += value(figures.waited);
  longest_wait_ms = std::max(longest_wait_ms, value(figures.longest_wait_ms));
  for (std::size_t i = 0; i < close_reasons; ++i) closed[i] += value(figures.closed[i]);
  for (std::size_t i = 0; i < refusals; ++i) refused[i] += value(figures.refused[i]);
}

}  // namespace mysqlproxy::lending
