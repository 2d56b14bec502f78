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

const Decision Asker::nothing_;

void Asker::use(std::shared_ptr<const RuleBook> book) {
  state_.reset();
  asked_ = false;
  facts_changed();
  if (!book || book->empty(RuleStage::statement)) return;
  state_ = std::make_unique<State>();
  state_->book = std::move(book);
}

void Asker::look_at(const ConnectionFacts& facts) {
  State& state = *state_;
  state.user = facts.user;
  state.schema = facts.schema;
  state.pool = facts.pool;
  state.host = host_of(facts.address);
  state.scope = state.book->scope(
      {state.user, state.schema, facts.host, state.host, facts.listener, state.pool});
  scope_id_ = state.scope.id();
  scope_empty_ = state.scope.nothing();
  scope_known_ = true;
}

const Decision& Asker::ask(const ConnectionFacts& facts, const Inspection& inspection,
                           const mysqlwire::sql::Dialect& dialect) {
  asked_ = false;
  if (!state_) return nothing_;
  const Shape* const shape = inspection.shape;
  if (scope_id_ != 0 && shape != nullptr && shape->quiet_scope == scope_id_) return nothing_;
  if (!is_statement(inspection)) return nothing_;
  if (!scope_known_) look_at(facts);
  if (scope_empty_) return nothing_;
  return ask_book(facts, inspection, dialect);
}

const Decision& Asker::ask_book(const ConnectionFacts& facts, const Inspection& inspection,
                                const mysqlwire::sql::Dialect& dialect) {
  State& state = *state_;
  const Shape* const shape = inspection.shape;
  if (shape != nullptr && state.book->rules_out(state.scope, *shape, state.schema)) return nothing_;
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
  const Client client{state.user, state.schema, facts.host, state.host, facts.listener, state.pool};
  // Looking at the clock costs more than most books do.
  const Moment moment = state.book->asks_moment() ? Moment::now() : Moment();
  state.book->at_statement(state.scope, client, statement, moment, state.decision);
  return state.decision;
}

}  // namespace mysqlproxy::rules
