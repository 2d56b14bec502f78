#include <mysqlwire/sql/classify_detail.hpp>
#include <mysqlwire/sql/keyword_detail.hpp>

// The words of a statement behind its verb: clauses, tables, variables, functions.
namespace mysqlwire::sql::detail {

using enum Keyword;

namespace {

std::string_view content_of(const Token& name) noexcept {
  return name.kind == TokenKind::quoted_identifier ? name.text.substr(1, name.text.size() - 2)
                                                   : name.text;
}

// Words that stand between a verb and the table that it works on.
bool is_modifier(Keyword word) noexcept {
  switch (word) {
    case k_DELAYED:
    case k_FROM:
    case k_HIGH_PRIORITY:
    case k_IGNORE:
    case k_INTO:
    case k_LATERAL:
    case k_LOW_PRIORITY:
    case k_QUICK:
    case k_TABLE: return true;
    default: return false;
  }
}

// Words of expressions and of the clauses behind them: what else stands in a WHERE is a column.
bool is_expression_word(Keyword word) noexcept {
  switch (word) {
    case k_AND:
    case k_BETWEEN:
    case k_BINARY:
    case k_CASE:
    case k_COLLATE:
    case k_DIV:
    case k_ELSE:
    case k_END:
    case k_ESCAPE:
    case k_EXISTS:
    case k_FALSE:
    case k_FOR:
    case k_GROUP:
    case k_HAVING:
    case k_IN:
    case k_INTERVAL:
    case k_IS:
    case k_INTO:
    case k_LIKE:
    case k_LIMIT:
    case k_LOCK:
    case k_MOD:
    case k_NOT:
    case k_NULL:
    case k_OR:
    case k_ORDER:
    case k_REGEXP:
    case k_RETURNING:
    case k_RLIKE:
    case k_SELECT:
    case k_SOUNDS:
    case k_THEN:
    case k_TRUE:
    case k_UNION:
    case k_UNKNOWN:
    case k_WHEN:
    case k_WHERE:
    case k_WINDOW:
    case k_XOR: return true;
    default: return false;
  }
}

// Words that do something wherever they stand: the cases of scan_keyword.
consteval bool has_effect(Keyword word) noexcept {
  switch (word) {
    case k_CURRENT_DATE:
    case k_CURRENT_TIME:
    case k_CURRENT_TIMESTAMP:
    case k_DELETE:
    case k_EXCEPT:
    case k_FOR:
    case k_FROM:
    case k_GROUP:
    case k_HAVING:
    case k_INTERSECT:
    case k_INTO:
    case k_JOIN:
    case k_LIMIT:
    case k_LOCALTIME:
    case k_LOCALTIMESTAMP:
    case k_LOCK:
    case k_NEXT:
    case k_ORDER:
    case k_PROCEDURE:
    case k_RETURNING:
    case k_SELECT:
    case k_SET:
    case k_SQL_CALC_FOUND_ROWS:
    case k_STRAIGHT_JOIN:
    case k_UNION:
    case k_USING:
    case k_UTC_DATE:
    case k_UTC_TIME:
    case k_UTC_TIMESTAMP:
    case k_WHERE:
    case k_WINDOW: return true;
    default: return false;
  }
}

constexpr std::array<bool, keyword_count> effective_words = []() consteval {
  std::array<bool, keyword_count> result{};
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = has_effect(static_cast<Keyword>(i));
  return result;
}();

}  // namespace

void Classifier::scan() noexcept {
  while (!at_end()) {
    scan_token();
    advance();
  }
}

bool Classifier::column_here() const noexcept {
  if (ahead().is('(')) return false;
  if (current().is_identifier()) return true;
  if (current().kind != TokenKind::keyword || is_expression_word(current().keyword)) return false;
  return ahead().kind != TokenKind::string;  // DATE '2001-01-01'
}

void Classifier::scan_token() noexcept {
  if (expect_table_ && scan_table()) return;
  if (in_where_ && !result_.has(Effect::has_where) && (queries_ & ~std::uint64_t{1}) == 0 &&
      column_here()) {
    add(Effect::has_where);
  }
  switch (current().kind) {
    case TokenKind::symbol: return scan_symbol();
    case TokenKind::at:
    case TokenKind::at_at: return scan_variable();
    case TokenKind::keyword:
      if (effective_words[static_cast<std::size_t>(current().keyword)]) return scan_keyword();
      if (ahead().is('('))
        return previous().is('.') ? scan_call(true) : native_call(current().keyword);
      return;
    case TokenKind::identifier:
    case TokenKind::quoted_identifier:
      if (ahead().is('(')) scan_call(previous().is('.'));
      return;
    default: return;
  }
}

void Classifier::scan_symbol() noexcept {
  switch (current().text[0]) {
    case '(':
      ++depth_;
      queries_ &= ~depth_bit();
      if (expect_table_) {
        table_lists_ |= depth_bit();
      } else {
        table_lists_ &= ~depth_bit();
      }
      break;
    case ')':
      queries_ &= ~depth_bit();
      table_lists_ &= ~depth_bit();
      if (depth_ > 0) --depth_;
      expect_table_ = false;
      break;
    case ',':
      if ((table_lists_ & depth_bit()) != 0) expect_table_ = true;
      break;
    default: break;
  }
}

// At @ or @@.
void Classifier::scan_variable() noexcept {
  add(Effect::reads_session);
  if (current().kind == TokenKind::at_at) return;
  if (previous().is(k_INTO) || result_.kind == StatementKind::load_data) {
    add(Effect::changes_session);
  }
  if (previous().is(',') && depth_ == 0 && result_.kind == StatementKind::select) {
    add(Effect::changes_session);  // perhaps INTO @a, @b
  }
  advance();  // the name
  if (ahead().kind == TokenKind::assign) add(Effect::changes_session);
}

// At a table's place. False for what is none and has to be looked at like anything else.
bool Classifier::scan_table() noexcept {
  if (current().is('(')) return false;
  if (current().is('{')) {  // { OJ a LEFT JOIN b … }
    advance();
    return true;
  }
  if (current().kind == TokenKind::keyword) {
    if (is_modifier(current().keyword)) return true;
    if (current().is(k_SELECT) || current().is(k_VALUES) || current().is(k_WITH)) {
      expect_table_ = false;
      table_lists_ &= ~depth_bit();
      return false;
    }
    if (current().is(k_IF) || current().is(k_EXISTS) || current().is(k_NOT)) return true;
    if (current().is(k_DUAL) || current().is(k_JSON_TABLE)) {
      expect_table_ = false;
      return true;
    }
  } else if (!current().is_identifier()) {
    expect_table_ = false;
    return false;
  }
  expect_table_ = false;
  TableName table{{}, content_of(current())};
  if (ahead().is('.')) {
    advance();
    advance();
    if (!current().is_identifier() && current().kind != TokenKind::keyword) return false;
    table = {table.name, content_of(current())};
  }
  if (result_.table_count < Classification::max_tables) {
    result_.table_names[result_.table_count++] = table;
  } else {
    result_.more_tables = true;
  }
  return true;
}

void Classifier::scan_keyword() noexcept {
  const bool outside = depth_ == 0;
  switch (current().keyword) {
    case k_SELECT:
      queries_ |= depth_bit();
      table_lists_ &= ~depth_bit();
      if (outside && in_where_) in_where_ = false;
      return;
    case k_DELETE: queries_ |= depth_bit(); return;
    case k_FROM:
      if ((queries_ & depth_bit()) != 0) expect_tables();
      return;
    case k_JOIN:
      if ((table_lists_ & depth_bit()) != 0) expect_table_ = true;
      return;
    case k_STRAIGHT_JOIN:
      if ((table_lists_ & depth_bit()) != 0) expect_table_ = true;
      return;
    case k_USING:
      if (result_.kind == StatementKind::delete_ && !ahead().is('(')) expect_tables();
      return;
    case k_INTO:
      if (ahead().is(k_OUTFILE) || ahead().is(k_DUMPFILE)) {
        add(Effect::writes_file);
      } else if (result_.kind == StatementKind::load_data) {
        expect_table_ = true;
      } else if (result_.kind == StatementKind::select) {
        add(Effect::changes_session);  // a variable
      }
      table_lists_ &= ~depth_bit();
      return;
    case k_WHERE:
      table_lists_ &= ~depth_bit();
      if (outside) in_where_ = true;
      return;
    case k_GROUP:
    case k_HAVING:
    case k_ORDER:
    case k_RETURNING:
    case k_WINDOW:
      table_lists_ &= ~depth_bit();
      if (outside) in_where_ = false;
      return;
    case k_LIMIT:
      table_lists_ &= ~depth_bit();
      if (outside) {
        in_where_ = false;
        add(Effect::has_limit);
      }
      return;
    case k_SET:
    case k_PROCEDURE: table_lists_ &= ~depth_bit(); return;
    case k_UNION:
    case k_EXCEPT:
    case k_INTERSECT:
      table_lists_ &= ~depth_bit();
      in_where_ = false;
      return add(Effect::unions);
    case k_FOR:
      if (ahead().is(k_UPDATE) || ahead().is(k_SHARE)) {
        table_lists_ &= ~depth_bit();
        add(Effect::locks);
      } else if (previous().is(k_VALUE) && previous().keyword == k_VALUE) {
        add(Effect::reads_session);  // PREVIOUS VALUE FOR; NEXT VALUE FOR writes
      }
      return;
    case k_NEXT:
      if (ahead().is(k_VALUE)) add(Effect::writes, Effect::nondeterministic);
      return;
    case k_LOCK:
      if (ahead().is(k_IN)) {
        table_lists_ &= ~depth_bit();
        add(Effect::locks);
      }
      return;
    case k_SQL_CALC_FOUND_ROWS: return add(Effect::changes_session);
    case k_CURRENT_DATE:
    case k_CURRENT_TIME:
    case k_CURRENT_TIMESTAMP:
    case k_LOCALTIME:
    case k_LOCALTIMESTAMP:
    case k_UTC_DATE:
    case k_UTC_TIME:
    case k_UTC_TIMESTAMP: return add(Effect::nondeterministic);
    default: return;
  }
}

// At a name in front of a parenthesis.
void Classifier::scan_call(bool qualified) noexcept {
  // A derived table's columns, or those of a name that is being defined.
  if (!qualified && (previous().is(k_AS) || previous().is(k_WITH) || previous().is(k_RECURSIVE) ||
                     previous().is(')') || previous().is(k_INDEX) || previous().is(k_KEY)))
    return;
  if (!qualified && current().kind == TokenKind::identifier && current().keyword != Keyword::none) {
    return native_call(current().keyword);
  }
  add(Effect::calls, Effect::writes, Effect::changes_session, Effect::reads_session,
      Effect::nondeterministic);
}

void Classifier::native_call(Keyword function) noexcept {
  switch (function) {
    case k_GET_LOCK:
      return add(Effect::locks, Effect::changes_session, Effect::waits, Effect::nondeterministic);
    case k_RELEASE_LOCK:
    case k_RELEASE_ALL_LOCKS:
      return add(Effect::locks, Effect::changes_session, Effect::nondeterministic);
    case k_IS_FREE_LOCK:
    case k_IS_USED_LOCK: return add(Effect::reads_session, Effect::nondeterministic);
    case k_LAST_INSERT_ID:
      // With a value it sets what the next one returns.
      return add(Effect::reads_session, Effect::changes_session);
    case k_CONNECTION_ID:
    case k_FOUND_ROWS:
    case k_ROW_COUNT:
    case k_LASTVAL: return add(Effect::reads_session);
    case k_NEXTVAL:
    case k_SETVAL: return add(Effect::writes, Effect::changes_session, Effect::nondeterministic);
    case k_SLEEP:
    case k_BENCHMARK: return add(Effect::waits, Effect::nondeterministic);
    case k_MASTER_GTID_WAIT:
    case k_MASTER_POS_WAIT:
    case k_WAIT_FOR_EXECUTED_GTID_SET:
    case k_WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS:
    case k_SOURCE_POS_WAIT:
      return add(Effect::waits, Effect::reads_session, Effect::nondeterministic);
    case k_LOAD_FILE: return add(Effect::reads_file, Effect::nondeterministic);
    case k_CURDATE:
    case k_CURTIME:
    case k_NOW:
    case k_RAND:
    case k_RANDOM_BYTES:
    case k_SYSDATE:
    case k_SYS_GUID:
    case k_UNIX_TIMESTAMP:
    case k_UUID:
    case k_UUID_SHORT: return add(Effect::nondeterministic);
    default: return;
  }
}

}  // namespace mysqlwire::sql::detail
