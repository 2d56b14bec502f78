#include <mysqlwire/wire/connection_attributes.hpp>

namespace mysqlwire {

std::optional<ConnectionAttribute> ConnectionAttributeCursor::next() noexcept {
  if (reader_.at_end()) return std::nullopt;
  ConnectionAttribute attribute;
  attribute.key = reader_.lenenc_text("key");
  attribute.value = reader_.lenenc_text("value");
  if (!reader_.ok()) return std::nullopt;
  return attribute;
}

bool ConnectionAttributes::well_formed() const noexcept {
  auto cursor = pairs();
  while (cursor.next()) {
  }
  return cursor.ok();
}

std::optional<std::string_view> ConnectionAttributes::find(std::string_view key) const noexcept {
  auto cursor = pairs();
  while (const auto attribute = cursor.next()) {
    if (attribute->key == key) return attribute->value;
  }
  return std::nullopt;
}

void read(Reader& reader, ConnectionAttributes& attributes, const Context& context) noexcept {
  const auto start = reader.offset();
  const std::uint64_t size = reader.lenenc("connection_attributes");
  if (size > context.limits.max_attributes_bytes) {
    reader.fail_at(errc::too_long, "connection_attributes", start);
  }
  attributes.block = reader.bytes(size, "connection_attributes");
  if (reader.ok() && !attributes.well_formed()) {
    reader.note(errc::bad_value, "connection_attributes");
  }
}

void write(Writer& writer, const ConnectionAttributes& attributes) {
  writer.lenenc_bytes(attributes.block);
}

void write(Writer& block, const ConnectionAttribute& attribute) {
  block.lenenc_text(attribute.key);
  block.lenenc_text(attribute.value);
}

}  // namespace mysqlwire
