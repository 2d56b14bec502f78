// The lexer and what stands on it, on any text in any dialect.
//
// Input: dialect 1 (dialect.hpp), size of the digest's buffer 1 (0: large enough for any), then the
// statement.
#include "dialect.hpp"
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/sql/analysis.hpp>
#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/digest.hpp>
#include <mysqlwire/sql/kill.hpp>
#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/sql/literals.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;
using namespace mysqlwire::sql;

namespace {

// What stands between two tokens: blanks, and comments of any kind.
bool is_skipped(std::string_view gap) {
  if (gap.find_first_not_of(" \t\n\v\f\r\xA0") == std::string_view::npos) return true;
  return gap.find('#') != std::string_view::npos || gap.find("--") != std::string_view::npos ||
         gap.find("/*") != std::string_view::npos || gap.find("*/") != std::string_view::npos;
}

// Tokens stand in order, do not overlap, leave out nothing but blanks and comments, and end.
void check_tokens(std::string_view sql, const Dialect& dialect) {
  Lexer lexer(sql, dialect);
  const char* end = sql.data();
  std::size_t count = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    require(token.text.data() >= end);
    require(is_skipped({end, static_cast<std::size_t>(token.text.data() - end)}));
    end = token.text.data() + token.text.size();
    require(end <= sql.data() + sql.size());
    require(lexer.offset() == static_cast<std::size_t>(end - sql.data()));
    require(++count <= 2 * sql.size() + 1);
  }
  require(lexer.next().kind == TokenKind::end);
  require(lexer.offset() == sql.size());
}

void check_digest(std::string_view sql, const Dialect& dialect, std::size_t small) {
  std::vector<char> large(4 * sql.size() + 16);
  const Digest whole = digest(sql, dialect, large);
  require(!whole.truncated);
  require(whole.hash == digest_hash(whole.text));
  std::vector<char> buffer(small);
  const Digest cut = digest(sql, dialect, buffer);
  require(cut.text.size() <= small);
  require(cut.truncated || cut.text == whole.text);
  // What was cut off is the end; a part that later ones would have changed may stand last.
  require(digest(sql, dialect, large).hash == whole.hash);
}

// Every statement of a text is found, and a text is classified as its first statement is.
void check_classification(std::string_view sql, const Dialect& dialect) {
  while (!sql.empty()) {
    const FirstStatement first = split(sql, dialect);
    const Classification whole = classify(sql, dialect);
    require(first.statement.size() + first.rest.size() <= sql.size());
    require(first.statement.size() + 1 + first.rest.size() >= sql.size());
    require(whole.tables().size() <= Classification::max_tables);
    for (const TableName& table : whole.tables()) require(table.name.size() <= sql.size());
    if (whole.has(Effect::invalid)) require(whole.has(Effect::writes) && !whole.reads_only());
    if (whole.reads_only()) require(!whole.has(Effect::several));
    require(first.rest.size() < sql.size());
    // Parts are of the text, the `;` between them, and the part alone is what was classified; but
    // nothing in front of a `;`, which no server reads, is no empty text.
    require(first.statement.data() == sql.data());
    if (first.statement.size() < sql.size()) require(sql[first.statement.size()] == ';');
    const StatementKind alone = classify(first.statement, dialect).kind;
    require(alone == whole.kind ||
            (alone == StatementKind::empty && whole.kind == StatementKind::unknown));
    sql = first.rest;
  }
}

// One reading says what two say, even where the digest does not fit.
void check_analysis(std::string_view sql, const Dialect& dialect, std::size_t small) {
  std::vector<char> one(small), other(small);
  const Analysis both = analyze(sql, dialect, one);
  const Classification what = classify(sql, dialect);
  const Digest shape = digest(sql, dialect, other);
  require(both.what.kind == what.kind && both.what.effects == what.effects);
  require(both.what.more_tables == what.more_tables);
  require(std::ranges::equal(both.what.tables(), what.tables()));
  require(both.digest.text == shape.text && both.digest.hash == shape.hash);
  require(both.digest.truncated == shape.truncated && both.digest.invalid == shape.invalid);
}

// The literals are those that the lexer finds, and their columns stand in the statement.
void check_literals(std::string_view sql, const Dialect& dialect) {
  Literals literals(sql, dialect);
  Lexer lexer(sql, dialect);
  std::uint32_t placeholders = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    const bool placeholder = token.kind == TokenKind::parameter;
    if (!placeholder && !token.is_literal()) continue;
    require(literals.next());
    const Literal& literal = literals.current();
    require(literal.text.data() == token.text.data() && literal.text.size() == token.text.size());
    require(literal.content().size() <= literal.text.size());
    require(literal.placeholder == (placeholder ? placeholders++ : Literal::no_placeholder));
    if (literal.use == LiteralUse::other) require(literal.column.empty());
    if (literal.column.empty()) continue;
    require(literal.column.data() >= sql.data());
    require(literal.column.data() + literal.column.size() <= sql.data() + sql.size());
    const auto value = value_of(split(sql, dialect).statement, dialect, literal.column);
    if (value) require(!value->column.empty());
  }
  require(!literals.next());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < 2) return 0;
  const Dialect dialect = dialect_of(data[0]);
  const std::string_view sql = as_text({data + 2, size - 2});
  check_tokens(sql, dialect);
  check_digest(sql, dialect, data[1]);
  check_classification(sql, dialect);
  check_analysis(sql, dialect, data[1]);
  if (sql.size() <= 4096) check_literals(sql, dialect);  // value_of reads all for each of them
  const auto kill = parse_kill(sql, dialect);
  if (kill) require(kill->id_offset + kill->id_size <= sql.size());
  return 0;
}
