#include "cli/pcapdecode/field_tree.hpp"

#include <algorithm>
#include <functional>
#include <new>
#include <tuple>
#include <utility>

namespace pcapdecode {

using namespace mysqlwire;

namespace {

// In the order of the bytes; what holds others in front of them. What is empty goes in front of
// what begins at the same place, or it would seem to lie inside.
bool is_before(const FieldNode& a, const FieldNode& b) noexcept {
  const auto key = [](const FieldNode& node) {
    return std::tuple(node.offset, node.size != 0, ~node.size, node.kind != FieldNode::Kind::group);
  };
  return key(a) < key(b);
}

bool is_same(const FieldNode& a, const FieldNode& b) noexcept {
  return a.kind == b.kind && a.offset == b.offset && a.size == b.size && a.form == b.form &&
         a.name == b.name;
}

FieldNode unread(std::size_t begin, std::size_t end, unsigned depth) {
  FieldNode node;
  node.kind = FieldNode::Kind::unread;
  node.name = "not decoded";
  node.offset = begin;
  node.size = end - begin;
  node.depth = depth;
  return node;
}

}  // namespace

void FieldTree::begin(Bytes payload) {
  payload_ = payload;
  nodes_.clear();
  position_ = 0;
  has_overlap_ = false;
}

bool FieldTree::locate(Bytes bytes, FieldNode& node) const noexcept {
  const std::less_equal<> is_not_behind;  // pointers into anything
  const std::uint8_t* const begin = bytes.data();
  if (begin == nullptr || !is_not_behind(payload_.data(), begin) ||
      !is_not_behind(begin + bytes.size(), payload_.data() + payload_.size()))
    return false;
  node.offset = static_cast<std::size_t>(begin - payload_.data());
  node.size = bytes.size();
  return true;
}

void FieldTree::add(FieldNode node) {
  if (nodes_.size() < max_nodes) nodes_.push_back(std::move(node));
}

void FieldTree::on_field(const Field& field) noexcept try {
  FieldNode node;
  if (!locate(field.bytes, node)) return;
  position_ = node.offset + node.size;
  node.message = field.message;
  node.name = field.name;
  node.form = field.form;
  node.value = field.value;
  add(std::move(node));
} catch (const std::bad_alloc&) {
  // It counts as not read.
}

void FieldTree::add_group(std::string name, Bytes bytes, std::string meaning) {
  FieldNode node;
  node.kind = FieldNode::Kind::group;
  if (!locate(bytes, node)) return;
  node.name = std::move(name);
  node.meaning = std::move(meaning);
  add(std::move(node));
}

void FieldTree::add_group(std::string name, std::size_t begin, std::string meaning) {
  if (begin > position_ || position_ > payload_.size()) return;
  add_group(std::move(name), payload_.subspan(begin, position_ - begin), std::move(meaning));
}

void FieldTree::add_field(std::string_view message, std::string name, Bytes bytes) {
  FieldNode node;
  if (!locate(bytes, node)) return;
  node.message = message;
  node.name = std::move(name);
  add(std::move(node));
}

const std::vector<FieldNode>& FieldTree::finish() {
  std::stable_sort(nodes_.begin(), nodes_.end(), is_before);
  nodes_.erase(std::unique(nodes_.begin(), nodes_.end(), is_same), nodes_.end());
  nest();
  return nodes_;
}

// Finds out what lies inside of what, and puts nodes where nothing was read.
void FieldTree::nest() {
  struct Open {
    std::size_t node;  // in `all`
    std::size_t end;
    std::size_t covered;  // up to here by children
    std::string_view child_message;
  };
  std::vector<FieldNode> all;
  all.reserve(nodes_.size());
  std::vector<Open> open;
  std::size_t covered = 0;  // of the payload, at the top
  const auto close = [&] {
    const Open last = open.back();
    open.pop_back();
    if (!all[last.node].is_leaf && last.covered < last.end)
      all.push_back(unread(last.covered, last.end, static_cast<unsigned>(open.size()) + 1));
  };
  // An empty field at the end of others belongs to them when it is of the same message.
  const auto is_behind = [&](const FieldNode& node) {
    const Open& last = open.back();
    const bool is_at_end = node.offset == last.end && node.size == 0;
    return node.offset >= last.end &&
           !(is_at_end && last.child_message == node.message && !node.message.empty());
  };
  for (FieldNode& node : nodes_) {
    while (!open.empty() && is_behind(node)) close();
    const std::size_t end = node.offset + node.size;
    if (!open.empty() && end > open.back().end) {
      has_overlap_ = true;
      continue;
    }
    std::size_t& done = open.empty() ? covered : open.back().covered;
    if (done < node.offset)
      all.push_back(unread(done, node.offset, static_cast<unsigned>(open.size())));
    done = end;
    node.depth = static_cast<unsigned>(open.size());
    if (!open.empty()) {
      FieldNode& parent = all[open.back().node];
      // A group of one field is that field under another name.
      const bool is_whole = node.kind == FieldNode::Kind::field && node.size == parent.size;
      const bool is_nothing = node.size == 0 && parent.is_leaf && done == open.back().end;
      open.back().child_message = node.message;
      if (parent.kind == FieldNode::Kind::group && (is_whole || is_nothing)) continue;
      parent.is_leaf = false;
    }
    all.push_back(std::move(node));
    open.push_back({all.size() - 1, end, all.back().offset, {}});
  }
  while (!open.empty()) close();
  if (covered < payload_.size()) all.push_back(unread(covered, payload_.size(), 0));
  nodes_ = std::move(all);
}

}  // namespace pcapdecode
