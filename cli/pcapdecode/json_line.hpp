// One line of JSON, made member by member by RapidJSON's writer.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

// A document model of each line would cost several times what decoding it does: only the writer is
// used.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace pcapdecode {

/// An object that becomes one line. Commas, brackets and escapes are the library's business; unique
/// keys are the caller's. Any text may be given: bytes that are no UTF-8 become U+FFFD, and control
/// characters are escaped, those behind ASCII too, so that none acts on a terminal.
class JsonLine {
 public:
  JsonLine() : writer_(buffer_) {}
  JsonLine(const JsonLine&) = delete;
  JsonLine& operator=(const JsonLine&) = delete;

  void begin() {
    buffer_.Clear();
    writer_.Reset(buffer_);
    writer_.StartObject();
  }
  /// Appends the line, with its line break, to `out`.
  void end(std::string& out) {
    writer_.EndObject();
    out.append(buffer_.GetString(), buffer_.GetSize());
    out += '\n';
  }

  // Values: items of a list, and members behind a key().
  void item(std::string_view text);
  void item(std::uint64_t value) { writer_.Uint64(value); }
  void item_hex(mysqlwire::Bytes bytes);
  /// Text that is JSON itself: a number with decimals, say.
  void item_raw(std::string_view json) {
    writer_.RawValue(json.data(), json.size(), rapidjson::kNumberType);
  }
  void item_boolean(bool value) { writer_.Bool(value); }
  void item_null() { writer_.Null(); }

  void key(std::string_view name) { item(name); }

  void string(std::string_view name, std::string_view text) {
    key(name);
    item(text);
  }
  void string_or_null(std::string_view name, std::string_view text) {
    text.empty() ? null(name) : string(name, text);
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    item(value);
  }
  void boolean(std::string_view name, bool value) {
    key(name);
    item_boolean(value);
  }
  void null(std::string_view name) {
    key(name);
    item_null();
  }
  void hex(std::string_view name, mysqlwire::Bytes bytes) {
    key(name);
    item_hex(bytes);
  }

  void begin_list(std::string_view name) {
    key(name);
    writer_.StartArray();
  }
  void begin_list() { writer_.StartArray(); }
  void end_list() { writer_.EndArray(); }
  void begin_object(std::string_view name) {
    key(name);
    writer_.StartObject();
  }
  void begin_object() { writer_.StartObject(); }
  void end_object() { writer_.EndObject(); }

 private:
  void unusual_item(std::string_view text);

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
  std::string scratch_;
};

}  // namespace pcapdecode
