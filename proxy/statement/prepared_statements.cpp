#include "proxy/statement/prepared_statements.hpp"

#include <utility>

namespace mysqlproxy {

PreparedStatement::PreparedStatement(std::string_view text_sent,
                                     const mysqlwire::sql::Dialect& dialect,
                                     std::string_view digest_of_it, std::uint64_t hash,
                                     bool truncated)
    : text(text_sent),
      what(mysqlwire::sql::classify(text, dialect)),
      digest_text(digest_of_it),
      digest(hash),
      digest_truncated(truncated) {}

void PreparedStatements::add(std::uint32_t id, std::unique_ptr<const PreparedStatement> statement) {
  statements_.insert_or_assign(id, std::move(statement));
  last_ = id;
}

const PreparedStatement* PreparedStatements::find(std::uint32_t id) const noexcept {
  const auto found = statements_.find(id == last_prepared ? last_ : id);
  return found == statements_.end() ? nullptr : found->second.get();
}

void PreparedStatements::close(std::uint32_t id) noexcept {
  statements_.erase(id == last_prepared ? last_ : id);
}

}  // namespace mysqlproxy
