// Bounds-checked cursor over one payload.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/field_observer.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace mysqlwire {

/// Reads the protocol's basic types from a payload, front to back.
///
/// Sticky: the first failure is kept with its field and offset, the reader is emptied, and every
/// later getter returns zero or nothing, so a decoder is one line per field and ends with
/// `return reader.finish(value)`. A loop bounded by a count from the wire must test ok() and
/// compare the count with left() first. Everything returned borrows from the payload.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_data_types.html
class Reader {
 public:
  /// `message` is a string literal, the protocol's name of the message.
  Reader(Bytes payload, const char* message, const Context& context) noexcept
      : begin_(payload.data()),
        cursor_(payload.data()),
        end_(payload.data() + payload.size()),
        message_(message),
        notes_(context.notes),
        observer_(context.fields),
        strict_(context.strict) {}

  bool ok() const noexcept { return code_ == errc::ok; }
  /// Bytes not read yet; 0 after a failure.
  std::uint64_t left() const noexcept { return static_cast<std::uint64_t>(end_ - cursor_); }
  bool at_end() const noexcept { return cursor_ == end_; }
  std::uint64_t offset() const noexcept { return static_cast<std::uint64_t>(cursor_ - begin_); }

  /// The next byte without consuming it, if there is one.
  std::optional<std::uint8_t> peek() const noexcept {
    if (at_end()) return std::nullopt;
    return *cursor_;
  }
  /// What is left, without consuming it.
  Bytes remaining() const noexcept { return {cursor_, end_}; }

  std::uint8_t u8(const char* field) noexcept {
    return static_cast<std::uint8_t>(fixed_int(1, field));
  }
  std::uint16_t u16(const char* field) noexcept {
    return static_cast<std::uint16_t>(fixed_int(2, field));
  }
  std::uint32_t u24(const char* field) noexcept {
    return static_cast<std::uint32_t>(fixed_int(3, field));
  }
  std::uint32_t u32(const char* field) noexcept {
    return static_cast<std::uint32_t>(fixed_int(4, field));
  }
  std::uint64_t u48(const char* field) noexcept { return fixed_int(6, field); }
  std::uint64_t u64(const char* field) noexcept { return fixed_int(8, field); }

  /// int<lenenc>. 0xFB (NULL) and 0xFF are bad values here. Non-minimal forms are accepted.
  std::uint64_t lenenc(const char* field) noexcept;
  /// int<lenenc>, or nothing for 0xFB. Check ok(): nothing is also what a failure returns.
  std::optional<std::uint64_t> lenenc_or_null(const char* field) noexcept;

  /// string<fix>, and string<var> whose length was read before.
  Bytes bytes(std::uint64_t size, const char* field) noexcept;
  /// string<lenenc> of less than 251 bytes that nobody is told of, which almost every one is.
  /// False, and nothing is read, when what follows is something else: then it is the other getters'
  /// to say.
  bool short_lenenc_bytes(Bytes& value) noexcept {
    if (at_end() || is_observed()) return false;
    const std::size_t size = *cursor_;
    if (size >= 0xfb || size >= left()) return false;
    value = {cursor_ + 1, size};
    cursor_ += size + 1;
    return true;
  }
  /// A number of `size` bytes, which every caller knows, that nobody is told of. False, and nothing
  /// is read, when there are less or somebody is told.
  [[gnu::always_inline]] bool untold_int(unsigned size, std::uint64_t& value) noexcept {
    if (size > left() || is_observed()) return false;
    value = load_int(cursor_, size);
    cursor_ += size;
    return true;
  }
  /// The NULL of a text row, if it is next and nobody is told of it.
  bool short_null() noexcept {
    if (at_end() || is_observed() || *cursor_ != 0xfb) return false;
    ++cursor_;
    return true;
  }
  /// string<lenenc>.
  Bytes lenenc_bytes(const char* field) noexcept {
    Bytes value;
    return short_lenenc_bytes(value) ? value : long_lenenc_bytes(field);
  }
  /// string<lenenc>, or nothing for 0xFB (NULL in a text row). Check ok(): nothing is also what a
  /// failure returns.
  std::optional<Bytes> lenenc_bytes_or_null(const char* field) noexcept {
    if (Bytes value; short_lenenc_bytes(value)) return value;
    return long_lenenc_bytes_or_null(field);
  }
  /// string<NUL>, without its NUL, which is consumed.
  Bytes nul_bytes(const char* field) noexcept;
  /// string<NUL> at the end of a packet, where some peers leave out the NUL or the whole string:
  /// both are noted.
  Bytes nul_bytes_or_rest(const char* field) noexcept;
  /// string<EOF>: all that is left.
  Bytes rest(const char* field = "") noexcept {
    const Bytes value{std::exchange(cursor_, end_), end_};
    tell(FieldForm::bytes, field, value.data());
    return value;
  }

  std::string_view text(std::uint64_t size, const char* field) noexcept {
    return as_text(bytes(size, field));
  }
  std::string_view lenenc_text(const char* field) noexcept { return as_text(lenenc_bytes(field)); }
  std::string_view nul_text(const char* field) noexcept { return as_text(nul_bytes(field)); }
  std::string_view nul_text_or_rest(const char* field) noexcept {
    return as_text(nul_bytes_or_rest(field));
  }
  std::string_view rest_text(const char* field = "") noexcept { return as_text(rest(field)); }

  /// Skips `size` bytes.
  void skip(std::uint64_t size, const char* field) noexcept { (void)bytes(size, field); }

  /// Fails at the current offset, or at `offset` where the offending field began.
  void fail(errc code, const char* field) noexcept { fail_at(code, field, offset()); }
  [[gnu::cold, gnu::noinline]] void fail_at(errc code, const char* field,
                                            std::uint64_t offset) noexcept;

  /// Somebody is told of the fields.
  bool is_observed() const noexcept { return observer_ != nullptr; }
  /// A reader at the same place that tells nobody: for an attempt that may come to nothing.
  Reader unobserved() const noexcept {
    Reader copy = *this;
    copy.observer_ = nullptr;
    return copy;
  }

  /// Records a deviation that a lenient decode accepts; a failure when the context is strict.
  [[gnu::cold, gnu::noinline]] void note(errc code, const char* field) noexcept;

  /// The failure. Only meaningful when !ok().
  Error error() const noexcept { return {code_, error_offset_, message_, field_}; }

  /// Ends a decode: the failure if there was one; else the value, with a note when bytes are left.
  template <class T>
  Result<T> finish(T value) noexcept {
    if (ok() && !at_end()) note(errc::trailing_bytes, "");
    if (!ok()) return error();
    return Result<T>(std::move(value));
  }

 private:
  // Inlined by order: with a size that the compiler does not know it calls memcpy for each number.
  [[gnu::always_inline]] static std::uint64_t load_int(const std::uint8_t* bytes,
                                                       unsigned size) noexcept;
  [[gnu::always_inline]] std::uint64_t take_int(unsigned size, const char* field) noexcept;
  [[gnu::always_inline]] std::uint64_t fixed_int(unsigned size, const char* field) noexcept {
    const std::uint8_t* const start = cursor_;
    const std::uint64_t value = take_int(size, field);
    tell(FieldForm::integer, field, start, value);
    return value;
  }
  Bytes long_lenenc_bytes(const char* field) noexcept;
  std::optional<Bytes> long_lenenc_bytes_or_null(const char* field) noexcept;
  /// Tells of the bytes from `start` to here, unless they could not be read.
  void tell(FieldForm form, const char* field, const std::uint8_t* start,
            std::uint64_t value = 0) noexcept {
    if (observer_ != nullptr) [[unlikely]]
      tell_observer(form, field, start, value);
  }
  [[gnu::cold, gnu::noinline]] void tell_observer(FieldForm form, const char* field,
                                                  const std::uint8_t* start,
                                                  std::uint64_t value) noexcept;

  const std::uint8_t* begin_;
  const std::uint8_t* cursor_;
  const std::uint8_t* end_;
  const char* message_;
  const char* field_ = "";
  std::uint64_t error_offset_ = 0;
  Notes* notes_;
  FieldObserver* observer_;
  errc code_ = errc::ok;
  bool strict_;
};

// Inline: these are the hot ones.

inline std::uint64_t Reader::load_int(const std::uint8_t* bytes, unsigned size) noexcept {
  std::uint64_t value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, bytes, size);  // one load: every caller has a size that is known
  } else {
    for (unsigned i = 0; i < size; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  }
  return value;
}

inline std::uint64_t Reader::take_int(unsigned size, const char* field) noexcept {
  if (size > left()) {
    fail(errc::truncated, field);
    return 0;
  }
  const std::uint64_t value = load_int(cursor_, size);
  cursor_ += size;
  return value;
}

inline Bytes Reader::bytes(std::uint64_t size, const char* field) noexcept {
  if (size > left()) {
    fail(errc::truncated, field);
    return {};
  }
  const Bytes value{cursor_, static_cast<std::size_t>(size)};
  cursor_ += size;
  tell(FieldForm::bytes, field, value.data());
  return value;
}

}  // namespace mysqlwire
