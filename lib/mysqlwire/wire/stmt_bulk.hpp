// MariaDB's COM_STMT_BULK_EXECUTE: one statement, many sets of parameters.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/flags.hpp>
#include <mysqlwire/wire/parameter.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

namespace mysqlwire {

/// How a parameter of one row is given.
enum class BulkIndicator : std::uint8_t {
  none = 0,  ///< a value follows
  null = 1,
  default_ = 2,  ///< the column's default
  ignore = 3,    ///< leave the column as it is
};

/// The flags of COM_STMT_BULK_EXECUTE.
enum class BulkFlag : std::uint16_t {
  send_unit_results = 64,
  send_types_to_server = 128,
};
using BulkFlags = Flags<BulkFlag>;

/// One parameter of one row.
struct BulkParameter {
  BulkIndicator indicator = BulkIndicator::none;
  Value value;  ///< NULL unless the indicator is `none`

  friend bool operator==(const BulkParameter&, const BulkParameter&) = default;
};

/// The rows of a bulk execute, a borrowed range of all parameters row by row: what a decoder found
/// on the wire (checked there, so that walking it can't fail), or rows to be sent.
class BulkRows {
 public:
  class Iterator {
   public:
    using value_type = BulkParameter;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(const BulkRows& rows) noexcept;
    const BulkParameter& operator*() const noexcept { return parameter_; }
    const BulkParameter* operator->() const noexcept { return &parameter_; }
    /// The type of the parameter's column.
    ValueType type() const noexcept { return type_; }
    Iterator& operator++() noexcept {
      advance();
      return *this;
    }
    void operator++(int) noexcept { advance(); }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
      return it.at_end_;
    }

   private:
    void advance() noexcept;

    const BulkRows* rows_;
    ParameterTypes::Cursor types_;
    std::size_t column_ = 0;
    Reader wire_;
    std::span<const BulkParameter> to_send_;
    ValueType type_;
    BulkParameter parameter_;
    bool at_end_ = false;
  };

  BulkRows() noexcept = default;
  /// Rows to send: the columns' types, and all parameters row by row. Both must outlive this
  /// object.
  BulkRows(std::span<const ValueType> types, std::span<const BulkParameter> parameters) noexcept
      : column_count_(types.size()), types_(types), to_send_(parameters) {}

  Iterator begin() const noexcept { return Iterator(*this); }
  static std::default_sentinel_t end() noexcept { return {}; }
  /// Parameters of one row.
  std::size_t column_count() const noexcept { return column_count_; }
  /// The columns' types.
  ParameterTypes::Cursor types() const noexcept { return types_.cursor(); }

  /// Reads rows until the payload ends; a last row that is not complete is truncated, an unknown
  /// indicator is bad_value.
  static BulkRows read(Reader& reader, std::size_t column_count, ParameterTypes types) noexcept;
  /// Writes the rows; a list that does not end with a whole row is missing_field.
  void write(Writer& writer) const;

 private:
  std::size_t column_count_ = 0;
  ParameterTypes types_;
  Bytes wire_;
  std::span<const BulkParameter> to_send_;
};

/// Executes a prepared statement for many rows of parameters.
///
///   | command      | 1, 0xfa                                                            |
///   | statement_id | 4                                                                  |
///   | flags        | 2                                                                  |
///   | types        | per parameter: type 1, flags 1 (0x80: unsigned), if send_types     |
///   | rows         | until the end, per row and parameter: indicator 1, and the value   |
///   |              | if the indicator is 0                                              |
///
/// As with COM_STMT_EXECUTE the layout depends on the statement; a statement without parameters
/// can't be executed so (bad_value). Everything borrows.
///
/// Source: https://mariadb.com/kb/en/com_stmt_bulk_execute/
struct ComStmtBulkExecute {
  static constexpr std::string_view name = "COM_STMT_BULK_EXECUTE";

  std::uint32_t statement_id = 0;
  BulkFlags flags;
  BulkRows rows;

  static Result<ComStmtBulkExecute> decode(Bytes payload, const Context& context,
                                           const StatementInfo& statement = {}) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
