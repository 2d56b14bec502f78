// Hex text to exact-size heap bytes, so that ASan sees an overread by one byte.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mysqlwire::test {

/// Bytes on the heap with not one byte to spare.
class ExactBytes {
 public:
  explicit ExactBytes(Bytes source) : size_(source.size()), data_(new std::uint8_t[source.size()]) {
    for (std::size_t i = 0; i < size_; ++i) data_[i] = source[i];
  }
  operator Bytes() const noexcept { return {data_.get(), size_}; }  // NOLINT: implicit by design
  Bytes get() const noexcept { return {data_.get(), size_}; }
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint8_t[]> data_;
};

/// "0a 35 2e" or "0a352e" as bytes.
inline ExactBytes hex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ' || c == '\n') continue;
    const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (value < 0) throw std::invalid_argument("not a lower-case hex digit");
    if (high < 0) {
      high = value;
    } else {
      bytes.push_back(static_cast<char>(high * 16 + value));
      high = -1;
    }
  }
  if (high >= 0) throw std::invalid_argument("odd number of hex digits");
  return ExactBytes(as_bytes(bytes));
}

inline std::string to_hex(Bytes bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace mysqlwire::test
