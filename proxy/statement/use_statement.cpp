#include "proxy/statement/use_statement.hpp"

#include <mysqlwire/sql/keyword.hpp>
#include <mysqlwire/sql/lexer.hpp>

namespace mysqlproxy {

using mysqlwire::sql::Keyword;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;

std::optional<std::string> schema_of_use(std::string_view sql,
                                         const mysqlwire::sql::Dialect& dialect) {
  mysqlwire::sql::Lexer lexer(sql, dialect);
  if (!lexer.next().is(Keyword::k_USE)) return std::nullopt;
  const Token name = lexer.next();
  if (name.kind == TokenKind::identifier || name.kind == TokenKind::keyword)
    return std::string(name.text);
  if (name.kind != TokenKind::quoted_identifier) return std::nullopt;
  const char quote = name.text.front();
  std::string schema;
  for (std::size_t i = 1; i + 1 < name.text.size(); ++i) {
    schema += name.text[i];
    if (name.text[i] == quote) ++i;  // it is doubled
  }
  return schema;
}

}  // namespace mysqlproxy
