#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/classify_detail.hpp>

namespace mysqlwire::sql {

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
  Classification result;
  detail::Classifier(sql, dialect, result, nullptr).run();
  return result;
}

FirstStatement split(std::string_view sql, const Dialect& dialect) noexcept {
  Lexer lexer(sql, dialect);
  detail::StatementEnd end;
  Token last;
  Token token = lexer.next();
  while (token.kind != TokenKind::end) {
    const std::size_t behind =
        static_cast<std::size_t>(token.text.data() - sql.data()) + token.text.size();
    const Token ahead = lexer.next();
    if (end.feed(last, token, ahead)) return {sql.substr(0, behind - 1), sql.substr(behind)};
    last = token;
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

std::string_view to_string(Effect effect) noexcept {
  switch (effect) {
    case Effect::writes: return "writes";
    case Effect::locks: return "locks";
    case Effect::changes_session: return "changes_session";
    case Effect::reads_session: return "reads_session";
    case Effect::begins_transaction: return "begins_transaction";
    case Effect::ends_transaction: return "ends_transaction";
    case Effect::implicit_commit: return "implicit_commit";
    case Effect::chains: return "chains";
    case Effect::releases: return "releases";
    case Effect::read_only: return "read_only";
    case Effect::nondeterministic: return "nondeterministic";
    case Effect::waits: return "waits";
    case Effect::writes_file: return "writes_file";
    case Effect::reads_file: return "reads_file";
    case Effect::calls: return "calls";
    case Effect::has_where: return "has_where";
    case Effect::has_limit: return "has_limit";
    case Effect::unions: return "unions";
    case Effect::comment: return "comment";
    case Effect::version_comment: return "version_comment";
    case Effect::several: return "several";
    case Effect::invalid: return "invalid";
  }
  return "unknown";
}

}  // namespace mysqlwire::sql
