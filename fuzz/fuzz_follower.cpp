// What a client's session becomes, by what its commands say and its server answers: bounded, the
// same twice, and a connection can always be made like it or is known not to be.
//
// Input: traits 1 (bit 0: MariaDB, bit 1: no trackers, bit 2: an old version; bit 3: no
// DEPRECATE_EOF), then records (records.hpp), a packet each. Flags: bit 7 of the server; bit 6 the
// row that value_query() asked for: values 0xFF-separated, for NULL nothing at all.
#include "proportion.hpp"
#include "proxy/lending/difference.hpp"
#include "proxy/lending/session_follower.hpp"
#include "records.hpp"
#include "round_trip.hpp"
#include "typical.hpp"

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/query.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;
using namespace mysqlproxy;
using namespace mysqlproxy::lending;
using namespace std::string_view_literals;

namespace {

constexpr std::size_t head_size = 1;

constexpr TypicalRecord own_typical[] = {
    {of_server, "\x00\x00\x07\x02\x00\x01\x00"sv},
    {of_server,
     "\x00\x00\x00\x02\x40\x00\x00\x00\x15\x00\x0f\x0asql_mode\x03"
     "a,b\x02\x01\x31"sv},
    {of_server, "\x00\x00\x00\x02\x40\x00\x00\x00\x0a\x01\x05\x04test\x02\x01\x31"sv},
    {0x40, "5"sv},
    {0x40, "utf8mb4_bin"sv},
    {0x40, "\xff"sv},
    {0, "\x03SET NAMES latin1"sv},
    {0, "\x03SET NAMES utf8mb4 COLLATE utf8mb4_bin"sv},
    {0, "\x03SET sql_mode = ''"sv},
    {0, "\x03SET @a = 5, @b := 'x'"sv},
    {0, "\x03SET SESSION time_zone = DEFAULT"sv},
    {0, "\x03SET timestamp = 1"sv},
    {0, "\x03SET TRANSACTION ISOLATION LEVEL READ COMMITTED"sv},
    {0, "\x03SET STATEMENT a = 1 FOR SELECT 1"sv},
    {0, "\x03SELECT @a := 1"sv},
    {0, "\x03SELECT 1 INTO @a"sv},
    {0, "\x03SELECT GET_LOCK('a', 1), RELEASE_ALL_LOCKS()"sv},
    {0, "\x03SELECT SQL_CALC_FOUND_ROWS 1"sv},
    {0,
     "\x03"
     "CREATE TEMPORARY TABLE t (a INT)"sv},
    {0,
     "\x03"
     "DROP TEMPORARY TABLE t"sv},
    {0, "\x03LOCK TABLES t WRITE"sv},
    {0, "\x03UNLOCK TABLES"sv},
    {0, "\x03HANDLER t OPEN AS h"sv},
    {0, "\x03PREPARE s FROM 'SELECT 1'"sv},
    {0,
     "\x03"
     "DEALLOCATE PREPARE s"sv},
    {0, "\x03XA START 'x'"sv},
    {0, "\x03USE s"sv},
    {0, "\x03INSERT INTO t VALUES (1)"sv},
    {0,
     "\x03"
     "BEGIN"sv},
    {0,
     "\x03"
     "COMMIT"sv},
    {0, "\x16SET @a = ?"sv},
};
constexpr auto typical = with_typical(own_typical);

ServerTraits traits_of(std::uint8_t bits) {
  ServerTraits traits;
  const bool old = (bits & 4) != 0;
  traits.flavor = (bits & 1) != 0 ? Flavor::mariadb : Flavor::mysql;
  if (traits.flavor == Flavor::mariadb)
    traits.version = old ? 100100 : 101119;
  else
    traits.version = old ? 50600 : 80015;
  traits.tracks = (bits & 2) == 0;
  return traits;
}

Context context_of(std::uint8_t bits) {
  Context context;
  context.capabilities = {Capability::protocol_41, Capability::multi_statements,
                          Capability::multi_results};
  if ((bits & 2) == 0) context.capabilities.set(Capability::session_track);
  if ((bits & 8) == 0) context.capabilities.set(Capability::deprecate_eof);
  context.flavor = (bits & 1) != 0 ? Flavor::mariadb : Flavor::mysql;
  return context;
}

// Every command of a plan is one that can be sent.
void check(const Plan& plan, const ServerTraits& server) {
  Context context;
  context.flavor = server.flavor;
  context.capabilities = {Capability::protocol_41};
  if (!plan.possible) return;
  for (const Buffer& command : plan.commands) {
    require(!command.empty());
    const auto code = static_cast<Command>(command[0]);
    require(code == Command::com_query || code == Command::com_init_db ||
            code == Command::com_reset_connection);
    if (code == Command::com_query) require(ComQuery::decode(command, context).has_value());
  }
}

class Session {
 public:
  Session(std::uint8_t bits, ImageStore& images)
      : server_(traits_of(bits)),
        context_(context_of(bits)),
        tracker_(Tracker::in_command_phase(context_)),
        follower_(images) {
    tracker_.check_sequence(false);
    dialect_.flavor = server_.flavor;
    dialect_.version = server_.version;
    initial_ = images.intern(initial_image(collations::utf8mb4_general_ci, "s", {}, server_));
    follower_.begin(initial_, server_);
  }

  /// False: nothing can follow.
  bool take(const Record& record) {
    if ((record.flags & 0x40) != 0) {
      answer_value_query(record.payload);
      return true;
    }
    if ((record.flags & of_server) != 0) return answer(record.payload);
    return command(record.payload);
  }

  const SessionFollower& follower() const { return follower_; }

  void check_image() const {
    const SessionImage& image = *follower_.image();
    const Pins pins = follower_.pins();
    if (!pins.has(Pin::too_much)) {
      std::size_t bytes = 0;
      for (const auto* values : {&image.variables, &image.user_variables})
        for (const auto& [name, value] : *values) bytes += value.size();
      require(bytes <= 2 * SessionFollower::most_bytes);
    }
    require(difference(image, image, server_).nothing_to_do());
    check(difference(*initial_, image, server_), server_);
    check(difference(image, *initial_, server_), server_);
    check(reset_and_difference(image, image, server_), server_);
    const std::string query = follower_.value_query();
    if (!query.empty()) require(query.starts_with("SELECT "));
  }

 private:
  bool command(Bytes payload) {
    // The follower is told of one command at a time, and of none while a file is sent.
    if (payload.empty() || !tracker_.idle())
      return tracker_.expects_infile() ? file(payload) : false;
    const auto kind = accept(Direction::to_server, payload);
    if (!kind || *kind != PacketKind::command) return false;
    Inspection inspection;
    inspection.command = static_cast<Command>(payload[0]);
    inspection.payload = payload;
    std::string_view text;
    if (inspection.command == Command::com_query) {
      const auto query = ComQuery::decode(payload, context_);
      if (query)
        text = query->query;
      else
        inspection.readable = false;
    } else if (inspection.command == Command::com_stmt_prepare) {
      prepared_ = as_text(payload.subspan(1));
      text = prepared_;
    } else if (inspection.command == Command::com_stmt_execute) {
      text = prepared_;
    }
    inspection.text = text;
    if (!text.empty()) {
      what_ = sql::classify(text, dialect_);
      inspection.what = &what_;
    }
    (void)SessionFollower::reads_last_statement(inspection, dialect_);
    follower_.on_command(inspection, dialect_);
    return !tracker_.lost();
  }

  bool file(Bytes payload) { return accept(Direction::to_server, payload).has_value(); }

  bool answer(Bytes payload) {
    if (tracker_.idle()) return false;
    const auto kind = accept(Direction::to_client, payload);
    if (!kind) return false;
    if (*kind == PacketKind::column_count)
      follower_.on_columns();
    else
      follower_.on_answer(*kind, payload, tracker_, context_);
    if (tracker_.idle()) check_image();
    return true;
  }

  void answer_value_query(Bytes payload) {
    if (!tracker_.idle() || follower_.pins().any() || follower_.value_query().empty()) return;
    std::vector<ReportedValue> row;
    std::string_view rest = as_text(payload);
    while (!rest.empty()) {
      const std::string_view value = rest.substr(0, rest.find('\xff'));
      rest.remove_prefix(std::min(rest.size(), value.size() + 1));
      const bool number = !value.empty() && value[0] >= '0' && value[0] <= '9';
      row.push_back({number ? FieldType::longlong : FieldType::var_string, {}, value});
      if (value.empty()) row.back().text.reset();
    }
    if (!follower_.take_values(row)) require(follower_.pins().any());
    check_image();
  }

  Result<PacketKind> accept(Direction direction, Bytes payload) {
    PacketHead head;
    head.direction = direction;
    head.frame_length = static_cast<std::uint32_t>(payload.size());
    head.prefix = payload;
    return tracker_.accept(head);
  }

  ServerTraits server_;
  Context context_;
  Tracker tracker_;
  SessionFollower follower_;
  sql::Dialect dialect_;
  sql::Classification what_;
  SharedImage initial_;
  std::string prepared_;
};

}  // namespace

MYSQLWIRE_FUZZ_RECORDS(head_size, typical)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // After every answer a connection is made like the session's image, which has up to 16 KiB.
  const Proportion proportion(size, {.seconds = 20});
  if (size < head_size) return 0;
  ImageStore images;
  Session one(data[0], images), other(data[0], images);
  for (const Record& record : read_records({data + head_size, size - head_size})) {
    const bool goes_on = one.take(record);
    require(other.take(record) == goes_on);
    require(one.follower().image() == other.follower().image());
    require(one.follower().pins() == other.follower().pins());
    require(one.follower().value_query() == other.follower().value_query());
    if (!goes_on) break;
  }
  return 0;
}
