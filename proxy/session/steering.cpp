#include "proxy/session/steering.hpp"

#include "proxy/statement/use_statement.hpp"

#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/stmt.hpp>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Command;
using mysqlwire::PacketKind;
using mysqlwire::sql::StatementKind;

namespace {

/// The statement id that stands behind the first byte of a packet; 0 where there is none.
std::uint32_t statement_id(Bytes payload) noexcept {
  if (payload.size() < 5) return 0;
  return static_cast<std::uint32_t>(payload[1]) | static_cast<std::uint32_t>(payload[2]) << 8 |
         static_cast<std::uint32_t>(payload[3]) << 16 |
         static_cast<std::uint32_t>(payload[4]) << 24;
}

}  // namespace

const Decision Steering::no_decision_;

Steering::Steering(ConnectionFacts facts, const mysqlwire::sql::SessionDialect& dialect,
                   ShapeCache& shapes)
    : shapes_(shapes), dialect_(dialect), facts_(std::move(facts)) {}

Gate::Verdict Steering::on_command(Bytes payload, bool whole, const mysqlwire::Tracker& tracker) {
  event_.reset();
  // No command is meant by that. What to say of it the server knows.
  if (payload.empty()) return on_nothing();
  inspect(payload, whole, tracker.context());
  command_ = inspection_.command;
  answer_due_ = true;
  // What the guard refuses no rule can let pass.
  if (watch_) {
    auto refusal = watch_->on_command(facts_, inspection_, dialect_.dialect());
    if (refusal) {
      event().decision.refusal = std::move(refusal);
      answer_due_ = false;
      asker_.forget();
      return whole ? Verdict::hold : Verdict::refuse;
    }
  }
  Verdict verdict = ask_rules();
  if (borrowing_ != nullptr) {
    const Verdict needs = borrowing_->on_command(inspection_, dialect_.dialect());
    return verdict == Verdict::pass ? needs : verdict;
  }
  ties_.note(inspection_);
  return verdict == Verdict::pass && hold_all_ ? Verdict::hold : verdict;
}

Gate::Verdict Steering::on_nothing() {
  inspection_ = {};
  inspection_.command = Command::com_sleep;
  command_ = inspection_.command;
  asker_.forget();
  if (borrowing_ == nullptr) return hold_all_ ? Verdict::hold : Verdict::pass;
  return borrowing_->on_command(inspection_, dialect_.dialect());
}

void Steering::on_forward(std::span<std::uint8_t> payload) {
  if (borrowing_ != nullptr) borrowing_->on_forward(inspection_, payload);
}

bool Steering::rewrite_answer(PacketKind kind, std::span<std::uint8_t> payload,
                              mysqlwire::Buffer& instead) {
  return borrowing_ != nullptr && borrowing_->rewrite_answer(kind, payload, instead);
}

/// What is refused by a rule is said by the decision; all else that rules want is up to the
/// session, which has the time and the connections for it.
Gate::Verdict Steering::ask_rules() {
  const rules::Decision& ruling = asker_.ask(facts_, inspection_, dialect_.dialect());
  if (!ruling.acts()) return Verdict::pass;
  if (ruling.last_word == nullptr) return Verdict::hold;
  const RuleConfig& rule = ruling.last_word->config();
  if (rule.then.refuse) {
    event().decision.refusal = {rule.then.refuse->code, rule.then.refuse->sqlstate,
                                rules::refusal_text(rule)};
    settle(true);
  }
  // Of a long command nothing has to wait.
  return inspection_.whole ? Verdict::hold : Verdict::refuse;
}

void Steering::inspect(Bytes payload, bool whole, const mysqlwire::Context& context) {
  inspection_ = {};
  inspection_.command = static_cast<Command>(payload[0]);
  inspection_.payload = payload;
  inspection_.whole = whole;
  switch (inspection_.command) {
    case Command::com_query: {
      const auto text = mysqlwire::ComQuery::decode_text(payload, context);
      if (text)
        inspect_text(*text, shapes_.of_query(*text, dialect_.dialect()));
      else
        inspection_.readable = false;
      break;
    }
    case Command::com_stmt_prepare: {
      const std::string_view text = mysqlwire::as_text(payload.subspan(1));
      inspect_text(text, shapes_.of_prepared(text, dialect_.dialect()));
      if (whole) event().being_prepared = shape_;
      break;
    }
    case Command::com_stmt_execute:
    case Command::com_stmt_bulk_execute:
    case Command::com_stmt_fetch: inspect_prepared(statement_id(payload)); break;
    case Command::com_stmt_close: prepared_.close(statement_id(payload)); break;
    default: break;
  }
  note_wishes(payload, context);
}

void Steering::inspect_text(std::string_view text, const std::shared_ptr<const Shape>& shape) {
  // Most often it is the same again, and no other thread need hear of it.
  if (shape_ != shape) shape_ = shape;
  inspection_.text = text;
  inspect_shape(*shape_);
  if (inspection_.whole) return;
  // Of a part it can't be said what the whole is going to do.
  inspection_.what = &Inspection::not_known;
  inspection_.digest_truncated = true;
  inspection_.shape = nullptr;
}

void Steering::inspect_shape(const Shape& shape) noexcept {
  inspection_.what = &shape.what;
  inspection_.digest_text = shape.digest_text;
  inspection_.digest = shape.digest;
  inspection_.digest_truncated = shape.digest_truncated;
  inspection_.shape = shape.lasts() ? &shape : nullptr;
}

void Steering::inspect_prepared(std::uint32_t id) {
  const Shape* const statement = prepared_.find(id);
  if (statement == nullptr) return;
  inspection_.text = statement->text();
  inspect_shape(*statement);
}

/// What the session's state becomes if the server says OK.
void Steering::note_wishes(Bytes payload, const mysqlwire::Context& context) {
  // MariaDB lets USE be prepared as well.
  const bool executed =
      inspection_.command == Command::com_query || inspection_.command == Command::com_stmt_execute;
  const StatementKind kind = inspection_.what->kind;
  if (inspection_.command == Command::com_init_db) {
    const auto command = mysqlwire::ComInitDb::decode(payload, context);
    if (command) event().next_schema = command->schema;
  } else if (executed && kind == StatementKind::use) {
    event().next_schema = schema_of_use(inspection_.text, dialect_.dialect());
  }
  if (executed && kind == StatementKind::set) event().next_settings = inspection_.text;
}

void Steering::on_answer(PacketKind kind, Bytes prefix, const mysqlwire::Tracker& tracker) {
  if (borrowing_ != nullptr) borrowing_->on_answer(kind, prefix, tracker);
  if (watch_) watch_->on_answer(kind, prefix, tracker);
  if (!answer_due_) return;
  if (event_) take_effect(kind, prefix);
  if (kind == PacketKind::ok && command_ == Command::com_reset_connection) {
    prepared_.clear();
    dialect_.reset();
  }
  if (!tracker.response_complete()) return;
  answer_due_ = false;
  if (!event_) return;
  let_go();
  if (!event_->decision.refusal) event_.reset();
}

/// What the command was to make true is so now.
void Steering::take_effect(PacketKind kind, Bytes prefix) {
  Event& event = *event_;
  if (kind == PacketKind::prepare_ok && event.being_prepared) {
    const std::uint32_t id =
        borrowing_ != nullptr ? borrowing_->id_of_new_statement() : statement_id(prefix);
    prepared_.add(id, std::move(event.being_prepared));
  } else if (kind == PacketKind::ok) {
    if (event.next_schema) {
      facts_.schema = std::move(*event.next_schema);
      asker_.facts_changed();
      if (watch_) watch_->facts_changed();
    }
    event.next_schema.reset();
    if (!event.next_settings.empty()) dialect_.on_statement(event.next_settings);
    event.next_settings.clear();
  }
}

bool Steering::on_progress(std::uint64_t bytes, const mysqlwire::Tracker& tracker) {
  if (watch_) {
    auto refusal = watch_->on_progress(facts_, bytes, tracker);
    if (refusal) {
      event().decision.refusal = std::move(refusal);
      return false;
    }
  }
  // A session that borrows has to find out yet what the command leaves behind.
  if (borrowing_ == nullptr && !answer_due_ && tracker.idle()) rest();
  return true;
}

bool Steering::on_time() {
  if (!watch_) return false;
  auto refusal = watch_->on_time(facts_);
  if (!refusal) return false;
  event().decision.refusal = std::move(refusal);
  return true;
}

void Steering::restart(ConnectionFacts facts, const mysqlwire::sql::SessionDialect& dialect) {
  facts_ = std::move(facts);
  asker_.facts_changed();
  if (watch_) watch_->facts_changed();
  dialect_ = dialect;
  prepared_.clear();
  event_.reset();
  answer_due_ = false;
  ties_.clear();
  hold_all_ = false;
}

}  // namespace mysqlproxy
