// Digests: what makes no difference to a statement makes none to its digest.
//
// Input: dialect 1 (dialect.hpp), what stands between tokens 1, then the statement.
#include "dialect.hpp"
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/sql/digest.hpp>
#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;
using namespace mysqlwire::sql;

namespace {

std::string digest_of(std::string_view sql, const Dialect& dialect) {
  std::vector<char> buffer(4 * sql.size() + 16);
  const Digest found = digest(sql, dialect, buffer);
  require(!found.truncated);
  require(found.hash == digest_hash(found.text));
  return std::string(found.text);
}

struct Tokens {
  std::vector<Token> all;
  bool plain = true;  // made of tokens and blanks only
};

Tokens tokens_of(std::string_view sql, const Dialect& dialect) {
  Tokens tokens;
  Lexer lexer(sql, dialect);
  std::size_t end = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    const auto begin = static_cast<std::size_t>(token.text.data() - sql.data());
    const std::string_view gap = sql.substr(end, begin - end);
    if (gap.find_first_not_of(" \t\n") != std::string_view::npos) tokens.plain = false;
    end = begin + token.text.size();
    tokens.all.push_back(token);
  }
  if (sql.substr(end).find_first_not_of(" \t\n") != std::string_view::npos) tokens.plain = false;
  return tokens;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < 2) return 0;
  const Dialect dialect = dialect_of(data[0]);
  const Exact exact(Bytes(data + 2, size - 2));
  const std::string_view sql = as_text(exact);
  const std::string shape = digest_of(sql, dialect);
  require(digest_of(sql, dialect) == shape);

  // Every prefix that fits a small buffer is one of the whole.
  for (std::size_t room = 0; room <= shape.size(); room += 1 + room / 2) {
    std::vector<char> small(room);
    const Digest cut = digest(sql, dialect, small);
    require(cut.text.size() <= room);
    require(cut.truncated || cut.text == shape);
  }

  // More blanks where there are blanks already change nothing.
  const Tokens tokens = tokens_of(sql, dialect);
  if (!tokens.plain) return 0;
  constexpr const char* blanks[] = {" ", "\t", "\n ", "  "};
  std::string spaced;
  const char* end = sql.data();
  for (const Token& token : tokens.all) {
    if (token.text.data() != end) spaced += blanks[data[1] % std::size(blanks)];
    spaced += token.text;
    end = token.text.data() + token.text.size();
  }
  require(digest_of(spaced, dialect) == shape);
  return 0;
}
