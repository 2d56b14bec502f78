// Column definitions that outlive their packets.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/value.hpp>
#include <mysqlwire/wire/value_text.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mysqlwire::capture {

/// What reading and printing a value needs to know of its column.
struct ColumnType {
  ValueType type;
  std::uint16_t character_set = 0;
  TextFormat format;
};

/// What a list of definitions describes.
enum class DefinitionsOf : std::uint8_t { result, parameters, statement, field_list };

/// The payloads of a list of ColumnDefinition41, kept in one piece.
class Definitions {
 public:
  void clear(DefinitionsOf of) noexcept {
    of_ = of;
    bytes_.clear();
    ends_.clear();
  }
  void add(Bytes payload) {
    bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    ends_.push_back(bytes_.size());
  }
  DefinitionsOf of() const noexcept { return of_; }
  std::size_t size() const noexcept { return ends_.size(); }
  /// The payload of one definition; borrows from this object.
  Bytes operator[](std::size_t index) const noexcept {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return Bytes(bytes_).subspan(begin, ends_[index] - begin);
  }

 private:
  DefinitionsOf of_ = DefinitionsOf::result;
  Buffer bytes_;
  std::vector<std::size_t> ends_;
};

}  // namespace mysqlwire::capture
