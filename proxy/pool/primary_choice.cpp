#include "proxy/pool/primary_choice.hpp"

namespace mysqlproxy {

std::optional<std::size_t> PrimaryChoice::choose(std::span<const Seen> servers) {
  fenced_.resize(servers.size(), false);
  const auto usable = [&](std::size_t i) { return servers[i].up && servers[i].writable == true; };
  const auto harmless = [&](std::size_t i) {
    return servers[i].up && (servers[i].writable == false || servers[i].in_step);
  };
  for (std::size_t i = 0; i < servers.size(); ++i)
    if (harmless(i)) fenced_[i] = false;
  const bool stays = current_ && *current_ < servers.size() && usable(*current_);
  if (stays && !servers[*current_].second_choice) return current_;
  std::optional<std::size_t> next;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (!usable(i) || fenced_[i]) continue;
    if (!next || (servers[*next].second_choice && !servers[i].second_choice)) next = i;
  }
  if (stays && (!next || servers[*next].second_choice)) return current_;
  if (!next) return std::nullopt;
  if (current_ && *current_ < servers.size())
    fenced_[*current_] = servers[*current_].writable != false && !harmless(*current_);
  current_ = next;
  return current_;
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
