// Equal session images are one and the same.
#pragma once

#include "proxy/lending/session_image.hpp"

#include <cstddef>
#include <memory>
#include <unordered_map>

namespace mysqlproxy::lending {

/// Makes equal images the same object, so that comparing pointers is comparing images. One for each
/// thread; images live for as long as anybody holds them, longer than the store too.
class ImageStore {
 public:
  /// The one image with this content.
  SharedImage intern(SessionImage image);
  /// Images that are in use, and some that were not long ago.
  std::size_t size() const noexcept { return images_.size(); }

 private:
  void sweep();

  std::unordered_multimap<std::size_t, std::weak_ptr<const SessionImage>> images_;
  std::size_t sweep_at_ = 64;
};

}  // namespace mysqlproxy::lending
