#include "proxy/lending/image_store.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace mysqlproxy::lending {
namespace {

std::size_t hash_of(const SessionImage& image) noexcept {
  const std::hash<std::string_view> text;
  std::size_t hash = text(image.schema) ^ static_cast<std::size_t>(image.last_insert_id);
  const auto mix = [&](std::string_view part) { hash = hash * 1099511628211ULL + text(part); };
  for (const auto& [name, value] : image.variables) {
    mix(name);
    mix(value);
  }
  mix("@");
  for (const auto& [name, value] : image.user_variables) {
    mix(name);
    mix(value);
  }
  return hash;
}

}  // namespace

SharedImage ImageStore::intern(SessionImage image) {
  const std::size_t hash = hash_of(image);
  const auto [begin, end] = images_.equal_range(hash);
  for (auto known = begin; known != end; ++known) {
    if (auto held = known->second.lock(); held && *held == image) return held;
  }
  if (images_.size() >= sweep_at_) sweep();
  auto made = std::make_shared<const SessionImage>(std::move(image));
  images_.emplace(hash, made);
  return made;
}

// Each time as many have come as were there after the last time, so that it costs little for each.
void ImageStore::sweep() {
  std::erase_if(images_, [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max<std::size_t>(64, 2 * images_.size());
}

}  // namespace mysqlproxy::lending
