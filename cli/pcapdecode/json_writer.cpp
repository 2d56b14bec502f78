#include "cli/pcapdecode/json_writer.hpp"

#include "cli/common/text.hpp"

#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/value_text.hpp>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

void JsonWriter::charset(std::uint16_t id, Flavor flavor) {
  const std::string_view name = collation_name(id, flavor);
  string("charset", name.empty() ? std::to_string(id) : name);
}

void JsonWriter::attributes(const ConnectionAttributes& attributes) {
  if (attributes.empty()) return;
  begin_object("attrs");
  auto pairs = attributes.pairs();
  while (const auto pair = pairs.next()) string(pair->key, pair->value);
  end_object();
}

void JsonWriter::value(const Value& value, const ColumnType& column) {
  if (is_null(value)) {
    item_null();
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    bytes(*text, column);
  } else if (!shows_values()) {
    item("?");
  } else {
    text_.clear();
    append_text(text_, value, column.format);
    item(text_);
  }
}

void JsonWriter::parameter(const Value& value, ValueType type) {
  ColumnType column{type, collations::utf8mb4_general_ci, {}};
  if (value_shape(type.type) == ValueShape::bytes) column.type.type = FieldType::var_string;
  this->value(value, column);
}

void JsonWriter::bytes(std::string_view bytes, const ColumnType& column) {
  if (!shows_values()) {
    item("?");
    return;
  }
  bool is_text = false;
  const std::string_view text = as_utf8(bytes, column, text_, is_text);
  if (is_text)
    item(text);
  else
    hex_object(as_bytes(bytes));
}

void JsonWriter::hex_object(Bytes bytes) {
  begin_object();
  hex("hex", bytes);
  end_object();
}

}  // namespace pcapdecode
