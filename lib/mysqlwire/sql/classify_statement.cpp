#include <mysqlwire/sql/classify_detail.hpp>

// The statement's verb, and what is known from it and from what stands right behind it.
namespace mysqlwire::sql::detail {

using enum Keyword;

Classifier::Classifier(std::string_view sql, const Dialect& dialect, Classification& result,
                       DigestBuilder* digest) noexcept
    : lexer_(sql, dialect), flavor_(dialect.flavor), digest_(digest), result_(result) {
  read_ahead();
  advance();
}

void Classifier::run() noexcept {
  while (current().is('(')) advance();
  statement();
  finish();
  // The digest is of the whole text.
  while (digest_ != nullptr && !digest_->full() && ahead().kind != TokenKind::end) read_ahead();
}

// Skips what is left, so that comments and a further statement are seen.
void Classifier::finish() noexcept {
  while (!at_end()) advance();
  if (ended_) {
    while (current().is(';')) {
      advance();
    }
    if (current().kind != TokenKind::end) add(Effect::several);
  }
  if (lexer_.saw_comment()) add(Effect::comment);
  if (lexer_.saw_version_comment()) add(Effect::version_comment);
}

void Classifier::unknown() noexcept {
  result_.kind = StatementKind::unknown;
  add(Effect::writes, Effect::locks, Effect::changes_session, Effect::reads_session,
      Effect::implicit_commit, Effect::begins_transaction, Effect::nondeterministic);
  result_.more_tables = true;
}

void Classifier::statement() noexcept {
  if (at_end()) {
    result_.kind = ended_ ? StatementKind::unknown : StatementKind::empty;
    return;
  }
  const Token first = current();
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
      unknown();
      add(Effect::calls);
      return verb(StatementKind::call);
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
    case k_BACKUP:
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

// CREATE, ALTER, DROP, RENAME. Temporary tables belong to the session and commit nothing; temporary
// sequences do.
void Classifier::define(StatementKind kind) noexcept {
  verb(kind);
  advance();
  accept(k_OR);
  accept(k_REPLACE);
  if (kind == StatementKind::drop && at(k_PREPARE)) {
    verb(StatementKind::deallocate);
    return add(Effect::changes_session);
  }
  const bool temporary = accept(k_TEMPORARY);
  if (temporary) add(Effect::changes_session);
  if (!temporary || !(at(k_TABLE) || at(k_TABLES))) add(Effect::implicit_commit);
  add(Effect::writes);
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
  if (at_word(k_PASSWORD) || (at(k_DEFAULT) && ahead().keyword == k_ROLE)) {
    verb(StatementKind::account);
    return add(Effect::writes, Effect::implicit_commit);
  }
  while (!at_end()) {
    const bool starts =
        previous().is(k_SET) || previous().is(',') || previous().kind == TokenKind::at_at;
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
    if (at(k_WHERE)) return scan();  // an expression, which may call whatever there is
    switch (current().keyword) {
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
    if (current().kind == TokenKind::at || current().kind == TokenKind::at_at) {
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
    if (at_word(k_FORMAT) && ahead().is('=')) {
      advance();
      advance();
      advance();
      more = true;
    }
  }
  while (current().is('(')) advance();
  switch (current().kind == TokenKind::keyword ? current().keyword : Keyword::none) {
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
  for (const Effect effect : {Effect::writes, Effect::calls, Effect::locks, Effect::reads_session,
                              Effect::unions, Effect::nondeterministic, Effect::invalid}) {
    if (inner.has(effect)) add(effect);
  }
}

// [WORK] [AND [NO] CHAIN] [[NO] RELEASE]
void Classifier::transaction_options() noexcept {
  for (advance(); !at_end(); advance()) {
    if (at_word(k_CHAIN) && !previous().is(k_NO)) add(Effect::chains, Effect::begins_transaction);
    if (at_word(k_RELEASE) && !previous().is(k_NO)) add(Effect::releases);
  }
}

void Classifier::begin() noexcept {
  if (ahead().is(k_NOT)) return unknown();  // BEGIN NOT ATOMIC: a block
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
    if (at_word(k_ONLY) && previous().is(k_READ)) add(Effect::read_only);
  }
}

void Classifier::rollback() noexcept {
  advance();
  accept(k_WORK);
  if (at(k_TO)) return verb(StatementKind::savepoint);
  verb(StatementKind::rollback);
  add(Effect::ends_transaction);
  for (; !at_end(); advance()) {
    if (at_word(k_CHAIN) && !previous().is(k_NO)) add(Effect::chains, Effect::begins_transaction);
    if (at_word(k_RELEASE) && !previous().is(k_NO)) add(Effect::releases);
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
    if (depth_ == 0 && current().kind == TokenKind::keyword) {
      switch (current().keyword) {
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
        previous().is(k_WITH) || previous().is(k_RECURSIVE) || (depth_ == 0 && previous().is(','));
    if (!name) scan_token();
    advance();
    // WITH … (SELECT …): a query in parentheses behind the last definition.
    if (depth_ == 0 && previous().is(')') && current().is('(')) {
      verb(StatementKind::select);
      return scan();
    }
  }
  unknown();
}

}  // namespace mysqlwire::sql::detail
