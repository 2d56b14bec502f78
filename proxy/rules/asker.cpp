#include "proxy/rules/asker.hpp"

#include <utility>

namespace mysqlproxy::rules {
namespace {

bool is_statement(const Inspection& inspection) noexcept {
  using enum mysqlwire::Command;
  switch (inspection.command) {
    case com_query:
    case com_stmt_prepare:
    case com_stmt_execute:
    case com_stmt_bulk_execute: return inspection.has_text();
    default: return false;
  }
}

}  // namespace

std::string host_of(std::string_view address) {
  if (address == "unix") return "localhost";
  const std::size_t colon = address.rfind(':');
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

std::string_view limit_key(LimitBy by, std::string_view user, std::string_view host) noexcept {
  switch (by) {
    case LimitBy::rule: return {};
    case LimitBy::user: return user;
    case LimitBy::client: return host;
  }
  return {};
}

void Asker::use(std::shared_ptr<const RuleBook> book) {
  decision_.clear();
  book_ = book && !book->empty(RuleStage::statement) ? std::move(book) : nullptr;
  scope_known_ = false;
}

void Asker::look_at(const ConnectionFacts& facts) {
  user_ = facts.user;
  schema_ = facts.schema;
  pool_ = facts.pool;
  host_ = host_of(facts.address);
  scope_ = book_->scope({user_, schema_, facts.host, host_, facts.listener, pool_});
  nothing_ = scope_.nothing();
  scope_known_ = true;
}

const Decision& Asker::ask(const ConnectionFacts& facts, const Inspection& inspection,
                           const mysqlwire::sql::Dialect& dialect) {
  if (std::exchange(asked_, false)) decision_.clear();
  if (!book_ || !is_statement(inspection)) return decision_;
  if (!scope_known_) look_at(facts);
  if (nothing_) return decision_;
  const Shape* const shape = inspection.shape;
  if (shape != nullptr && book_->rules_out(scope_, *shape, schema_)) return decision_;
  asked_ = true;
  Statement statement;
  statement.shape = shape;
  statement.text = inspection.text;
  statement.what = inspection.what;
  statement.digest_text = inspection.digest_text;
  statement.digest = inspection.digest;
  statement.digest_truncated = inspection.digest_truncated;
  statement.prepared = inspection.command == mysqlwire::Command::com_stmt_execute ||
                       inspection.command == mysqlwire::Command::com_stmt_bulk_execute;
  statement.dialect = dialect;
  const Client client{user_, schema_, facts.host, host_, facts.listener, pool_};
  // Looking at the clock costs more than most books do.
  const Moment moment = book_->asks_moment() ? Moment::now() : Moment();
  book_->at_statement(scope_, client, statement, moment, decision_);
  return decision_;
}

}  // namespace mysqlproxy::rules
