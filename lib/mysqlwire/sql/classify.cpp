#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/sql/statement_end_detail.hpp>

namespace mysqlwire::sql {
namespace {

using enum Keyword;

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

class Classifier {
 public:
  Classifier(std::string_view sql, const Dialect& dialect) noexcept
      : lexer_(sql, dialect), flavor_(dialect.flavor) {
    ahead_ = lexer_.next();
    advance();
  }

  Classification run() noexcept {
    while (current_.is('(')) advance();
    statement();
    finish();
    return result_;
  }

 private:
  void add(Effect effect) noexcept { result_.effects.add(effect); }
  template <typename... More>
  void add(Effect first, More... more) noexcept {
    add(first);
    (add(more), ...);
  }

  bool at_end() const noexcept { return ended_ || current_.kind == TokenKind::end; }
  bool at(Keyword word) const noexcept { return !ended_ && current_.is(word); }
  // Words that are keywords on one server only are told by what they are.
  bool at_word(Keyword word) const noexcept {
    return !ended_ && current_.keyword == word &&
           (current_.kind == TokenKind::keyword || current_.kind == TokenKind::identifier);
  }
  bool accept(Keyword word) noexcept {
    if (!at_word(word)) return false;
    advance();
    return true;
  }

  void advance() noexcept {
    previous_ = current_;
    current_ = ahead_;
    if (current_.kind != TokenKind::end) ahead_ = lexer_.next();
    if (current_.kind == TokenKind::invalid) add(Effect::invalid, Effect::writes);
    if (!ended_ && current_.kind != TokenKind::end && end_.feed(current_, ahead_)) ended_ = true;
  }

  void finish() noexcept;
  void unknown() noexcept;
  void statement() noexcept;
  void verb(StatementKind kind) noexcept { result_.kind = kind; }
  void define(StatementKind kind) noexcept;
  void set() noexcept;
  void show() noexcept;
  void explain() noexcept;
  void transaction_options() noexcept;
  void begin() noexcept;
  void start() noexcept;
  void rollback() noexcept;
  void xa() noexcept;
  void with() noexcept;
  void administer() noexcept;

  // Reads to the statement's end, noting what its words do.
  void scan() noexcept;
  void scan_token() noexcept;
  void scan_keyword() noexcept;
  void scan_symbol() noexcept;
  void scan_variable() noexcept;
  void scan_call(bool qualified) noexcept;
  bool scan_table() noexcept;
  void native_call(Keyword function) noexcept;
  bool column_here() const noexcept;

  // Bits by depth of parentheses; deeper ones share the last.
  std::uint64_t depth_bit() const noexcept {
    return std::uint64_t{1} << (depth_ < 63 ? depth_ : 63);
  }
  void expect_tables() noexcept {
    expect_table_ = true;
    table_lists_ |= depth_bit();
  }

  Lexer lexer_;
  Flavor flavor_;
  detail::StatementEnd end_;
  Token previous_, current_, ahead_;
  Classification result_;
  bool ended_ = false;
  std::size_t depth_ = 0;
  std::uint64_t queries_ = 0;  // depths at which SELECT or DELETE has been seen: FROM names tables
  std::uint64_t table_lists_ = 0;  // depths at which a comma is followed by another table
  bool expect_table_ = false;
  bool in_where_ = false;
};

// Skips what is left, so that comments and a further statement are seen.
void Classifier::finish() noexcept {
  while (!at_end()) advance();
  if (ended_) {
    while (current_.is(';')) {
      advance();
    }
    if (current_.kind != TokenKind::end) add(Effect::several);
  }
  if (lexer_.saw_comment()) add(Effect::comment);
  if (lexer_.saw_version_comment()) add(Effect::version_comment);
}

void Classifier::unknown() noexcept {
  result_.kind = StatementKind::unknown;
  add(Effect::writes, Effect::locks, Effect::changes_session, Effect::reads_session,
      Effect::implicit_commit, Effect::nondeterministic);
  result_.more_tables = true;
}

void Classifier::statement() noexcept {
  if (at_end()) {
    result_.kind = ended_ ? StatementKind::unknown : StatementKind::empty;
    return;
  }
  const Token first = current_;
  if (first.kind != TokenKind::keyword) {
    if (at_word(k_HELP)) return verb(StatementKind::help);
    return unknown();
  }
  switch (first.keyword) {
    case k_SELECT:
    case k_VALUES:
    case k_TABLE:
      verb(StatementKind::select);
      if (first.is(k_TABLE)) {
        advance();
        expect_tables();
      }
      return scan();
    case k_WITH: return with();
    case k_INSERT:
    case k_REPLACE:
      verb(first.is(k_INSERT) ? StatementKind::insert : StatementKind::replace);
      add(Effect::writes);
      advance();
      expect_table_ = true;
      return scan();
    case k_UPDATE:
      verb(StatementKind::update);
      add(Effect::writes);
      advance();
      expect_tables();
      return scan();
    case k_DELETE:
      verb(StatementKind::delete_);
      add(Effect::writes);
      return scan();
    case k_LOAD:
      advance();
      add(Effect::writes);
      if (at(k_INDEX)) return administer();
      verb(StatementKind::load_data);
      add(Effect::reads_file);
      return scan();
    case k_CALL:
      verb(StatementKind::call);
      add(Effect::calls, Effect::writes, Effect::locks, Effect::changes_session,
          Effect::reads_session, Effect::implicit_commit, Effect::nondeterministic);
      result_.more_tables = true;
      return;
    case k_DO:
      verb(StatementKind::do_);
      advance();
      return scan();
    case k_HANDLER:
      verb(StatementKind::handler);
      add(Effect::changes_session, Effect::reads_session);
      advance();
      expect_table_ = true;
      return scan();
    case k_CREATE: return define(StatementKind::create);
    case k_ALTER: return define(StatementKind::alter);
    case k_DROP: return define(StatementKind::drop);
    case k_RENAME: return define(StatementKind::rename);
    case k_TRUNCATE:
      verb(StatementKind::truncate);
      add(Effect::writes, Effect::implicit_commit);
      advance();
      expect_tables();
      return scan();
    case k_GRANT:
    case k_REVOKE:
      verb(StatementKind::account);
      return add(Effect::writes, Effect::implicit_commit);
    case k_ANALYZE: return explain();
    case k_CHECK:
    case k_CHECKSUM:
    case k_OPTIMIZE:
    case k_REPAIR:
    case k_CACHE: return administer();
    case k_BEGIN: return begin();
    case k_START: return start();
    case k_COMMIT:
      verb(StatementKind::commit);
      add(Effect::ends_transaction);
      return transaction_options();
    case k_ROLLBACK: return rollback();
    case k_SAVEPOINT: return verb(StatementKind::savepoint);
    case k_RELEASE: return verb(StatementKind::savepoint);
    case k_XA: return xa();
    case k_LOCK:
      verb(StatementKind::lock_tables);
      add(Effect::locks, Effect::changes_session);
      advance();
      if (!at(k_TABLE) && !at(k_TABLES)) return;
      add(Effect::implicit_commit);
      advance();
      expect_tables();
      return scan();
    case k_UNLOCK:
      verb(StatementKind::unlock_tables);
      return add(Effect::locks, Effect::changes_session, Effect::implicit_commit);
    case k_SET: return set();
    case k_USE: verb(StatementKind::use); return add(Effect::changes_session);
    case k_SHOW: return show();
    case k_EXPLAIN:
    case k_DESCRIBE:
    case k_DESC: return explain();
    case k_HELP: return verb(StatementKind::help);
    case k_PREPARE: verb(StatementKind::prepare); return add(Effect::changes_session);
    case k_EXECUTE: unknown(); return verb(StatementKind::execute);
    case k_DEALLOCATE: verb(StatementKind::deallocate); return add(Effect::changes_session);
    case k_SIGNAL:
    case k_RESIGNAL: verb(StatementKind::signal); return add(Effect::changes_session);
    case k_GET:
      verb(StatementKind::signal);
      return add(Effect::changes_session, Effect::reads_session);
    case k_KILL: verb(StatementKind::kill); return add(Effect::writes);
    case k_BINLOG:
    case k_CHANGE:
    case k_CLONE:
    case k_FLUSH:
    case k_IMPORT:
    case k_INSTALL:
    case k_PURGE:
    case k_RESET:
    case k_RESTART:
    case k_SHUTDOWN:
    case k_STOP:
    case k_UNINSTALL:
      verb(StatementKind::admin);
      return add(Effect::writes, Effect::implicit_commit, Effect::changes_session);
    default: return unknown();
  }
}

// CREATE, ALTER, DROP, RENAME. Temporary tables belong to the session and commit nothing.
void Classifier::define(StatementKind kind) noexcept {
  verb(kind);
  advance();
  accept(k_OR);
  accept(k_REPLACE);
  if (accept(k_TEMPORARY)) {
    add(Effect::changes_session, Effect::writes);
  } else {
    add(Effect::writes, Effect::implicit_commit);
  }
  if (at_word(k_USER) || at_word(k_ROLE)) return verb(StatementKind::account);
  if (kind == StatementKind::create && !at(k_TABLE)) {
    result_.more_tables = true;  // behind views and programs
    return;
  }
  if (!accept(k_TABLE) && !accept(k_TABLES)) return;
  if (accept(k_IF)) {
    accept(k_NOT);
    accept(k_EXISTS);
  }
  if (kind == StatementKind::create || kind == StatementKind::alter) {
    expect_table_ = true;
  } else {
    expect_tables();
  }
  if (kind == StatementKind::alter || kind == StatementKind::rename) result_.more_tables = true;
  const bool had_calls = result_.has(Effect::calls);
  scan();
  // Columns and indexes look like calls there.
  if (!had_calls) {
    Effects without;
    for (std::uint32_t bit = 1; bit <= static_cast<std::uint32_t>(Effect::invalid); bit <<= 1) {
      const auto effect = static_cast<Effect>(bit);
      if (effect != Effect::calls && result_.has(effect)) without.add(effect);
    }
    result_.effects = without;
  }
}

void Classifier::administer() noexcept {
  verb(StatementKind::maintain);
  add(Effect::writes, Effect::implicit_commit);
  result_.more_tables = true;
}

void Classifier::set() noexcept {
  verb(StatementKind::set);
  advance();
  if (flavor_ == Flavor::mariadb && at_word(k_STATEMENT)) {  // SET STATEMENT a=1 FOR SELECT …
    while (!at_end() && !at(k_FOR)) {
      scan_token();
      advance();
    }
    advance();
    return statement();
  }
  add(Effect::changes_session);
  if (at_word(k_PASSWORD) || (at(k_DEFAULT) && ahead_.keyword == k_ROLE)) {
    verb(StatementKind::account);
    return add(Effect::writes, Effect::implicit_commit);
  }
  while (!at_end()) {
    const bool starts =
        previous_.is(k_SET) || previous_.is(',') || previous_.kind == TokenKind::at_at;
    if (starts && (at_word(k_GLOBAL) || at_word(k_PERSIST) || at_word(k_PERSIST_ONLY))) {
      add(Effect::writes);
    }
    if (at_word(k_AUTOCOMMIT)) add(Effect::implicit_commit);
    scan_token();
    advance();
  }
}

void Classifier::show() noexcept {
  verb(StatementKind::show);
  for (advance(); !at_end(); advance()) {
    switch (current_.keyword) {
      case k_WARNINGS:
      case k_ERRORS:
      case k_COUNT:
      case k_PROFILE:
      case k_PROFILES:
      case k_SESSION:
      case k_LOCAL:
      case k_STATUS:
      case k_VARIABLES: add(Effect::reads_session); break;
      default: break;
    }
    if (current_.kind == TokenKind::at || current_.kind == TokenKind::at_at) {
      add(Effect::reads_session);
    }
  }
}

// EXPLAIN and its synonyms; ANALYZE is one in MariaDB in front of a statement.
void Classifier::explain() noexcept {
  bool runs = at(k_ANALYZE);
  advance();
  if (runs && (at(k_TABLE) || at_word(k_LOCAL) || at(k_NO_WRITE_TO_BINLOG))) return administer();
  const Classification before = result_;
  for (bool more = true; more;) {
    more = accept(k_EXTENDED) || accept(k_PARTITIONS);
    if (accept(k_ANALYZE)) more = runs = true;
    if (at_word(k_FORMAT) && ahead_.is('=')) {
      advance();
      advance();
      advance();
      more = true;
    }
  }
  while (current_.is('(')) advance();
  switch (current_.kind == TokenKind::keyword ? current_.keyword : Keyword::none) {
    case k_SELECT:
    case k_WITH:
    case k_INSERT:
    case k_REPLACE:
    case k_UPDATE:
    case k_DELETE:
    case k_VALUES: break;
    case k_TABLE:
    default:  // a table's columns, or FOR CONNECTION
      return verb(StatementKind::explain);
  }
  statement();
  if (runs) return;
  const Classification inner = result_;
  result_.kind = StatementKind::explain;
  result_.effects = before.effects;
  // Servers refuse EXPLAIN of a writing statement where they would refuse the statement.
  for (const Effect effect : {Effect::writes, Effect::locks, Effect::reads_session, Effect::unions,
                              Effect::nondeterministic, Effect::invalid}) {
    if (inner.has(effect)) add(effect);
  }
}

// [WORK] [AND [NO] CHAIN] [[NO] RELEASE]
void Classifier::transaction_options() noexcept {
  for (advance(); !at_end(); advance()) {
    if (at_word(k_CHAIN) && !previous_.is(k_NO)) add(Effect::chains, Effect::begins_transaction);
    if (at_word(k_RELEASE) && !previous_.is(k_NO)) add(Effect::releases);
  }
}

void Classifier::begin() noexcept {
  if (ahead_.is(k_NOT)) return unknown();  // BEGIN NOT ATOMIC: a block
  verb(StatementKind::begin);
  add(Effect::begins_transaction, Effect::implicit_commit);
}

void Classifier::start() noexcept {
  advance();
  if (!at_word(k_TRANSACTION)) {
    verb(StatementKind::admin);
    return add(Effect::writes, Effect::implicit_commit);
  }
  verb(StatementKind::begin);
  add(Effect::begins_transaction, Effect::implicit_commit);
  for (; !at_end(); advance()) {
    if (at_word(k_ONLY) && previous_.is(k_READ)) add(Effect::read_only);
  }
}

void Classifier::rollback() noexcept {
  advance();
  accept(k_WORK);
  if (at(k_TO)) return verb(StatementKind::savepoint);
  verb(StatementKind::rollback);
  add(Effect::ends_transaction);
  for (; !at_end(); advance()) {
    if (at_word(k_CHAIN) && !previous_.is(k_NO)) add(Effect::chains, Effect::begins_transaction);
    if (at_word(k_RELEASE) && !previous_.is(k_NO)) add(Effect::releases);
  }
}

void Classifier::xa() noexcept {
  verb(StatementKind::xa);
  advance();
  if (at_word(k_START) || at(k_BEGIN)) {
    add(Effect::begins_transaction);
  } else if (at_word(k_RECOVER)) {
    return;
  } else if (!at_word(k_END)) {  // PREPARE, COMMIT, ROLLBACK
    add(Effect::ends_transaction);
    if (!at_word(k_PREPARE)) add(Effect::writes);
  }
  add(Effect::changes_session);
}

// WITH names AS (…), …: the statement is the first verb outside of the parentheses.
void Classifier::with() noexcept {
  while (!at_end()) {
    if (depth_ == 0 && current_.kind == TokenKind::keyword) {
      switch (current_.keyword) {
        case k_SELECT:
        case k_VALUES:
        case k_TABLE:
        case k_INSERT:
        case k_REPLACE:
        case k_UPDATE:
        case k_DELETE: return statement();
        default: break;
      }
    }
    // A name with its columns, in front of AS.
    const bool name =
        previous_.is(k_WITH) || previous_.is(k_RECURSIVE) || (depth_ == 0 && previous_.is(','));
    if (!name) scan_token();
    advance();
    // WITH … (SELECT …): a query in parentheses behind the last definition.
    if (depth_ == 0 && previous_.is(')') && current_.is('(')) {
      verb(StatementKind::select);
      return scan();
    }
  }
  unknown();
}

void Classifier::scan() noexcept {
  while (!at_end()) {
    scan_token();
    advance();
  }
}

bool Classifier::column_here() const noexcept {
  if (ahead_.is('(')) return false;
  if (current_.is_identifier()) return true;
  if (current_.kind != TokenKind::keyword || is_expression_word(current_.keyword)) return false;
  return ahead_.kind != TokenKind::string;  // DATE '2001-01-01'
}

void Classifier::scan_token() noexcept {
  if (expect_table_ && scan_table()) return;
  if (in_where_ && (queries_ & ~std::uint64_t{1}) == 0 && column_here()) add(Effect::has_where);
  switch (current_.kind) {
    case TokenKind::symbol: return scan_symbol();
    case TokenKind::at:
    case TokenKind::at_at: return scan_variable();
    case TokenKind::keyword: return scan_keyword();
    case TokenKind::identifier:
    case TokenKind::quoted_identifier:
      if (ahead_.is('(')) scan_call(previous_.is('.'));
      return;
    default: return;
  }
}

void Classifier::scan_symbol() noexcept {
  switch (current_.text[0]) {
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
  if (current_.kind == TokenKind::at_at) return;
  if (previous_.is(k_INTO) || result_.kind == StatementKind::load_data) {
    add(Effect::changes_session);
  }
  if (previous_.is(',') && depth_ == 0 && result_.kind == StatementKind::select) {
    add(Effect::changes_session);  // perhaps INTO @a, @b
  }
  advance();  // the name
  if (ahead_.kind == TokenKind::assign) add(Effect::changes_session);
}

// At a table's place. False for what is none and has to be looked at like anything else.
bool Classifier::scan_table() noexcept {
  if (current_.is('(')) return false;
  if (current_.is('{')) {  // { OJ a LEFT JOIN b … }
    advance();
    return true;
  }
  if (current_.kind == TokenKind::keyword) {
    if (is_modifier(current_.keyword)) return true;
    if (current_.is(k_SELECT) || current_.is(k_VALUES) || current_.is(k_WITH)) {
      expect_table_ = false;
      table_lists_ &= ~depth_bit();
      return false;
    }
    if (current_.is(k_IF) || current_.is(k_EXISTS) || current_.is(k_NOT)) return true;
    if (current_.is(k_DUAL) || current_.is(k_JSON_TABLE)) {
      expect_table_ = false;
      return true;
    }
  } else if (!current_.is_identifier()) {
    expect_table_ = false;
    return false;
  }
  expect_table_ = false;
  TableName table{{}, content_of(current_)};
  if (ahead_.is('.')) {
    advance();
    advance();
    if (!current_.is_identifier() && current_.kind != TokenKind::keyword) return false;
    table = {table.name, content_of(current_)};
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
  switch (current_.keyword) {
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
      if (result_.kind == StatementKind::delete_ && !ahead_.is('(')) expect_tables();
      return;
    case k_INTO:
      if (ahead_.is(k_OUTFILE) || ahead_.is(k_DUMPFILE)) {
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
      if (ahead_.is(k_UPDATE) || ahead_.is(k_SHARE)) {
        table_lists_ &= ~depth_bit();
        add(Effect::locks);
      } else if (previous_.is(k_VALUE) && previous_.keyword == k_VALUE) {
        add(Effect::reads_session);  // PREVIOUS VALUE FOR; NEXT VALUE FOR writes
      }
      return;
    case k_NEXT:
      if (ahead_.is(k_VALUE)) add(Effect::writes, Effect::nondeterministic);
      return;
    case k_LOCK:
      if (ahead_.is(k_IN)) {
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
    default: break;
  }
  if (!ahead_.is('(')) return;
  if (previous_.is('.')) return scan_call(true);
  native_call(current_.keyword);
}

// At a name in front of a parenthesis.
void Classifier::scan_call(bool qualified) noexcept {
  // A derived table's columns, or those of a name that is being defined.
  if (!qualified && (previous_.is(k_AS) || previous_.is(k_WITH) || previous_.is(k_RECURSIVE) ||
                     previous_.is(')') || previous_.is(k_INDEX) || previous_.is(k_KEY)))
    return;
  if (!qualified && current_.kind == TokenKind::identifier && current_.keyword != Keyword::none) {
    return native_call(current_.keyword);
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

}  // namespace

bool Classification::reads_only() const noexcept {
  switch (kind) {
    case StatementKind::select:
    case StatementKind::do_:
    case StatementKind::show:
    case StatementKind::explain:
    case StatementKind::help: break;
    default: return false;
  }
  for (const Effect effect :
       {Effect::writes, Effect::locks, Effect::changes_session, Effect::reads_session,
        Effect::begins_transaction, Effect::ends_transaction, Effect::implicit_commit,
        Effect::writes_file, Effect::invalid, Effect::several}) {
    if (effects.has(effect)) return false;
  }
  return true;
}

Classification classify(std::string_view sql, const Dialect& dialect) noexcept {
  return Classifier(sql, dialect).run();
}

FirstStatement split(std::string_view sql, const Dialect& dialect) noexcept {
  Lexer lexer(sql, dialect);
  detail::StatementEnd end;
  Token token = lexer.next();
  while (token.kind != TokenKind::end) {
    const std::size_t behind =
        static_cast<std::size_t>(token.text.data() - sql.data()) + token.text.size();
    const Token ahead = lexer.next();
    if (end.feed(token, ahead)) return {sql.substr(0, behind - 1), sql.substr(behind)};
    token = ahead;
  }
  return {sql, {}};
}

std::string_view to_string(StatementKind kind) noexcept {
  switch (kind) {
    case StatementKind::unknown: return "unknown";
    case StatementKind::empty: return "empty";
    case StatementKind::select: return "select";
    case StatementKind::insert: return "insert";
    case StatementKind::replace: return "replace";
    case StatementKind::update: return "update";
    case StatementKind::delete_: return "delete";
    case StatementKind::load_data: return "load_data";
    case StatementKind::call: return "call";
    case StatementKind::do_: return "do";
    case StatementKind::handler: return "handler";
    case StatementKind::create: return "create";
    case StatementKind::alter: return "alter";
    case StatementKind::drop: return "drop";
    case StatementKind::rename: return "rename";
    case StatementKind::truncate: return "truncate";
    case StatementKind::maintain: return "maintain";
    case StatementKind::account: return "account";
    case StatementKind::begin: return "begin";
    case StatementKind::commit: return "commit";
    case StatementKind::rollback: return "rollback";
    case StatementKind::savepoint: return "savepoint";
    case StatementKind::xa: return "xa";
    case StatementKind::lock_tables: return "lock_tables";
    case StatementKind::unlock_tables: return "unlock_tables";
    case StatementKind::set: return "set";
    case StatementKind::use: return "use";
    case StatementKind::show: return "show";
    case StatementKind::explain: return "explain";
    case StatementKind::help: return "help";
    case StatementKind::prepare: return "prepare";
    case StatementKind::execute: return "execute";
    case StatementKind::deallocate: return "deallocate";
    case StatementKind::signal: return "signal";
    case StatementKind::kill: return "kill";
    case StatementKind::admin: return "admin";
  }
  return "unknown";
}

}  // namespace mysqlwire::sql
