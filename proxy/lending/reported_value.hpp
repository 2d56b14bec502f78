// A value that a server was asked for.
#pragma once

#include <mysqlwire/wire/field_type.hpp>

#include <optional>
#include <string_view>

namespace mysqlproxy::lending {

/// One column of a text row. The text is borrowed.
struct ReportedValue {
  mysqlwire::FieldType type = mysqlwire::FieldType::null;  ///< of the column definition
  mysqlwire::ColumnFlags flags;                            ///< of the column definition
  std::optional<std::string_view> text;                    ///< nothing: NULL

  /// The column is of numbers of some kind.
  bool is_number() const noexcept;
};

}  // namespace mysqlproxy::lending
