// Who wants to know where in a payload a decoder found what.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <cstdint>

namespace mysqlwire {

/// How a field stands in a payload.
enum class FieldForm : std::uint8_t {
  integer,  ///< int<n>, little-endian
  lenenc,   ///< int<lenenc>: a number, or the length of the string that follows
  null,     ///< 0xFB in the place of an int<lenenc>
  bytes,    ///< string<fix>, string<var>, string<EOF>; what string<lenenc> is behind its length
  nul_terminated,  ///< string<NUL>, its NUL included
};

/// A field that has been read. `message` and `name` are string literals: those that an Error about
/// it would have. `name` is empty for the rest of a payload that has none.
struct Field {
  const char* message = "";
  const char* name = "";
  FieldForm form{};
  Bytes bytes;              ///< where it stands: borrowed from the payload
  std::uint64_t value = 0;  ///< of an integer or a lenenc
};

/// Is told of every field that a Reader takes, in the order of reading. So positions come from the
/// decoders themselves. Decoders look into parts of what they have read again (the attributes of a
/// login, the entries of session tracking): then fields lie inside of a field told before, or are
/// told twice.
class FieldObserver {
 public:
  virtual void on_field(const Field& field) noexcept = 0;

 protected:
  ~FieldObserver() = default;
};

}  // namespace mysqlwire
