// Appends the protocol's basic types to a buffer.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace mysqlwire {

/// Growable bytes that a Writer appends to.
using Buffer = std::vector<std::uint8_t>;

/// Writes the protocol's basic types at the end of a Buffer, which must outlive it.
///
/// Sticky like Reader: the first value that does not fit its field is kept as an error, nothing is
/// written from there on, and the caller checks ok() once. Integers are little-endian, int<lenenc>
/// is always the shortest form.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_data_types.html
class Writer {
 public:
  explicit Writer(Buffer& out, const char* message = "") noexcept
      : out_(out), start_(out.size()), message_(message) {}

  bool ok() const noexcept { return code_ == errc::ok; }
  Error error() const noexcept { return {code_, error_offset_, message_, field_}; }
  /// Bytes written by this writer so far.
  std::uint64_t size() const noexcept { return out_.size() - start_; }

  void u8(std::uint64_t value, const char* field = "") { fixed_int(value, 1, field); }
  void u16(std::uint64_t value, const char* field = "") { fixed_int(value, 2, field); }
  void u24(std::uint64_t value, const char* field = "") { fixed_int(value, 3, field); }
  void u32(std::uint64_t value, const char* field = "") { fixed_int(value, 4, field); }
  void u48(std::uint64_t value, const char* field = "") { fixed_int(value, 6, field); }
  void u64(std::uint64_t value, const char* field = "") { fixed_int(value, 8, field); }
  void lenenc(std::uint64_t value);

  /// string<fix>, string<var>, string<EOF>: the bytes as they are.
  void bytes(Bytes value);
  void text(std::string_view value) { bytes(as_bytes(value)); }
  /// string<NUL>; a value that holds a NUL is an error.
  void nul_text(std::string_view value, const char* field = "");
  void lenenc_bytes(Bytes value) {
    lenenc(value.size());
    bytes(value);
  }
  void lenenc_text(std::string_view value) { lenenc_bytes(as_bytes(value)); }
  /// The NULL marker of text rows (0xFB).
  void null() { u8(0xfb); }
  void zeros(std::size_t count);

  void fail(errc code, const char* field) noexcept;

 private:
  void fixed_int(std::uint64_t value, unsigned size, const char* field);

  Buffer& out_;
  std::size_t start_;
  const char* message_;
  const char* field_ = "";
  std::uint64_t error_offset_ = 0;
  errc code_ = errc::ok;
};

/// How many bytes `value` takes as int<lenenc>: 1, 3, 4 or 9.
constexpr unsigned lenenc_size(std::uint64_t value) noexcept {
  return value < 0xfb ? 1 : value <= 0xffff ? 3 : value <= 0xffffff ? 4 : 9;
}

}  // namespace mysqlwire
