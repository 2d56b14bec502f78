#include "proxy/pool/primary_choice.hpp"

namespace mysqlproxy {

std::optional<std::size_t> PrimaryChoice::choose(std::span<const Seen> servers) {
  fenced_.resize(servers.size(), false);
  const auto usable = [&](std::size_t i) { return servers[i].up && servers[i].writable == true; };
  for (std::size_t i = 0; i < servers.size(); ++i)
    if (servers[i].up && servers[i].writable == false) fenced_[i] = false;
  if (current_ && *current_ < servers.size() && usable(*current_)) return current_;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (!usable(i) || fenced_[i]) continue;
    if (current_ && *current_ < servers.size())
      fenced_[*current_] = servers[*current_].writable != false;
    current_ = i;
    return current_;
  }
  return std::nullopt;
}

PrimaryChoice PrimaryChoice::moved(std::span<const std::optional<std::size_t>> places) const {
  PrimaryChoice choice;
  choice.fenced_.resize(places.size(), false);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) continue;
    choice.fenced_[i] = fenced(*places[i]);
    if (current_ == places[i]) choice.current_ = i;
  }
  return choice;
}

}  // namespace mysqlproxy
