// Writes one JSON object into a string, member by member.
#pragma once

#include "cli/common/text.hpp"

#include <mysqlwire/wire/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace pcapdecode {

using namespace cli;

/// Commas and brackets are taken care of; balance and unique keys are the caller's. The string must
/// not be replaced between begin() and end().
class JsonObject {
 public:
  void begin(std::string& out) {
    out_ = &out;
    *out_ += '{';
  }
  void end() { *out_ += "}\n"; }

  /// `name` needs no escapes.
  void key(std::string_view name) {
    separate();
    *out_ += '"';
    *out_ += name;
    *out_ += "\":";
  }
  /// `value` needs no escapes.
  void literal(std::string_view name, std::string_view value) {
    key(name);
    *out_ += '"';
    *out_ += value;
    *out_ += '"';
  }
  /// Both may hold anything.
  void string(std::string_view name, std::string_view value) {
    separate();
    append_json(*out_, name);
    *out_ += ':';
    append_json(*out_, value);
  }
  void string_or_null(std::string_view name, std::string_view value) {
    value.empty() ? null(name) : string(name, value);
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    append_number(*out_, value);
  }
  void boolean(std::string_view name, bool value) {
    key(name);
    *out_ += value ? "true" : "false";
  }
  void null(std::string_view name) {
    key(name);
    *out_ += "null";
  }
  void hex(std::string_view name, mysqlwire::Bytes value) {
    key(name);
    *out_ += '"';
    append_hex(*out_, value);
    *out_ += '"';
  }

  void begin_list(std::string_view name) {
    key(name);
    *out_ += '[';
  }
  void begin_inner_list() {
    separate();
    *out_ += '[';
  }
  void item(std::string_view value) {
    separate();
    append_json(*out_, value);
  }
  void item(std::uint64_t value) {
    separate();
    append_number(*out_, value);
  }
  void end_list() { *out_ += ']'; }

  void begin_map(std::string_view name) {
    key(name);
    *out_ += '{';
  }
  void end_map() { *out_ += '}'; }
  void begin_object() {
    separate();
    *out_ += '{';
  }
  void end_object() { *out_ += '}'; }

  /// The comma in front of whatever comes next, if one is needed.
  void separate() {
    const char last = out_->back();
    if (last != '{' && last != '[') *out_ += ',';
  }

 private:
  std::string* out_ = nullptr;
};

}  // namespace pcapdecode
