// What can be wrong with bytes, and how it is said: errc, Error, Result, Notes.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mysqlwire {

/// Why bytes could not be read or written.
enum class errc : std::uint8_t {
  ok = 0,
  truncated,             ///< the payload ends inside the field
  too_long,              ///< the value is larger than the field, or a limit, allows
  bad_value,             ///< the field holds a value that the protocol does not allow there
  not_terminated,        ///< a NUL-terminated string has no NUL
  trailing_bytes,        ///< the message is over but the payload is not
  missing_field,         ///< an announced or usual optional field is absent
  unsupported,           ///< a known form that this library refuses (protocol 3.20 greeting …)
  packets_out_of_order,  ///< the sequence id is not the expected one
  packet_too_large,      ///< the logical payload is larger than max_allowed_packet
  unexpected_packet,     ///< a complete packet that the grammar does not allow at this point
  limit_exceeded,        ///< a count (columns, parameters, rounds …) is over its limit
};

/// The name of the code in words, as it stands in messages ("truncated", "packets out of order").
std::string_view to_string(errc code) noexcept;

/// True when the byte stream can't be followed any more (framing is lost); false when only the
/// content of one complete packet is bad and the next packet can still be read.
bool is_fatal(errc code) noexcept;

/// What went wrong, and where. `message` and `field` are string literals with static lifetime.
struct Error {
  errc code = errc::ok;
  std::uint64_t offset = 0;  ///< byte offset in the payload where the field starts
  const char* message = "";  ///< the message's protocol name, such as "HandshakeV10"
  const char* field = "";    ///< the field's name, such as "auth_plugin_name"

  friend bool operator==(const Error&, const Error&) = default;
};

/// "OkPacket.affected_rows: truncated at offset 2".
std::string to_string(const Error& error);

/// A value, or the Error that kept it from being read. Never throws; reading the wrong side is a
/// bug of the caller and asserts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)  // NOLINT: implicit by design
      : value_(std::move(value)) {}
  Result(Error error) noexcept : error_(error) {  // NOLINT: implicit by design
    assert(error.code != errc::ok);
  }

  explicit operator bool() const noexcept { return value_.has_value(); }
  bool has_value() const noexcept { return value_.has_value(); }

  T& value() noexcept {
    assert(value_);
    return *value_;
  }
  const T& value() const noexcept {
    assert(value_);
    return *value_;
  }
  T& operator*() noexcept { return value(); }
  const T& operator*() const noexcept { return value(); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &value(); }

  const Error& error() const noexcept {
    assert(!value_);
    return error_;
  }

 private:
  std::optional<T> value_;
  Error error_;
};

/// Deviations that a lenient decode accepted (trailing bytes, missing optional tails). Fixed size:
/// what does not fit is only counted.
class Notes {
 public:
  static constexpr std::size_t capacity = 8;

  void add(const Error& note) noexcept {
    if (count_ < capacity) items_[count_] = note;
    ++count_;
  }
  void clear() noexcept { count_ = 0; }
  bool empty() const noexcept { return count_ == 0; }
  /// How many were noted, those included that were not kept.
  std::size_t total() const noexcept { return count_; }
  const Error* begin() const noexcept { return items_.data(); }
  const Error* end() const noexcept {
    return items_.data() + (count_ < capacity ? count_ : capacity);
  }

 private:
  std::array<Error, capacity> items_{};
  std::size_t count_ = 0;
};

}  // namespace mysqlwire
