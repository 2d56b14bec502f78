#include "proxy/statement/prepared_statements.hpp"

#include <utility>

namespace mysqlproxy {

void PreparedStatements::add(std::uint32_t id, std::shared_ptr<const Shape> statement) {
  statements_.insert_or_assign(id, std::move(statement));
  last_ = id;
  found_ = nullptr;
}

const Shape* PreparedStatements::find(std::uint32_t id) noexcept {
  if (id == last_prepared) id = last_;
  if (found_ != nullptr && found_id_ == id) return found_;
  const auto found = statements_.find(id);
  if (found == statements_.end()) return nullptr;
  found_id_ = id;
  found_ = found->second.get();
  return found_;
}

void PreparedStatements::close(std::uint32_t id) noexcept {
  statements_.erase(id == last_prepared ? last_ : id);
  found_ = nullptr;
}

void PreparedStatements::clear() noexcept {
  statements_.clear();
  found_ = nullptr;
}

}  // namespace mysqlproxy
