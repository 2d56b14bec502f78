#include <mysqlwire/sql/analysis.hpp>
#include <mysqlwire/sql/classify_detail.hpp>
#include <mysqlwire/sql/digest_detail.hpp>

namespace mysqlwire::sql {

Analysis analyze(std::string_view sql, const Dialect& dialect,
                 std::span<char> digest_text) noexcept {
  Analysis result;
  detail::DigestBuilder builder(sql, dialect, digest_text);
  detail::Classifier(sql, dialect, result.what, &builder).run();
  builder.finish(result.digest);
  return result;
}

}  // namespace mysqlwire::sql
