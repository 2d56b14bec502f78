// The key/value pairs that a client tells about itself at login.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace mysqlwire {

/// One pair, such as `_client_name` = `libmysql`. Names that start with `_` belong to drivers.
struct ConnectionAttribute {
  std::string_view key;
  std::string_view value;
};

/// Reads the pairs of an attributes block one by one, without allocating. Everything returned
/// borrows from the block. The block comes from a stranger: keys and values may hold any bytes.
///
/// | type           | field |
/// |----------------|-------|
/// | string<lenenc> | key   |
/// | string<lenenc> | value |
/// | …              | until the block ends |
class ConnectionAttributeCursor {
 public:
  explicit ConnectionAttributeCursor(Bytes block, const Context& context = {}) noexcept
      : reader_(block, "ConnectionAttributes", context) {}

  /// The next pair; nothing at the end, and nothing more after a pair that can't be read: ok()
  /// tells the two apart.
  std::optional<ConnectionAttribute> next() noexcept;

  bool ok() const noexcept { return reader_.ok(); }
  /// Only meaningful when !ok(). The offset is one within the block.
  Error error() const noexcept { return reader_.error(); }

 private:
  Reader reader_;
};

/// The attributes of one login: the block without its total length, as it stood in the packet. The
/// pairs are looked at only when asked for: servers take a login whose pairs lie, so long as
/// the total length is right.
struct ConnectionAttributes {
  Bytes block;

  bool empty() const noexcept { return block.empty(); }
  ConnectionAttributeCursor pairs(const Context& context = {}) const noexcept {
    return ConnectionAttributeCursor(block, context);
  }
  /// True when the block holds whole pairs and nothing else.
  bool well_formed() const noexcept;
  /// The value of the first pair with that key (exact match) before the end or a bad pair.
  std::optional<std::string_view> find(std::string_view key) const noexcept;
};

/// Reads the total length and the block. A length beyond `limits.max_attributes_bytes` is too_long;
/// pairs that can't be read are noted.
void read(Reader& reader, ConnectionAttributes& attributes, const Context& context) noexcept;
/// Writes the total length and the block.
void write(Writer& writer, const ConnectionAttributes& attributes);

/// Appends one pair to a block that is being built.
void write(Writer& block, const ConnectionAttribute& attribute);

}  // namespace mysqlwire
