#include "proxy/rules/shape_memo.hpp"

#include <algorithm>
#include <atomic>

namespace mysqlproxy::rules {

std::uint64_t next_id() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

ShapeMemo& ShapeMemo::of_this_thread() {
  thread_local ShapeMemo memo;
  return memo;
}

ShapeMemo::Entry* ShapeMemo::find(const Key& key) noexcept {
  const Statement& statement = key.statement;
  if (statement.digest_truncated || statement.digest_text.size() > longest) return nullptr;
  if (statement.prepared && statement.text.size() > longest) return nullptr;
  // Prepared and sent as text are two shapes, and apps do either, so they get two places.
  return &entries_[(statement.digest + (statement.prepared ? 1 : 0)) % entries_.size()];
}

bool ShapeMemo::Entry::is(const Key& key) const noexcept {
  const Statement& statement = key.statement;
  if (book_ != key.book || effects_ != key.effects || prepared_ != statement.prepared ||
      kind_ != statement.what->kind || digest_ != statement.digest_text || schema_ != key.schema)
    return false;
  if (prepared_ && text_ != statement.text) return false;
  return std::ranges::equal(tables_, statement.what->tables(), [](const Table& a, const auto& b) {
    return a.schema == b.schema && a.name == b.name;
  });
}

void ShapeMemo::Entry::become(const Key& key) {
  const Statement& statement = key.statement;
  book_ = key.book;
  effects_ = key.effects;
  kind_ = statement.what->kind;
  prepared_ = statement.prepared;
  digest_ = statement.digest_text;
  text_ = prepared_ ? statement.text : std::string_view();
  schema_ = key.schema;
  tables_.clear();
  for (const auto& table : statement.what->tables())
    tables_.push_back({std::string(table.schema), std::string(table.name)});
}

}  // namespace mysqlproxy::rules
