#include "proxy/lending/session_follower.hpp"

#include "proxy/lending/ascii.hpp"
#include "proxy/lending/user_values.hpp"
#include "proxy/lending/variables.hpp"

#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/session_track.hpp>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

namespace mysqlproxy::lending {

using mysqlwire::Bytes;
using mysqlwire::Command;
using mysqlwire::Context;
using mysqlwire::Flavor;
using mysqlwire::OkPacket;
using mysqlwire::PacketKind;
using mysqlwire::ServerStatus;
using mysqlwire::SessionTrackType;
using mysqlwire::sql::Effect;
using mysqlwire::sql::StatementKind;

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool uses_tables(const Inspection& inspection) noexcept {
  switch (inspection.what->kind) {
    case StatementKind::select:
    case StatementKind::insert:
    case StatementKind::replace:
    case StatementKind::update:
    case StatementKind::delete_:
      return inspection.what->table_count > 0 && !inspection.what->has(Effect::several);
    default: return false;
  }
}

// Triggers may run, which set user variables.
bool may_trigger(const Inspection& inspection) noexcept {
  if (inspection.what->has(Effect::several)) return true;
  switch (inspection.what->kind) {
    case StatementKind::insert:
    case StatementKind::replace:
    case StatementKind::update:
    case StatementKind::delete_:
    case StatementKind::load_data: return true;
    default: return false;
  }
}

bool is_executed(Command command) noexcept {
  return command == Command::com_query || command == Command::com_stmt_execute ||
         command == Command::com_stmt_bulk_execute;
}

}  // namespace

void SessionFollower::begin(SharedImage initial, ServerTraits server) {
  ImageStore* const images = images_;
  *this = SessionFollower(*images);
  become(std::move(initial));
  server_ = server;
  need_session_charset();
  // In which character set its bytes are is not said at a login.
  if (!is_printable_ascii(image_->schema)) unknown().schema = true;
}

void SessionFollower::become(SharedImage image) {
  image_ = std::move(image);
  const auto mode = image_->variables.find("sql_mode");
  oracle_mode_ =
      mode != image_->variables.end() && mode->second.find("ORACLE") != std::string::npos;
}

// What difference() needs to know of every session.
void SessionFollower::need_session_charset() {
  for (const std::string_view name : charset_variables) {
    if (image_->variables.contains(name)) continue;
    unknown().variables.emplace(name);
    unknown().names = true;
  }
}

// Most statements, found out without reading them again.
bool SessionFollower::leaves_all_as_it_is(const Inspection& inspection) const noexcept {
  const auto& what = *inspection.what;
  if (what.has(Effect::changes_session) || what.has(Effect::calls) || what.has(Effect::several) ||
      inspection.text.find('@') != std::string_view::npos)
    return false;
  switch (what.kind) {
    case StatementKind::select:
    case StatementKind::insert:
    case StatementKind::replace:
    case StatementKind::update:
    case StatementKind::delete_: break;
    case StatementKind::begin:
    case StatementKind::commit:
    case StatementKind::rollback:
    case StatementKind::savepoint:
    case StatementKind::explain:
    case StatementKind::help:
    case StatementKind::empty: return true;
    default: return false;
  }
  // NEXT VALUE FOR a sequence is not deterministic; Oracle's sequence.NEXTVAL looks like a column.
  return !what.has(Effect::nondeterministic) && !oracle_mode_;
}

void SessionFollower::on_command(const Inspection& inspection,
                                 const mysqlwire::sql::Dialect& dialect, const SessionImage* then) {
  forget_command();
  draft_.reset();
  state_changed_ = false;
  warnings_ = 0;
  command_ = inspection.command;
  inserts_ = inspection.what->kind == StatementKind::insert ||
             inspection.what->kind == StatementKind::replace;
  uses_tables_ = uses_tables(inspection);
  may_trigger_ = may_trigger(inspection);
  calls_ = inspection.what->has(Effect::calls);
  saves_ = inspection.what->kind == StatementKind::savepoint;
  ends_ = inspection.what->has(Effect::ends_transaction) ||
          inspection.what->has(Effect::begins_transaction) ||
          inspection.what->has(Effect::implicit_commit);
  trackers_told_ = false;
  answer_due_ = true;
  switch (inspection.command) {
    case Command::com_query:
    case Command::com_stmt_execute:
    case Command::com_stmt_bulk_execute: break;
    case Command::com_init_db:
      change().schema = std::string(mysqlwire::as_text(inspection.payload.subspan(1)));
      change().explained = true;
      if (!inspection.whole) change().lasting.add(Pin::unknown_change);
      return;
    case Command::com_quit:
    case Command::com_field_list:
    case Command::com_statistics:
    case Command::com_process_info:
    case Command::com_process_kill:
    case Command::com_debug:
    case Command::com_ping:
    case Command::com_change_user:
    case Command::com_stmt_prepare:
    case Command::com_stmt_send_long_data:
    case Command::com_stmt_close:
    case Command::com_stmt_reset:
    case Command::com_stmt_fetch:
    case Command::com_set_option:
    case Command::com_reset_connection: return;
    default: change().lasting.add(Pin::unknown_change); return;
  }
  if (!inspection.whole || !inspection.readable || !inspection.has_text()) {
    change().lasting.add(Pin::unknown_change);
    return;
  }
  if (!leaves_all_as_it_is(inspection))
    read_changes(
        inspection.text, *inspection.what, dialect,
        asked().schema ? std::string_view() : (then != nullptr ? then : image_.get())->schema,
        change());
  // The literals of a prepared statement are of the character set at that time.
  if (inspection.command != Command::com_query && pending_) {
    for (auto& variable : pending_->user_variables) variable.text.reset();
  }
  if (inspection.what->has(Effect::reads_session) ||
      inspection.what->kind == StatementKind::signal ||
      inspection.what->kind == StatementKind::show)
    change().reads_last = lending::reads_last_statement(inspection.text, dialect);
}

void SessionFollower::on_answer(PacketKind kind, Bytes payload, const mysqlwire::Tracker& tracker,
                                const Context& server_side) {
  if (!answer_due_) return;
  switch (kind) {
    case PacketKind::ok:
    case PacketKind::result_end:
    case PacketKind::eof: {
      if (const auto eof = mysqlwire::EofPacket::decode(payload, server_side);
          kind != PacketKind::ok && payload.size() == 5 && eof) {
        warnings_ = std::max(warnings_, eof->warnings);
      } else if (const auto ok = OkPacket::decode(payload, server_side); ok) {
        on_ok(*ok, server_side);
      } else {
        lasting_.add(Pin::unknown_change);
      }
      break;
    }
    case PacketKind::err: {
      const auto packet = mysqlwire::ErrPacket::decode(payload, server_side);
      answer_due_ = false;
      fail(packet ? packet->code : std::uint16_t{0});
      forget_command();
      return;
    }
    default: break;
  }
  if (!tracker.response_complete()) return;
  answer_due_ = false;
  succeed();
  settle_transaction(tracker.status());
  forget_command();
}

// With its memory, since the client may rest for long now.
void SessionFollower::drop_command() noexcept {
  pending_.reset();
  std::vector<std::string>().swap(reported_);
}

void SessionFollower::on_ok(const OkPacket& packet, const Context& context) {
  // MariaDB goes on keeping to itself what changed before an ERR, until there is something more.
  if (server_.flavor == Flavor::mysql || packet.status.has(ServerStatus::session_state_changed))
    trackers_told_ = true;
  warnings_ = std::max(warnings_, packet.warnings);
  // It may also be a value that the statement gave, which LAST_INSERT_ID() is not.
  if (!packet.ends_rows && packet.last_insert_id != 0) unknown().last_insert_id = true;
  if (packet.status.has(ServerStatus::db_dropped)) unknown().schema = true;
  on_items(packet, context);
}

void SessionFollower::on_items(const OkPacket& packet, const Context& context) {
  mysqlwire::SessionTrackItems items(packet.session_state, context);
  while (const auto item = items.next()) on_item(*item, packet, context);
  if (!items.ok()) lasting_.add(Pin::unknown_change);
}

void SessionFollower::on_item(const mysqlwire::SessionTrackItem& item, const OkPacket& packet,
                              const Context& context) {
  if (item.type == SessionTrackType::system_variables) {
    mysqlwire::SystemVariables variables(item.data, context);
    while (const auto variable = variables.next()) on_variable(variable->name, variable->value);
    if (!variables.ok()) lasting_.add(Pin::unknown_change);
    return;
  }
  if (item.type == SessionTrackType::state_change) state_changed_ = true;
  const auto text = item.text(context);
  if (!text) return;
  switch (item.type) {
    case SessionTrackType::schema:
      draft().schema = *text;
      if (unknown_) unknown_->schema = false;
      if (pending_) pending_->schema.reset();
      break;
    case SessionTrackType::gtids: last_gtid_ = *text; break;
    case SessionTrackType::transaction_characteristics:
      // Inside of a transaction it tells how that began; outside, how the next one is to begin.
      if (text->empty() || !packet.status.has(ServerStatus::in_trans))
        one_shot_transaction_ = !text->empty();
      one_shot_in_use_ = one_shot_transaction_ && packet.status.has(ServerStatus::in_trans);
      if (pending_) pending_->one_shot_transaction = false;
      break;
    default: break;
  }
}

void SessionFollower::on_variable(std::string_view reported_name, std::string_view value) {
  std::string name = lower(reported_name);
  switch (use_of(name)) {
    case VariableUse::noise: return;
    case VariableUse::last_insert_id: unknown().last_insert_id = true; return;
    case VariableUse::last_gtid: last_gtid_ = value; return;
    case VariableUse::by_text: reported_.push_back(std::move(name)); return;
    case VariableUse::one_shot: lasting_.add(Pin::one_shot); return;
    case VariableUse::not_carried: lasting_.add(Pin::unknown_change); return;
    case VariableUse::tracking: lasting_.add(Pin::tracking); return;
    case VariableUse::carried: break;
  }
  // What was reported may have been taken back since, where it was not SET that did it.
  const bool by_set =
      pending_ && !pending_->several &&
      (pending_->charset || pending_->session_transaction || !pending_->variables.empty());
  if (by_set) {
    set_variable(name, variable_value(name, value));
    if (unknown_) unknown_->variables.erase(name);
  } else {
    unknown().variables.insert(name);
  }
  if (name == "character_set_results") draft().variables.erase("names");
  // These take a collation along, of which nobody tells.
  if (name == "character_set_connection") unknown().variables.emplace("collation_connection");
  if (name == "collation_connection") unknown().variables.emplace("character_set_connection");
  if (name == "character_set_server") unknown().variables.emplace("collation_server");
  if (name == "collation_server") unknown().variables.emplace("character_set_server");
  reported_.push_back(std::move(name));
}

void SessionFollower::succeed() {
  if (command_ == Command::com_reset_connection) return on_reset();
  // What changed may also be what the statement before it did until it failed.
  const bool doubtful = in_doubt_;
  if (trackers_told_) in_doubt_ = false;
  const bool lasting = pending_ && pending_->lasting.any();
  const bool told = pending_ && pending_->explained && !doubtful;
  if (state_changed_ && !told && !lasting) {
    const bool own_tables = pending_ && pending_->defines && held_.pins().has(Pin::temporary_table);
    if (doubtful || !own_tables) lasting_.add(Pin::unknown_change);
  }
  settle(true);
  settle_statement(warnings_ > 0);
  publish();
}

void SessionFollower::settle_doubt(const OkPacket& packet, const Context& context) {
  if (!in_doubt_) return;
  pending_.reset();
  state_changed_ = false;
  on_ok(packet, context);
  if (state_changed_) lasting_.add(Pin::unknown_change);
  in_doubt_ = false;
  publish();
}

void SessionFollower::settle_statement(bool has_warnings) {
  const bool statement = is_executed(command_) || command_ == Command::com_stmt_prepare;
  if (!statement && !has_warnings) return;
  const bool found_rows = pending_ && pending_->found_rows;
  if (pending_ && pending_->reads_last) {
    if (has_warnings) of_statement_.add(Pin::warnings);
    if (found_rows) of_statement_.add(Pin::found_rows);
    return;
  }
  // Where a statement has no tables and no warnings, old servers keep those of the one before.
  const bool forgets =
      uses_tables_ || (server_.flavor == Flavor::mysql && server_.version >= 50700);
  const bool kept = !forgets && of_statement_.has(Pin::warnings);
  of_statement_ = {};
  of_statement_.set(Pin::warnings, has_warnings || kept);
  of_statement_.set(Pin::found_rows, found_rows);
}

// Without autocommit servers say that there is a transaction when a statement has used a table, and
// know a savepoint that was set before that.
void SessionFollower::settle_savepoints(mysqlwire::StatusFlags status) {
  if (status.has(ServerStatus::in_trans) || status.has(ServerStatus::autocommit) || ends_)
    lasting_.remove(Pin::savepoint);
  else if (saves_)
    lasting_.add(Pin::savepoint);
}

// Without trackers nobody says when a single statement used it up, so a transaction has to.
void SessionFollower::settle_transaction(mysqlwire::StatusFlags status) {
  if (saves_ || lasting_.has(Pin::savepoint)) settle_savepoints(status);
  if (!one_shot_transaction_) return;
  if (status.has(ServerStatus::in_trans)) {
    one_shot_in_use_ = true;
  } else if (one_shot_in_use_) {
    one_shot_transaction_ = false;
    one_shot_in_use_ = false;
  }
}

// The schema stays; the character set is the server's own from here on, whatever that is.
void SessionFollower::on_reset() {
  SessionImage clean;
  clean.schema = image_->schema;
  const bool schema_unknown = asked().schema;
  const std::string gtid = std::move(last_gtid_);
  const bool sequence = lasting_.has(Pin::sequence);
  begin(images_->intern(std::move(clean)), server_);
  // MariaDB forgets nothing of them.
  lasting_.set(Pin::sequence, sequence);
  last_gtid_ = gtid;
  if (schema_unknown) unknown().schema = true;
}

Pins SessionFollower::pins() const {
  Pins pins = held_.pins();
  pins.add(lasting_);
  pins.add(of_statement_);
  if (one_shot_transaction_) pins.add(Pin::one_shot);
  return pins;
}

bool SessionFollower::was_reported(std::string_view name) const noexcept {
  return std::find(reported_.begin(), reported_.end(), name) != reported_.end();
}

StatementChanges& SessionFollower::change() {
  if (!pending_) pending_ = std::make_unique<StatementChanges>();
  return *pending_;
}

SessionFollower::Unknown& SessionFollower::unknown() {
  if (!unknown_) unknown_ = std::make_unique<Unknown>();
  return *unknown_;
}

const SessionFollower::Unknown SessionFollower::nothing_;

const SessionFollower::Unknown& SessionFollower::asked() const noexcept {
  return unknown_ ? *unknown_ : nothing_;
}

SessionImage& SessionFollower::draft() {
  if (!draft_) draft_ = std::make_unique<SessionImage>(*image_);
  return *draft_;
}

void SessionFollower::set_variable(const std::string& name, std::string value) {
  if (ties(name, value)) lasting_.add(Pin::unknown_change);
  const std::string_view other = other_name_of(name);
  if (!other.empty()) draft().variables.erase(std::string(other));
  draft().variables.insert_or_assign(name, std::move(value));
}

void SessionFollower::set_user_variable(const std::string& name, std::string value) {
  if (value == "NULL")
    draft().user_variables.erase(name);
  else
    draft().user_variables.insert_or_assign(name, std::move(value));
}

void SessionFollower::publish() {
  check_bounds();
  if (!draft_) return;
  become(images_->intern(std::move(*draft_)));
  draft_.reset();
}

void SessionFollower::check_bounds() {
  if (asked().user_variables.size() + asked().variables.size() > most_variables) {
    lasting_.add(Pin::too_much);
    const bool schema = asked().schema;
    unknown_.reset();
    if (schema) unknown().schema = true;
  }
  if (!draft_) return;
  std::size_t bytes = 0;
  for (const auto* const values : {&draft_->variables, &draft_->user_variables}) {
    for (const auto& [name, value] : *values) bytes += name.size() + value.size();
  }
  const std::size_t count = draft_->variables.size() + draft_->user_variables.size();
  if (count <= most_variables && bytes <= most_bytes) return;
  // What can't be carried need not be kept either; but COM_RESET_CONNECTION keeps the schema.
  lasting_.add(Pin::too_much);
  SessionImage kept = *image_;
  kept.schema = std::move(draft_->schema);
  *draft_ = std::move(kept);
}

std::string SessionFollower::value_query() const {
  if (!asked().any()) return {};
  std::string sql = "SELECT ";
  const auto add = [&](std::string_view column) {
    if (sql.size() > 7) sql += ", ";
    sql += column;
  };
  if (asked().schema) add("HEX(CONVERT(DATABASE() USING utf8))");
  if (asked().last_insert_id) add("LAST_INSERT_ID()");
  for (const std::string& name : asked().variables) add("@@session." + name);
  for (const std::string& name : asked().user_variables) add(user_value_query(name, longest_value));
  return sql;
}

void SessionFollower::lose_schema() {
  draft().schema.clear();
  publish();
}

bool SessionFollower::lacks_id_alone() const noexcept {
  return asked().last_insert_id && !asked().schema && asked().variables.empty() &&
         asked().user_variables.empty();
}

bool SessionFollower::take_values(std::span<const ReportedValue> row) {
  const std::size_t columns = std::size_t{asked().schema} + std::size_t{asked().last_insert_id} +
                              asked().variables.size() +
                              user_value_columns * asked().user_variables.size();
  const bool taken = row.size() == columns && take_session_values(row) && take_user_values(row);
  if (!taken) {
    lasting_.add(Pin::unknown_change);
    draft_.reset();
    return false;
  }
  unknown_.reset();
  publish();
  return true;
}

// Takes what it reads off the front of `row`.
bool SessionFollower::take_session_values(std::span<const ReportedValue>& row) {
  if (asked().schema) {
    const auto schema = row.front().text ? from_hex(*row.front().text) : std::string();
    if (!schema) return false;
    draft().schema = *schema;
    row = row.subspan(1);
  }
  if (asked().last_insert_id) {
    std::uint64_t id = 0;
    const std::string_view text = row.front().text.value_or("");
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (problem != std::errc() || end != text.data() + text.size()) return false;
    draft().last_insert_id = id;
    row = row.subspan(1);
  }
  for (const std::string& name : asked().variables) {
    const ReportedValue& value = row.front();
    if (!value.text)
      set_variable(name, "NULL");
    else if (value.is_number() && is_plain_number(*value.text))
      set_variable(name, std::string(*value.text));
    else
      set_variable(name, quoted_text(*value.text));
    row = row.subspan(1);
  }
  if (asked().names && draft().variables["character_set_results"] != "NULL")
    set_variable("names", draft().variables["collation_connection"]);
  return true;
}

bool SessionFollower::take_user_values(std::span<const ReportedValue>& row) {
  for (const std::string& name : asked().user_variables) {
    const auto columns = row.first(user_value_columns);
    const auto value = user_value(columns);
    if (!value) return false;
    // One more character than that was asked for.
    if (columns[2].text && columns[2].text->size() > 2 * longest_value)
      lasting_.add(Pin::too_much);
    else
      set_user_variable(name, *value);
    row = row.subspan(user_value_columns);
  }
  return true;
}

bool SessionFollower::reads_last_statement(const Inspection& inspection,
                                           const mysqlwire::sql::Dialect& dialect) {
  return is_executed(inspection.command) && is_about_last_statement(inspection, dialect);
}

bool SessionFollower::is_about_last_statement(const Inspection& inspection,
                                              const mysqlwire::sql::Dialect& dialect) {
  return (inspection.what->has(Effect::reads_session) ||
          inspection.what->kind == StatementKind::show ||
          inspection.what->kind == StatementKind::signal) &&
         lending::reads_last_statement(inspection.text, dialect);
}

}  // namespace mysqlproxy::lending
