// What the prepared statements of one session are, by the ids that its client knows.
#pragma once

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/dialect.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mysqlproxy {

/// A statement that was prepared, and what was found out about it then. Nothing in it changes, so
/// that its views stay good.
class PreparedStatement {
 public:
  PreparedStatement(std::string_view text, const mysqlwire::sql::Dialect& dialect,
                    std::string_view digest_text, std::uint64_t digest, bool digest_truncated);
  PreparedStatement(const PreparedStatement&) = delete;
  PreparedStatement& operator=(const PreparedStatement&) = delete;

  const std::string text;
  const mysqlwire::sql::Classification what;  ///< borrows from `text`
  const std::string digest_text;
  const std::uint64_t digest;
  const bool digest_truncated;
};

/// As many as the server lets the client have.
class PreparedStatements {
 public:
  /// COM_STMT_EXECUTE of MariaDB's clients: the one that was prepared last.
  static constexpr std::uint32_t last_prepared = 0xFFFFFFFF;

  /// The server has given `statement` that id.
  void add(std::uint32_t id, std::unique_ptr<const PreparedStatement> statement);
  /// Null when there is none.
  const PreparedStatement* find(std::uint32_t id) const noexcept;
  void close(std::uint32_t id) noexcept;
  void clear() noexcept { statements_.clear(); }
  std::size_t size() const noexcept { return statements_.size(); }

 private:
  std::unordered_map<std::uint32_t, std::unique_ptr<const PreparedStatement>> statements_;
  std::uint32_t last_ = last_prepared;
};

}  // namespace mysqlproxy
