// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace mysqlproxy {

/// Owns a descriptor, or -1 for none, until it is released.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const noexcept { return descriptor_; }
  /// The caller's from here on.
  int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

}  // namespace mysqlproxy
