#include "proxy/session/borrowing.hpp"

#include "proxy/lending/ok_filter.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/parameter_types.hpp"

#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/session_track.hpp>
#include <mysqlwire/wire/stmt.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace mysqlproxy {

using mysqlwire::Command;
using mysqlwire::PacketKind;
using mysqlwire::ServerStatus;

namespace {

std::uint32_t statement_id(mysqlwire::Bytes payload, const mysqlwire::Context& context) noexcept {
  const auto id = mysqlwire::read_statement_id(payload, context);
  return id ? *id : 0;
}

void write_id(std::span<std::uint8_t> payload, std::uint32_t id) noexcept {
  if (payload.size() < 5) return;  // no whole id is there, and the server refuses it
  payload[1] = static_cast<std::uint8_t>(id);
  payload[2] = static_cast<std::uint8_t>(id >> 8);
  payload[3] = static_cast<std::uint8_t>(id >> 16);
  payload[4] = static_cast<std::uint8_t>(id >> 24);
}

/// The id by which a server is told of a statement that the client does not have, so that it has
/// none either, and says so: the client's own, unless a server may have given that to another.
std::uint32_t id_of_none(std::uint32_t id) noexcept {
  constexpr std::uint32_t first = lending::ClientStatements::first_id;
  return id < first || id == mysqlwire::last_prepared_statement ? first - 1 : id;
}

/// Behind these commands the connection is no place for statements any more, or not for a while.
bool turns_connection(Command command) noexcept {
  switch (command) {
    case Command::com_binlog_dump:
    case Command::com_binlog_dump_gtid:
    case Command::com_register_slave:
    case Command::com_table_dump:
    case Command::com_connect_out:
    case Command::com_daemon: return true;
    default: return false;
  }
}

/// Of the flags of an answer those that say how the session is, and not how its last statement was.
constexpr mysqlwire::StatusFlags session_flags{
    ServerStatus::autocommit, ServerStatus::no_backslash_escapes, ServerStatus::ansi_quotes};

constexpr std::size_t eof_size = 5;

/// In an EOF_Packet: that something has changed which only the proxy wants to know.
void clear_state_changed(std::span<std::uint8_t> eof) noexcept {
  constexpr auto flag = static_cast<std::uint16_t>(ServerStatus::session_state_changed);
  eof[4] = static_cast<std::uint8_t>(eof[4] & ~(flag >> 8));
}

/// The server closes the connection behind it.
bool ends_connection(const Inspection& inspection, const lending::SessionFollower& follower) {
  using mysqlwire::sql::Effect;
  if (inspection.what->has(Effect::releases)) return true;
  if (!inspection.what->has(Effect::ends_transaction)) return false;
  const auto& variables = follower.image()->variables;
  const auto type = variables.find("completion_type");
  return follower.is_unknown("completion_type") ||
         (type != variables.end() && (type->second == "2" || type->second == "'RELEASE'"));
}

std::span<const mysqlwire::ValueType> types_of(const lending::ClientStatement& statement) {
  if (!statement.types) return {};
  return *statement.types;
}

/// Where the flags of a COM_STMT_EXECUTE stand.
constexpr std::size_t flags_at = 5;
/// Of more parameters the types are read each time.
constexpr std::size_t longest_head = 256;

bool begins_alike(mysqlwire::Bytes execute, const mysqlwire::Buffer& head) {
  return !head.empty() && execute.size() >= flags_at + head.size() &&
         std::equal(head.begin(), head.end(), execute.begin() + flags_at);
}

void note_head(mysqlwire::Bytes execute, const mysqlwire::ParameterList& parameters,
               mysqlwire::Buffer& head) {
  const auto end = static_cast<std::size_t>(parameters.values().data() - execute.data());
  if (parameters.empty() || end - flags_at > longest_head) return;
  const mysqlwire::Bytes said = execute.first(end).subspan(flags_at);
  head.assign(said.begin(), said.end());
}

}  // namespace

void Borrowing::begin(lending::SharedImage image, SharedTerms terms) {
  terms_ = std::move(terms);
  initial_ = image;
  target_ = {};
  reset_ = false;
  follower_.begin(std::move(image), server());
  statements_.clear();
  status_ = ServerStatus::autocommit;
  multi_statements_ = client_side().capabilities.has(mysqlwire::Capability::multi_statements);
  stuck_ = false;
  failed_ = false;
  last_ = {};
  asks_back_ = false;
}

void Borrowing::attach(lending::PreparedHere* prepared, bool only) noexcept {
  prepared_ = prepared;
  only_ = only;
  target_.entry = nullptr;
  trackers_off_ = false;
  found_rows_elsewhere_ = false;
}

/// Looks up what the command is about, once for all that want to know.
void Borrowing::aim(const Inspection& inspection) noexcept {
  target_ = {};
  switch (inspection.command) {
    case Command::com_stmt_execute:
    case Command::com_stmt_bulk_execute:
    case Command::com_stmt_send_long_data:
    case Command::com_stmt_reset:
    case Command::com_stmt_fetch:
    case Command::com_stmt_close: break;
    default: return;
  }
  target_.sent_id = statement_id(inspection.payload, client_side());
  target_.id = statements_.resolve(target_.sent_id);
  target_.statement = statements_.find(target_.id);
  target_.entry = find_entry();
}

lending::PreparedHere::Entry* Borrowing::find_entry() noexcept {
  if (target_.statement == nullptr || prepared_ == nullptr) return nullptr;
  return prepared_->find(*target_.statement, target_.id);
}

Gate::Verdict Borrowing::on_command(const Inspection& inspection,
                                    const mysqlwire::sql::Dialect& dialect) {
  aim(inspection);
  follower_.on_command(
      inspection, dialect,
      target_.statement != nullptr ? target_.statement->source->image.get() : nullptr);
  asks_back_ = asks_back_ || lending::SessionFollower::reads_last_statement(inspection, dialect);
  asks_back_later_ = inspection.command == Command::com_stmt_prepare && inspection.whole &&
                     lending::SessionFollower::is_about_last_statement(inspection, dialect);
  if (!inspection.whole && inspection.command != Command::com_stmt_prepare &&
      inspection.command != Command::com_query && target_.statement == nullptr)
    return Gate::Verdict::refuse;  // unknown, and too long to wait for its end
  if (is_one_too_many(inspection))
    return inspection.whole ? Gate::Verdict::hold : Gate::Verdict::refuse;
  if (!attached() || asks_strangers(inspection, dialect)) return Gate::Verdict::hold;
  switch (inspection.command) {
    case Command::com_quit:
    case Command::com_stmt_close: return Gate::Verdict::hold;
    case Command::com_stmt_prepare:
      return lacks_room(inspection) ? Gate::Verdict::hold : Gate::Verdict::pass;
    case Command::com_stmt_execute:
      return target_.entry != nullptr && has_types(inspection) ? Gate::Verdict::pass
                                                               : Gate::Verdict::hold;
    case Command::com_stmt_bulk_execute:
    case Command::com_stmt_send_long_data:
    case Command::com_stmt_reset:
    case Command::com_stmt_fetch:
      return target_.entry != nullptr ? Gate::Verdict::pass : Gate::Verdict::hold;
    default: return Gate::Verdict::pass;
  }
}

mysqlwire::Buffer Borrowing::plain_ok() const {
  mysqlwire::OkPacket packet;
  packet.status = status_ & session_flags;
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  packet.encode(writer, client_side());
  return payload;
}

mysqlwire::Buffer Borrowing::login_ok() const {
  const std::string& schema = initial_->schema;
  mysqlwire::OkPacket packet;
  packet.status = status_ & session_flags;
  mysqlwire::Buffer state;
  if (!schema.empty() && server().tracks) {
    packet.status.set(ServerStatus::session_state_changed);
    mysqlwire::Writer block(state);
    mysqlwire::SessionTrackItem::write_text(block, mysqlwire::SessionTrackType::schema, schema);
    packet.session_state = state;
  }
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  packet.encode(writer, server_side());
  return payload;
}

mysqlwire::Buffer Borrowing::shown(mysqlwire::Bytes ok_payload) const {
  mysqlwire::Buffer filtered;
  if (lending::filter_ok(ok_payload, server_side(), client_side(), filtered)) return filtered;
  return {ok_payload.begin(), ok_payload.end()};
}

std::optional<mysqlwire::Buffer> Borrowing::answer_here(const Inspection& inspection) {
  const bool known = target_.statement != nullptr;
  switch (inspection.command) {
    case Command::com_ping: return attached() ? std::nullopt : std::optional(counted_ok());
    case Command::com_stmt_close:
      statements_.close(target_.id);
      if (prepared_ != nullptr) prepared_->let_go(target_.id);
      return mysqlwire::Buffer();
    case Command::com_stmt_send_long_data:
      // Servers keep the error for the next execute, which has one of its own.
      return known ? std::nullopt : std::optional(mysqlwire::Buffer());
    case Command::com_stmt_reset:
      return known && !attached() ? std::optional(counted_ok()) : std::nullopt;
    case Command::com_stmt_prepare:
      if (!is_one_too_many(inspection)) return std::nullopt;
      return error_payload(too_many_statements,
                           fmt::format("Can't create more than max_prepared_stmt_count statements "
                                       "(current value: {})",
                                       lending::ClientStatements::most));
    default: return std::nullopt;
  }
}

bool Borrowing::lacks_room(const Inspection& inspection) const noexcept {
  return inspection.command == Command::com_stmt_prepare && inspection.whole &&
         prepared_ != nullptr && prepared_->size() >= lending::PreparedHere::most;
}

/// Servers have few of a client's statements, so that their limit does not hold for the others.
bool Borrowing::is_one_too_many(const Inspection& inspection) const noexcept {
  return inspection.command == Command::com_stmt_prepare && statements_.full();
}

mysqlwire::Buffer Borrowing::counted_ok() {
  last_.row_count = 0;
  return plain_ok();
}

std::optional<mysqlwire::Buffer> Borrowing::stand_in(const Inspection& inspection) {
  if (target_.entry == nullptr) target_.entry = find_entry();
  // With a statement that the server does not have there is nothing to reset but the diagnostics of
  // the one before.
  if (inspection.command == Command::com_stmt_reset && target_.statement != nullptr &&
      target_.entry == nullptr)
    return mysqlwire::Buffer{static_cast<std::uint8_t>(Command::com_ping)};
  return std::nullopt;
}

const lending::SharedSource* Borrowing::to_prepare(const Inspection& inspection) {
  if (target_.entry == nullptr) target_.entry = find_entry();
  switch (inspection.command) {
    case Command::com_stmt_execute:
    case Command::com_stmt_bulk_execute:
    case Command::com_stmt_send_long_data:
    case Command::com_stmt_fetch: break;
    default: return nullptr;
  }
  if (target_.statement == nullptr || target_.entry != nullptr) return nullptr;
  if (target_.statement->source->partial) return nullptr;  // gone with its connection
  return &target_.statement->source;
}

void Borrowing::prepared(lending::SharedSource source, std::uint32_t server_id) {
  target_.entry = &prepared_->add(std::move(source), server_id);
}

std::optional<std::string> Borrowing::without_last_statement(
    const Inspection& inspection, const mysqlwire::sql::Dialect& dialect) const {
  if (inspection.command != Command::com_query || !inspection.whole) return std::nullopt;
  return lending::with_values(inspection.text, last_, dialect);
}

/// Types that are sent count from here on, for the server as well; those that are not have to be
/// the ones that the server has.
bool Borrowing::has_types(const Inspection& inspection) const {
  const lending::ClientStatement& statement = *target_.statement;
  if (statement.parameters == 0 || lending::same_types(target_.entry->types, statement.types))
    return true;
  const auto place = types_place(inspection.payload, client_side(), statement.parameters);
  return !place || place->sent;
}

std::optional<mysqlwire::Buffer> Borrowing::with_types(const Inspection& inspection) {
  if (!lacks_types(inspection)) return std::nullopt;
  return mysqlproxy::with_types(inspection.payload, client_side(), types_of(*target_.statement));
}

void Borrowing::on_forward(const Inspection& inspection, std::span<std::uint8_t> payload) {
  second_chance_.on_forward(inspection, !second_chance_.is_out_of_question() && is_free());
  command_ = inspection.command;
  diagnoses_ = inspection.what->kind == mysqlwire::sql::StatementKind::signal;
  failed_ = false;
  being_prepared_.reset();
  stuck_ = stuck_ || turns_connection(command_) || ends_connection(inspection, follower_);
  if (!payload.empty() && payload[0] != static_cast<std::uint8_t>(command_)) {
    command_ = static_cast<Command>(payload[0]);  // what stands in for it
    return;
  }
  switch (command_) {
    case Command::com_stmt_prepare:
      being_prepared_ = inspection.whole ? sources_.find(follower_.image(),
                                                         mysqlwire::as_text(payload.subspan(1)))
                                         : lending::StatementSources::partial(follower_.image());
      break;
    case Command::com_set_option:
      wanted_multi_statements_ = payload.size() > 1 && payload[1] == 0;
      break;
    case Command::com_stmt_execute:
    case Command::com_stmt_bulk_execute:
    case Command::com_stmt_send_long_data:
    case Command::com_stmt_reset:
    case Command::com_stmt_fetch:
      if (target_.entry == nullptr) {
        write_id(payload, id_of_none(target_.sent_id));
        break;
      }
      note_execute(inspection);
      write_id(payload, target_.entry->server_id);
      break;
    default: break;
  }
}

/// The session has nothing on its connection that another one could not have, and commits each
/// statement by itself.
bool Borrowing::is_free() const {
  const bool values_known = !follower_.asks_for_values() || (failed_ && follower_.lacks_id_alone());
  return autocommit() && values_known && hold() != Hold::firmly;
}

/// What the command leaves in the statement.
void Borrowing::note_execute(const Inspection& inspection) {
  lending::ClientStatement& statement = *target_.statement;
  lending::PreparedHere::Entry& entry = *target_.entry;
  if (command_ == Command::com_stmt_send_long_data) {
    statement.long_data = true;
    statements_.hold(statement, true);
    entry.holder = target_.id;
    return;
  }
  if (command_ == Command::com_stmt_bulk_execute) return note_bulk(inspection.payload);
  if (command_ != Command::com_stmt_execute || statement.parameters == 0) return;
  if (begins_alike(inspection.payload, statement.head)) {
    if (entry.types != statement.types) entry.types = statement.types;
    return;
  }
  statement.head.clear();
  const auto execute = inspection.whole ? mysqlwire::ComStmtExecute::decode(
                                              inspection.payload, client_side(),
                                              {statement.parameters, types_of(statement), {}})
                                        : mysqlwire::Error{mysqlwire::errc::truncated, 0, "", ""};
  if (!execute) return lose_types();
  note_head(inspection.payload, execute->parameters, statement.head);
  if (!execute->new_params_bind_flag) return;
  remember_types(inspection.payload);
}

/// Types may come with its rows, and count from then on as those of any execute.
void Borrowing::note_bulk(mysqlwire::Bytes command) {
  lending::ClientStatement& statement = *target_.statement;
  const auto place = types_place(command, client_side(), statement.parameters);
  if (!place || statement.parameters == 0) return;
  if (!place->sent) {
    target_.entry->types = statement.types;
    return;
  }
  statement.head.clear();
  remember_types(command);
}

/// Those that the command brings are what the server goes by from here on.
void Borrowing::remember_types(mysqlwire::Bytes command) {
  lending::ClientStatement& statement = *target_.statement;
  auto sent = sent_types(command, client_side(), statement.parameters);
  if (!sent) return lose_types();
  if (!statement.types || *statement.types != *sent)
    statement.types = std::make_shared<const std::vector<mysqlwire::ValueType>>(std::move(*sent));
  target_.entry->types = statement.types;
}

/// Nothing is known of what was sent: no other connection could be told.
void Borrowing::lose_types() {
  target_.entry->types.reset();
  target_.statement->types.reset();
  statements_.hold(*target_.statement, true);
  target_.entry->holder = target_.id;
}

void Borrowing::on_answer(PacketKind kind, mysqlwire::Bytes payload,
                          const mysqlwire::Tracker& tracker) {
  follower_.on_answer(kind, payload, tracker, server_side());
  if (kind == PacketKind::prepare_ok && being_prepared_) {
    const auto ok = mysqlwire::StmtPrepareOk::decode(payload, server_side());
    if (ok) {
      client_id_of_new_ = statements_.next_id();
      const bool bound = being_prepared_->partial || asks_back_later_;
      const std::uint32_t holder = bound ? client_id_of_new_ : 0;
      if (prepared_ != nullptr) prepared_->add(being_prepared_, ok->statement_id).holder = holder;
      lending::ClientStatement& added = statements_.add({being_prepared_, ok->parameter_count});
      added.bound = bound;
      statements_.hold(added, bound);
    }
  }
  if (kind == PacketKind::ok && command_ == Command::com_reset_connection) {
    statements_.clear();
    if (prepared_ != nullptr) prepared_->clear();
    trackers_off_ = true;
    stuck_ = false;
  }
  if (kind == PacketKind::eof && command_ == Command::com_set_option)
    multi_statements_ = wanted_multi_statements_;
  note_last_statement(kind, payload, tracker);
  if (tracker.response_complete()) end_of_answer(kind, tracker);
}

void Borrowing::note_last_statement(PacketKind kind, mysqlwire::Bytes payload,
                                    const mysqlwire::Tracker& tracker) {
  switch (kind) {
    case PacketKind::ok: {
      const auto ok = mysqlwire::OkPacket::decode(payload, server_side());
      if (ok && !diagnoses_) last_.row_count = static_cast<std::int64_t>(ok->affected_rows);
      break;
    }
    case PacketKind::result_end:
      last_.row_count = -1;
      if (command_ != Command::com_query && command_ != Command::com_stmt_execute) break;
      last_.found_rows = tracker.rows();
      found_rows_elsewhere_ = false;
      break;
    case PacketKind::err:
    case PacketKind::eof:
    case PacketKind::field_list_end: last_.row_count = -1; break;
    default: break;
  }
}

std::string_view Borrowing::last_statement_query() noexcept {
  return "SELECT ROW_COUNT(), FOUND_ROWS()";
}

bool Borrowing::take_last_statement(std::span<const lending::ReportedValue> row,
                                    mysqlwire::StatusFlags status) {
  if (row.size() != 2 || !row[0].text || !row[1].text) return false;
  const auto read = [](std::string_view text, auto& number) {
    return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
  };
  lending::LastStatement last;
  if (!read(*row[0].text, last.row_count) || !read(*row[1].text, last.found_rows)) return false;
  last_ = last;
  status_ = status;
  failed_ = false;
  return true;
}

void Borrowing::end_of_answer(PacketKind kind, const mysqlwire::Tracker& tracker) {
  failed_ = kind == PacketKind::err;
  second_chance_.on_answered();
  if (!failed_ && kind != PacketKind::statistics && kind != PacketKind::prepare_ok)
    status_ = tracker.status();
  lending::ClientStatement* const statement = target_.statement;
  if (statement == nullptr || target_.entry == nullptr) return;
  const bool fetched = command_ == Command::com_stmt_fetch;
  if (command_ == Command::com_stmt_execute) statement->long_data = false;
  if (fetched)
    statement->cursor = !failed_ && !tracker.status().has(ServerStatus::last_row_sent);
  else
    statement->cursor = !failed_ && tracker.status().has(ServerStatus::cursor_exists);
  if (command_ == Command::com_stmt_reset) statement->cursor = statement->long_data = false;
  const bool types_unknown = executes(command_) && statement->parameters != 0 && !statement->types;
  const bool holds = statement->cursor || statement->long_data || statement->bound || types_unknown;
  statements_.hold(*statement, holds);
  target_.entry->holder = holds ? target_.id : 0;
}

bool Borrowing::rewrite_answer(PacketKind kind, std::span<std::uint8_t> payload,
                               mysqlwire::Buffer& instead) {
  switch (kind) {
    case PacketKind::prepare_ok: write_id(payload, client_id_of_new_); return false;
    case PacketKind::ok:
    case PacketKind::eof:
    case PacketKind::result_end:
    case PacketKind::field_list_end:
      if (payload.size() > eof_size)
        return lending::filter_ok(payload, server_side(), client_side(), instead);
      if (payload.size() == eof_size && !is_of_other_schema()) clear_state_changed(payload);
      return false;
    default: return false;
  }
}

/// MariaDB executes a statement in the schema that it was prepared in, and takes going there and
/// back for a change, in every session.
bool Borrowing::is_of_other_schema() const {
  if (server().flavor != mysqlwire::Flavor::mariadb || command_ != Command::com_stmt_execute ||
      target_.statement == nullptr)
    return false;
  const auto& prepared = target_.statement->source->image;
  const auto& image = follower_.image();
  return prepared != image && !prepared->schema.empty() && prepared->schema != image->schema;
}

bool Borrowing::in_transaction() const noexcept { return status_.has(ServerStatus::in_trans); }

/// COM_SET_OPTION is about the connection, and no reset takes it back.
bool Borrowing::has_other_option() const {
  return multi_statements_ !=
         client_side().capabilities.has(mysqlwire::Capability::multi_statements);
}

bool Borrowing::reset_suffices() const {
  return !stuck_ && !has_other_option() && lending::reset_cleans(follower_.pins());
}

Borrowing::Hold Borrowing::hold() const {
  const lending::Pins pins = follower_.pins();
  if (only_ || stuck_ || has_other_option() || in_transaction() || statements_.holds_connection())
    return Hold::firmly;
  lending::Pins firm = pins;
  firm.remove(lending::Pin::warnings);
  firm.remove(lending::Pin::found_rows);
  if (firm.any()) return Hold::firmly;
  if (failed_ && !status_.has(ServerStatus::autocommit)) return Hold::uncertain;
  return pins.any() || asks_back_ ? Hold::briefly : Hold::none;
}

std::string Borrowing::reasons() const {
  std::string text = lending::to_string(follower_.pins());
  const auto add = [&text](bool on, std::string_view what) {
    if (on) text += fmt::format("{}{}", text.empty() ? "" : ", ", what);
  };
  add(in_transaction(), "transaction");
  add(statements_.holds_connection(), "prepared_statement");
  add(stuck_, "command");
  add(only_, "password");
  return text;
}

}  // namespace mysqlproxy
