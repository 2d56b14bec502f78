// A session that is followed, for tests: statements go in, answers come as bytes.
#pragma once

#include "proxy/lending/difference.hpp"
#include "proxy/lending/session_follower.hpp"
#include "support/hex.hpp"

#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/session_track.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mysqlproxy::lending::test {

using mysqlwire::Buffer;
using mysqlwire::Bytes;
using mysqlwire::Capability;
using mysqlwire::Command;
using mysqlwire::Context;
using mysqlwire::Direction;
using mysqlwire::Flavor;
using mysqlwire::OkPacket;
using mysqlwire::PacketKind;
using mysqlwire::ServerStatus;
using mysqlwire::SessionTrackItem;
using mysqlwire::SessionTrackType;
using mysqlwire::Tracker;
using mysqlwire::Writer;

inline constexpr ServerTraits mysql_8{Flavor::mysql, 80015, true};
inline constexpr ServerTraits mariadb{Flavor::mariadb, 101119, true};
inline constexpr ServerTraits without_trackers{Flavor::mariadb, 101119, false};

/// An OK, as tests write it.
struct Told {
  std::vector<std::pair<std::string, std::string>> variables;
  std::string schema;
  bool state_change = false;
  std::uint64_t last_insert_id = 0;
  std::uint16_t warnings = 0;
  mysqlwire::StatusFlags status{ServerStatus::autocommit};
  std::optional<std::string> characteristics;
};

class Session {
 public:
  explicit Session(ServerTraits server = mysql_8, std::string_view schema = "test")
      : server_(server), tracker_(Tracker::in_command_phase(context())) {
    dialect_.flavor = server.flavor;
    dialect_.version = server.version;
    follower.begin(
        images.intern(initial_image(mysqlwire::collations::utf8mb4_general_ci, schema, {}, server)),
        server);
  }

  Context context() const {
    Context context;
    context.capabilities = {Capability::protocol_41, Capability::session_track,
                            Capability::deprecate_eof, Capability::multi_statements,
                            Capability::multi_results};
    context.flavor = server_.flavor;
    return context;
  }

  void command(std::string_view sql, Command code = Command::com_query) {
    payload_.assign(1, static_cast<std::uint8_t>(code));
    if (code == Command::com_query || code == Command::com_init_db)
      payload_.insert(payload_.end(), sql.begin(), sql.end());
    Inspection inspection;
    inspection.command = code;
    inspection.payload = payload_;
    mysqlwire::sql::Classification what;
    if (code != Command::com_init_db) {
      inspection.text = sql;
      what = mysqlwire::sql::classify(sql, dialect_);
      inspection.what = &what;
    }
    follower.on_command(inspection, dialect_);
    accept(Direction::to_server, payload_, 0);
    sequence_ = 1;
  }

  void answer(Bytes payload) {
    const PacketKind kind = accept(Direction::to_client, payload, sequence_++);
    if (kind == PacketKind::column_count)
      follower.on_columns();
    else
      follower.on_answer(kind, payload, tracker_, context());
  }
  void answer_hex(std::string_view digits) { answer(mysqlwire::test::hex(digits)); }

  void ok(const Told& told = {}) { answer(packet(told)); }
  void err(std::uint16_t code) {
    mysqlwire::ErrPacket packet{code, "HY000", "no"};
    Buffer out;
    Writer writer(out);
    packet.encode(writer, context());
    answer(out);
  }
  /// One row; the end tells what `told` has.
  void rows(const Told& told = {}) {
    answer_hex("01");
    answer_hex("0364656600000001 31000c3f0001000000088100000000");
    answer_hex("0131");
    Buffer end = packet(told);
    end[0] = 0xfe;
    answer(end);
  }

  void query(std::string_view sql, const Told& told = {}) {
    command(sql);
    ok(told);
  }
  void select(std::string_view sql, const Told& told = {}) {
    command(sql);
    rows(told);
  }
  void fail(std::string_view sql, std::uint16_t code = 1064) {
    command(sql);
    err(code);
    // So that what the failure left is not in the way.
    query("DO 1");
  }

  /// The values of character_set_client and its like, which every session begins with.
  const SessionImage& image() const { return *follower.image(); }
  std::string pins() const { return to_string(follower.pins()); }

  ImageStore images;
  SessionFollower follower{images};

 private:
  PacketKind accept(Direction direction, Bytes payload, std::uint8_t sequence) {
    mysqlwire::PacketHead head;
    head.direction = direction;
    head.sequence_id = sequence;
    head.frame_length = static_cast<std::uint32_t>(payload.size());
    head.prefix = payload;
    tracker_.check_sequence(false);
    const auto kind = tracker_.accept(head);
    if (!kind) throw std::runtime_error(tracker_.describe());
    return *kind;
  }

  Buffer packet(const Told& told) const {
    Buffer block;
    Writer items(block);
    for (const auto& [name, value] : told.variables)
      SessionTrackItem::write_variable(items, name, value);
    if (!told.schema.empty())
      SessionTrackItem::write_text(items, SessionTrackType::schema, told.schema);
    if (told.state_change) SessionTrackItem::write_text(items, SessionTrackType::state_change, "1");
    if (told.characteristics)
      SessionTrackItem::write_text(items, SessionTrackType::transaction_characteristics,
                                   *told.characteristics);
    OkPacket packet;
    packet.last_insert_id = told.last_insert_id;
    packet.warnings = told.warnings;
    packet.status = told.status;
    packet.session_state = block;
    if (!block.empty()) packet.status.set(ServerStatus::session_state_changed);
    Buffer out;
    Writer writer(out);
    packet.encode(writer, context());
    return out;
  }

  ServerTraits server_;
  Tracker tracker_;
  mysqlwire::sql::Dialect dialect_;
  Buffer payload_;
  std::uint8_t sequence_ = 0;
};

inline const Told changed{.state_change = true};

inline Told variable(std::string name, std::string value) {
  return {.variables = {{std::move(name), std::move(value)}}, .state_change = true};
}

inline std::string value_of(const Session& session, std::string_view name) {
  const auto found = session.image().variables.find(name);
  return found == session.image().variables.end() ? "-" : found->second;
}

inline std::string user_value_of(const Session& session, std::string_view name) {
  const auto found = session.image().user_variables.find(name);
  return found == session.image().user_variables.end() ? "-" : found->second;
}

inline std::string query_of(const Session& session) { return session.follower.value_query(); }

inline bool answer_values(Session& session, std::initializer_list<ReportedValue> row) {
  const std::vector<ReportedValue> columns(row);
  return session.follower.take_values(columns);
}

inline const ReportedValue id_5{mysqlwire::FieldType::longlong, mysqlwire::ColumnFlag::unsigned_,
                                "5"};

}  // namespace mysqlproxy::lending::test
