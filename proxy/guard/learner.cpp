#include "proxy/guard/learner.hpp"

#include <fmt/format.h>

namespace mysqlproxy {

void Learner::add(std::string_view user, std::string_view digest) {
  if (user.empty()) return;  // would be everybody
  const std::lock_guard lock(mutex_);
  auto& known = digests_[std::string(user)];
  if (size_ >= most_digests || bytes_ + digest.size() > most_bytes) {
    if (!known.contains(std::string(digest))) ++dropped_;
    return;
  }
  if (!known.emplace(digest).second) return;
  ++size_;
  ++unsaved_;
  bytes_ += digest.size();
}

std::string Learner::save(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (unsaved_ == 0) return {};
  std::vector<DigestFileFault> faults;
  bool exists = false;
  DigestsByUser all = read_digests(path, faults, exists);
  // Somebody is at work on it; what stands there is not thrown away.
  if (!faults.empty())
    return fmt::format("{}:{}: {}", path, faults.front().line, faults.front().text);
  for (const auto& [user, digests] : digests_) all[user].insert(digests.begin(), digests.end());
  std::string fault = write_digests(path, all);
  if (fault.empty()) unsaved_ = 0;
  return fault;
}

Learner::Count Learner::count() const {
  const std::lock_guard lock(mutex_);
  return {size_, dropped_, unsaved_};
}

}  // namespace mysqlproxy
