// What lines of JSON are made of: names, flags and values of the protocol.
#pragma once

#include "cli/common/format.hpp"
#include "cli/pcapdecode/json_line.hpp"

#include <mysqlwire/capture/columns.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/connection_attributes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/parameter.hpp>
#include <mysqlwire/wire/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace pcapdecode {

using namespace cli;

/// A line of JSON that knows what may be shown.
class JsonWriter : public JsonLine {
 public:
  explicit JsonWriter(const FormatOptions& options) : options_(options) {}

  const FormatOptions& options() const noexcept { return options_; }
  bool shows_secrets() const noexcept { return options_.redact == Redact::none; }
  bool shows_values() const noexcept { return options_.redact != Redact::values; }

  /// The names of those of `all` that are set.
  template <class List, class Flags>
  void flags(std::string_view key, const List& all, Flags flags) {
    begin_list(key);
    for (const auto flag : all)
      if (flags.has(flag)) item(to_string(flag));
    end_list();
  }
  /// The collation's name; its number where it has none.
  void charset(std::uint16_t id, mysqlwire::Flavor flavor);
  void attributes(const mysqlwire::ConnectionAttributes& attributes);
  void statement(std::string_view name, std::string_view text) {
    string(name, shows_values() ? text : "?");
  }

  // Items, hidden where values are.
  void value(const mysqlwire::Value& value, const mysqlwire::capture::ColumnType& column);
  /// What a client sends as text is in its character set: shown when it is UTF-8.
  void parameter(const mysqlwire::Value& value, mysqlwire::ValueType type);
  /// Text of the column's character set, or {"hex": …}.
  void bytes(std::string_view bytes, const mysqlwire::capture::ColumnType& column);
  void hex_object(mysqlwire::Bytes bytes);

 private:
  FormatOptions options_;
  std::string text_;
};

}  // namespace pcapdecode
