// What the prepared statements of one session are, by the ids that its client knows.
#pragma once

#include "proxy/statement/shape.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace mysqlproxy {

/// As many as the server lets the client have.
class PreparedStatements {
 public:
  /// COM_STMT_EXECUTE of MariaDB's clients: the one that was prepared last.
  static constexpr std::uint32_t last_prepared = 0xFFFFFFFF;

  /// The server has given `statement` that id. It has its text.
  void add(std::uint32_t id, std::shared_ptr<const Shape> statement);
  /// Null when there is none.
  const Shape* find(std::uint32_t id) noexcept;
  void close(std::uint32_t id) noexcept;
  void clear() noexcept;
  std::size_t size() const noexcept { return statements_.size(); }

 private:
  std::unordered_map<std::uint32_t, std::shared_ptr<const Shape>> statements_;
  std::uint32_t last_ = last_prepared;
  // The one that was found last, which is often the next one as well.
  std::uint32_t found_id_ = 0;
  const Shape* found_ = nullptr;
};

}  // namespace mysqlproxy
