// Values that are as good as a password: wiped when they go, and never printed.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace mysqlwire::crypto {

/// Overwrites `bytes` in a way that the compiler keeps.
void cleanse(std::span<std::uint8_t> bytes) noexcept;

/// Compares without telling by its duration where the first difference is. The sizes are no secret.
bool equal_in_constant_time(Bytes a, Bytes b) noexcept;

/// N secret bytes. Moving wipes the source; a copy has to be asked for by clone(). There is no way
/// to print one; equality is constant-time.
template <std::size_t N>
class Secret {
 public:
  Secret() noexcept = default;
  explicit Secret(std::span<const std::uint8_t, N> bytes) noexcept {
    std::ranges::copy(bytes, bytes_.begin());
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  Secret clone() const noexcept { return Secret(bytes_); }
  void wipe() noexcept { cleanse(bytes_); }

  /// The bytes themselves, valid as long as this object is.
  std::span<const std::uint8_t, N> bytes() const noexcept { return bytes_; }
  std::span<std::uint8_t, N> writable_bytes() noexcept { return bytes_; }

  friend bool operator==(const Secret& a, const Secret& b) noexcept {
    return equal_in_constant_time(a.bytes_, b.bytes_);
  }
  template <class Stream>
  friend Stream& operator<<(Stream&, const Secret&) = delete;

 private:
  std::array<std::uint8_t, N> bytes_{};
};

/// Secret bytes of any number, such as a password in clear. As Secret in all else.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  explicit SecretBytes(Bytes bytes);
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes() { wipe(); }

  SecretBytes clone() const { return SecretBytes(bytes()); }
  /// Overwrites and forgets: empty afterwards.
  void wipe() noexcept;

  Bytes bytes() const noexcept { return {data_.get(), size_}; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  friend bool operator==(const SecretBytes& a, const SecretBytes& b) noexcept {
    return equal_in_constant_time(a.bytes(), b.bytes());
  }
  template <class Stream>
  friend Stream& operator<<(Stream&, const SecretBytes&) = delete;

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_ = 0;
};

}  // namespace mysqlwire::crypto
