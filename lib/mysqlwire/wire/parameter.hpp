// Typed parameters, shared by COM_STMT_EXECUTE, COM_STMT_BULK_EXECUTE and query attributes.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/value.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mysqlwire {

/// The types of parameters, one after the other: on the wire, or remembered from an earlier
/// execute.
///
///   | per parameter | type 1, flags 1 (0x80: unsigned), [name string<lenenc>] |
class ParameterTypes {
 public:
  struct Item {
    ValueType type;
    std::string_view name;
  };

  /// Hands out one type after the other. Check that there is one: behind the end, type NULL.
  class Cursor {
   public:
    explicit Cursor(const ParameterTypes& types) noexcept;
    Item next() noexcept;

   private:
    Reader wire_;
    std::span<const ValueType> remembered_;
    bool named_;
  };

  ParameterTypes() noexcept = default;
  /// Remembered types; they must outlive this object.
  explicit ParameterTypes(std::span<const ValueType> remembered) noexcept
      : remembered_(remembered) {}
  explicit ParameterTypes(std::vector<ValueType>&&) = delete;  // would dangle

  /// Reads `count` types and, when `named`, names. A type that no value can have is bad_value.
  /// Flags other than 0x80 are noted, and so are INT24, YEAR, BIT and GEOMETRY (unsupported): no
  /// driver sends them, and servers disagree on how many bytes such a parameter has. Who acts on
  /// the values of parameters refuses what was noted.
  static ParameterTypes read(Reader& reader, std::uint64_t count, bool named) noexcept;
  static void write(Writer& writer, const Item& item, bool named);

  Cursor cursor() const noexcept { return Cursor(*this); }

 private:
  Bytes wire_;
  std::span<const ValueType> remembered_;
  bool named_ = false;
};

/// What a decoder must know about a prepared statement beside the bytes. Everything borrowed.
struct StatementInfo {
  /// Placeholders, as StmtPrepareOk announced them.
  std::uint64_t parameter_count = 0;
  /// The types of its last execute that brought any; empty when there was none.
  std::span<const ValueType> types{};
  /// Which parameters were sent by COM_STMT_SEND_LONG_DATA since the last execute or reset:
  /// parameter i is bit i % 8 of byte i / 8. May be shorter than that.
  Bytes long_data{};
};

/// One parameter or query attribute.
struct Parameter {
  ValueType type;
  std::string_view name;   ///< of a query attribute; empty for a placeholder
  Value value;             ///< NULL also for long data
  bool long_data = false;  ///< sent before by COM_STMT_SEND_LONG_DATA: no value here

  friend bool operator==(const Parameter&, const Parameter&) = default;
};

/// A borrowed list of parameters: what a decoder found on the wire (checked there, so that walking
/// it can't fail), or parameters to be sent. Walking decodes one parameter after the other and
/// allocates nothing.
class ParameterList {
 public:
  class Iterator {
   public:
    using value_type = Parameter;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(const ParameterList& list) noexcept;
    const Parameter& operator*() const noexcept { return parameter_; }
    const Parameter* operator->() const noexcept { return &parameter_; }
    Iterator& operator++() noexcept {
      ++index_;
      load();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    /// The bytes of the value as they were received; nothing for parameters to be sent.
    std::optional<Bytes> wire_value() const noexcept;

    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
      return it.index_ >= it.list_->size();
    }

   private:
    void load() noexcept;

    const ParameterList* list_;
    std::size_t index_ = 0;
    ParameterTypes::Cursor types_;
    Reader values_;
    Bytes wire_value_;
    Parameter parameter_;
  };

  ParameterList() noexcept = default;
  /// The parameters to send; they and what their values borrow must outlive this object.
  explicit ParameterList(std::span<const Parameter> parameters) noexcept
      : count_(parameters.size()), to_send_(parameters) {}
  explicit ParameterList(std::vector<Parameter>&&) = delete;  // would dangle

  /// Iterators borrow from this object.
  Iterator begin() const noexcept { return Iterator(*this); }
  static std::default_sentinel_t end() noexcept { return {}; }
  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  /// The values as they were received; what comes before them is all that says how to read them.
  Bytes values() const noexcept { return values_; }

  /// Reads `count` parameters, one or more:
  ///
  ///   | null_bitmap           | (count + 7) / 8                                       |
  ///   | new_params_bind_flag  | 1: 0 or 1                                             |
  ///   | types                 | as ParameterTypes has them, if new_params_bind_flag   |
  ///   | values                | those that are neither NULL nor long data             |
  ///
  /// Without types on the wire the statement's remembered ones count; too few of them are
  /// missing_field.
  static ParameterList read(Reader& reader, std::uint64_t count, bool named,
                            const StatementInfo& statement, bool& new_params_bind_flag) noexcept;
  /// Writes the first `count` parameters (never more than size()), with their types if `bind`.
  /// Received values are written as they were received.
  void write(Writer& writer, std::size_t count, bool named, bool bind) const;

 private:
  std::size_t count_ = 0;
  std::span<const Parameter> to_send_;
  NullBitmap nulls_;
  NullBitmap long_data_;
  ParameterTypes types_;
  Bytes values_;
};

}  // namespace mysqlwire
