#include "proxy/users/failed_logins.hpp"

#include <algorithm>
#include <iterator>

namespace mysqlproxy {

void FailedLogins::reset(const LoginLimits& limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
  entries_.clear();
  by_age_.clear();
}

bool FailedLogins::exempt(const ClientHost& host) const {
  return host.unix_socket || std::ranges::any_of(limits_.exempt, [&](const Network& network) {
           return network.contains(host.ip);
         });
}

FailedLogins::Key FailedLogins::key_of(const ClientHost& host) noexcept {
  Key key = host.ip;
  const bool v4 = std::all_of(key.begin(), key.begin() + 10, [](auto byte) { return byte == 0; });
  // Whoever has one IPv6 address has 2^64 of them.
  if (!v4) std::fill(key.begin() + 8, key.end(), std::uint8_t{0});
  return key;
}

bool FailedLogins::stale(const Entry& entry, std::uint64_t now) const noexcept {
  // The threads' clocks are a little apart: another one may have been ahead of this one.
  return now > entry.last &&
         now - entry.last >= static_cast<std::uint64_t>(limits_.block_time.count());
}

bool FailedLogins::blocked(const ClientHost& host, std::uint64_t now) const {
  const std::lock_guard lock(mutex_);
  if (limits_.max_failures == 0 || exempt(host)) return false;
  const auto found = entries_.find(key_of(host));
  return found != entries_.end() && found->second.failures >= limits_.max_failures &&
         !stale(found->second, now);
}

milliseconds FailedLogins::delay_after(std::uint32_t failures) const noexcept {
  if (failures <= limits_.free_failures) return milliseconds(0);
  milliseconds delay = limits_.first_delay;
  for (std::uint32_t more = failures - limits_.free_failures - 1;
       more > 0 && delay < limits_.longest_delay && delay.count() > 0; --more)
    delay *= 2;
  return std::min(delay, limits_.longest_delay);
}

milliseconds FailedLogins::note_failure(const ClientHost& host, std::uint64_t now) {
  const std::lock_guard lock(mutex_);
  if (exempt(host)) return milliseconds(0);
  const Key key = key_of(host);
  auto found = entries_.find(key);
  if (found != entries_.end() && stale(found->second, now)) {
    forget(found);
    found = entries_.end();
  }
  if (found == entries_.end()) {
    if (entries_.size() >= most_hosts) forget(entries_.find(by_age_.front()));
    by_age_.push_back(key);
    found = entries_.emplace(key, Entry{0, now, std::prev(by_age_.end())}).first;
  }
  Entry& entry = found->second;
  by_age_.splice(by_age_.end(), by_age_, entry.place);
  entry.last = std::max(entry.last, now);
  if (entry.failures != UINT32_MAX) ++entry.failures;
  return delay_after(entry.failures);
}

void FailedLogins::note_success(const ClientHost& host) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key_of(host));
  if (found != entries_.end() && !host.unix_socket) forget(found);
}

std::size_t FailedLogins::hosts() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void FailedLogins::forget(std::map<Key, Entry>::iterator entry) {
  by_age_.erase(entry->second.place);
  entries_.erase(entry);
}

}  // namespace mysqlproxy
