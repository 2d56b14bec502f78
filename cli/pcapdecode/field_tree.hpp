// The fields of one payload as a tree, in the order in which they stand.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/field_observer.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pcapdecode {

/// One field, or several that belong together.
struct FieldNode {
  enum class Kind : std::uint8_t {
    field,   ///< what a decoder has read
    group,   ///< fields under one name
    unread,  ///< bytes that no decoder has read
  };

  Kind kind = Kind::field;
  std::string_view message;  ///< whose field it is
  std::string name;
  mysqlwire::FieldForm form = mysqlwire::FieldForm::bytes;
  std::size_t offset = 0;
  std::size_t size = 0;
  std::uint64_t value = 0;
  std::string meaning;  ///< of a group; that of a field follows from it
  unsigned depth = 0;   ///< of nesting, 0 at the top
  bool is_leaf = true;
};

/// Collects what the library's decoders tell of a payload. Fields inside of others become their
/// children; what nobody has read is filled in, so that the leaves always cover the payload. At
/// most max_nodes are kept, of a payload with more fields the rest counts as not read.
class FieldTree final : public mysqlwire::FieldObserver {
 public:
  static constexpr std::size_t max_nodes = std::size_t{1} << 18;

  /// The payload must outlive the tree, or the next begin().
  void begin(mysqlwire::Bytes payload);
  void on_field(const mysqlwire::Field& field) noexcept override;
  /// A group over bytes of the payload; nothing for others.
  void add_group(std::string name, mysqlwire::Bytes bytes, std::string meaning);
  /// Likewise from `begin` up to where the last field told ended.
  void add_group(std::string name, std::size_t begin, std::string meaning);
  /// A leaf that no Reader has read, found by the views of a decoded message.
  void add_field(std::string_view message, std::string name, mysqlwire::Bytes bytes);
  /// Where the last field that was told ended.
  std::size_t position() const noexcept { return position_; }

  /// All nodes, each in front of its children. Ends the collection.
  const std::vector<FieldNode>& finish();
  /// Fields have been told that overlap and do not nest: a decoder told something wrong.
  bool has_overlap() const noexcept { return has_overlap_; }

  mysqlwire::Bytes bytes_of(const FieldNode& node) const noexcept {
    return payload_.subspan(node.offset, node.size);
  }

 private:
  bool locate(mysqlwire::Bytes bytes, FieldNode& node) const noexcept;
  void add(FieldNode node);
  void nest();

  mysqlwire::Bytes payload_;
  std::vector<FieldNode> nodes_;
  std::size_t position_ = 0;
  bool has_overlap_ = false;
};

}  // namespace pcapdecode
