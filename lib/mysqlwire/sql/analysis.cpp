#include <mysqlwire/sql/analysis.hpp>

namespace mysqlwire::sql {

Analysis analyze(std::string_view sql, const Dialect& dialect,
                 std::span<char> digest_text) noexcept {
  return {classify(sql, dialect), digest(sql, dialect, digest_text)};
}

}  // namespace mysqlwire::sql
