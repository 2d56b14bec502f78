#include "proxy/session/watch.hpp"

#include "cli/common/slow_log.hpp"
#include "proxy/pool/topology.hpp"
#include "proxy/statistics/redacted.hpp"

#include <mysqlwire/sql/digest.hpp>

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Command;
using mysqlwire::PacketKind;

namespace {

constexpr std::size_t longest_audited = 2048;
constexpr std::size_t longest_slow = 16 * 1024;

template <class Clock>
std::int64_t nanoseconds() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

/// What has to be added to monotonic nanoseconds for those since 1970. Found out once: it saves a
/// look at another clock for each command.
std::int64_t epoch_offset() noexcept {
  static const std::int64_t offset =
      nanoseconds<std::chrono::system_clock>() - nanoseconds<std::chrono::steady_clock>();
  return offset;
}

/// The server answers to these.
bool has_answer(Command command) noexcept {
  switch (command) {
    case Command::com_quit:
    case Command::com_stmt_close:
    case Command::com_stmt_send_long_data: return false;
    default: return true;
  }
}

std::string_view host_of(std::string_view address) noexcept {
  return address.substr(0, address.rfind(':'));
}

}  // namespace

std::unique_ptr<Watch> Watch::make(Services& services, StatementStatistics& statistics,
                                   Deadline& deadline, std::uint64_t connection_id,
                                   std::shared_ptr<const Topology> topology,
                                   std::string_view user) {
  const Config& config = topology->config();
  if (config.guard.idle() && !config.statistics.enabled) return nullptr;
  return std::make_unique<Watch>(services, statistics, deadline, connection_id, std::move(topology),
                                 user);
}

Watch::Watch(Services& services, StatementStatistics& statistics, Deadline& deadline,
             std::uint64_t connection_id, std::shared_ptr<const Topology> topology,
             std::string_view user)
    : statistics_(statistics),
      deadline_(deadline),
      services_(services),
      connection_id_(connection_id),
      topology_(std::move(topology)) {
  const Config& config = topology_->config();
  guard_ = config.guard.idle() ? nullptr : &topology_->guard().of(user);
  counted_ = config.statistics.enabled ? &config.statistics : nullptr;
  slow_ = counted_ != nullptr && !counted_->slow_log.empty();
  const auto on = [&](GuardCheck check) {
    return guard_ != nullptr && guard_->settings().mode(check) != GuardMode::off;
  };
  times_ = on(GuardCheck::running_time);
  limits_ = on(GuardCheck::result_rows) || on(GuardCheck::result_bytes);
  if (counted_ != nullptr) statistics_.limit(counted_->max_statements);
}

std::optional<Refusal> Watch::on_command(const ConnectionFacts& facts, const Inspection& inspection,
                                         const mysqlwire::sql::Dialect& dialect) {
  begin(facts, inspection, dialect);
  if (guard_ == nullptr) return std::nullopt;
  if (!guard_->lets_pass(facts, inspection)) {
    auto refusal = judge(facts, inspection, dialect);
    if (refusal) return refusal;
  }
  if (times_ && under_way_) {
    asked_at_ = deadline_.loop().now();
    if (!armed_) arm(guard_->settings().max_running_time);
  }
  return std::nullopt;
}

std::optional<Refusal> Watch::judge(const ConnectionFacts& facts, const Inspection& inspection,
                                    const mysqlwire::sql::Dialect& dialect) {
  const GuardFindings findings = guard_->judge(facts, inspection, dialect);
  if (findings.refused.empty()) learn(facts, inspection, findings);
  if (findings.clean()) return std::nullopt;
  const std::string request = services_.audit.next_request();
  note_findings(facts, findings.observed, findings.refused, request,
                redacted(inspection.text, dialect, longest_audited));
  if (findings.refused.empty()) return std::nullopt;
  finish(facts, true);
  return refusal_of(findings.refused, request);
}

void Watch::begin(const ConnectionFacts& facts, const Inspection& inspection,
                  const mysqlwire::sql::Dialect& dialect) {
  command_ = inspection.command;
  under_way_ = has_answer(command_);
  complete_ = cut_ = error_ = in_rows_ = false;
  error_code_ = 0;
  rows_ = bytes_ = 0;
  exceeded_ = {};
  digest_ = inspection.digest;
  digest_text_ = inspection.digest_text;
  if (times_) mariadb_ = dialect.flavor == mysqlwire::Flavor::mariadb;
  if (counted_ == nullptr || !under_way_) return;
  if (!origin_) origin_ = statistics_.origin(facts.user, facts.schema, facts.server);
  StatementKey key{inspection.digest_text, inspection.digest, origin_};
  if (key.digest_text.empty()) {
    key.digest_text = to_string(command_);
    key.digest = mysqlwire::sql::digest_hash(key.digest_text);
  }
  line_ = statistics_.find(key, inspection.text, dialect, inspection.shape);
  digest_ = key.digest;
  if (slow_) {
    text_ = inspection.text.substr(0, longest_slow);
    dialect_ = dialect;
  }
  began_ = deadline_.loop().precise_now();
}

void Watch::learn(const ConnectionFacts& facts, const Inspection& inspection,
                  const GuardFindings& findings) {
  if (findings.is_new) services_.learner.add(facts.user, inspection.digest_text);
  for (const std::string& digest : findings.new_inside) services_.learner.add(facts.user, digest);
}

void Watch::note_findings(const ConnectionFacts& facts, GuardChecks observed, GuardChecks refused,
                          std::string_view request, std::string_view statement) {
  services_.audit.write({.time = std::chrono::system_clock::now(),
                         .request = request,
                         .connection_id = connection_id_,
                         .facts = facts,
                         .command = command_,
                         .digest_text = digest_text_,
                         .digest = digest_,
                         .statement = statement,
                         .observed = observed,
                         .refused = refused});
}

void Watch::on_answer(PacketKind kind, Bytes prefix, const mysqlwire::Tracker& tracker) {
  if (!under_way_) return;
  complete_ = tracker.response_complete();
  if (kind != PacketKind::result_end && kind != PacketKind::err) return;
  if (std::exchange(in_rows_, false)) rows_ += tracker.rows();
  if (kind != PacketKind::err) return;
  error_ = true;
  if (prefix.size() >= 3) error_code_ = static_cast<std::uint16_t>(prefix[1] | prefix[2] << 8);
}

std::optional<Refusal> Watch::on_progress(const ConnectionFacts& facts, std::uint64_t bytes,
                                          const mysqlwire::Tracker& tracker) {
  if (!under_way_) return std::nullopt;
  bytes_ = bytes;
  std::optional<Refusal> refusal;
  if (limits_ && !cut_) {
    const GuardSettings& settings = guard_->settings();
    const std::uint64_t rows = rows_ + (in_rows_ ? tracker.rows() : 0);
    if (settings.max_result_rows != 0 && rows > settings.max_result_rows)
      refusal = refuse_at_limit(facts, GuardCheck::result_rows);
    if (!refusal && settings.max_result_bytes != 0 && bytes > settings.max_result_bytes)
      refusal = refuse_at_limit(facts, GuardCheck::result_bytes);
  }
  if (complete_) finish(facts, false);
  return refusal;
}

std::optional<Refusal> Watch::on_time(const ConnectionFacts& facts) {
  armed_ = false;
  deadline_.clear();
  if (!under_way_ || cut_ || !times_) return std::nullopt;
  const std::chrono::milliseconds most = guard_->settings().max_running_time;
  const std::chrono::milliseconds taken(deadline_.loop().now() - asked_at_);
  if (taken < most) {
    arm(most - taken);
    return std::nullopt;
  }
  auto refusal = refuse_at_limit(facts, GuardCheck::running_time);
  if (!refusal) return refusal;
  // As the server that runs it says it.
  const std::size_t number = refusal->message.find(" (request ");
  if (mariadb_)
    refusal = {1969, "70100",
               "Query execution was interrupted (max_statement_time exceeded)" +
                   refusal->message.substr(number)};
  else
    refusal = {3024, "HY000",
               "Query execution was interrupted, maximum statement execution time exceeded" +
                   refusal->message.substr(number)};
  return refusal;
}

/// Left as it is until then, however many commands come and go: setting it for each would cost more
/// than to look again.
void Watch::arm(std::chrono::milliseconds from_now) {
  armed_ = true;
  deadline_.set(from_now);
}

std::optional<Refusal> Watch::refuse_at_limit(const ConnectionFacts& facts, GuardCheck check) {
  const GuardMode mode = guard_->settings().mode(check);
  if (mode == GuardMode::off || exceeded_.has(check)) return std::nullopt;
  exceeded_.add(check);
  GuardChecks checks;
  checks.add(check);
  const std::string request = services_.audit.next_request();
  // What has come as a whole has gone on as a whole.
  const bool enforce = mode == GuardMode::enforce && !complete_;
  note_findings(facts, enforce ? GuardChecks() : checks, enforce ? checks : GuardChecks(), request,
                {});
  if (!enforce) return std::nullopt;
  cut_ = true;
  return refusal_of(checks, request);
}

void Watch::settle(const ConnectionFacts& facts, bool refused) {
  if (under_way_) finish(facts, refused);
}

void Watch::finish(const ConnectionFacts& facts, bool refused) {
  under_way_ = false;
  if (counted_ == nullptr) return;
  const std::int64_t now = deadline_.loop().precise_now();
  const std::int64_t microseconds = (now - began_) / 1000;
  statistics_.add(line_, {.now = (now + epoch_offset()) / 1'000'000,
                          .microseconds = microseconds,
                          .rows = rows_,
                          .bytes = bytes_,
                          .error = error_ || refused || cut_,
                          .refused = refused});
  if (!slow_ || refused || microseconds < counted_->slow_time.count() * 1000) return;
  if (slow_seen_++ % counted_->slow_sample == 0) write_slow(facts, microseconds);
}

void Watch::write_slow(const ConnectionFacts& facts, std::int64_t microseconds) {
  const std::string digest = fmt::format("{:016x}", digest_);
  // Passwords stand in some statements; nobody asked for those.
  const bool shown = counted_->slow_values && mysqlwire::sql::classify(text_, dialect_).kind !=
                                                  mysqlwire::sql::StatementKind::account;
  const std::string statement = shown ? text_ : redacted(text_, dialect_, longest_slow);
  cli::SlowLogEntry entry;
  entry.time = began_ + microseconds * 1000 + epoch_offset();
  entry.duration = microseconds * 1000;
  entry.user = facts.user;
  entry.host = host_of(facts.address);
  entry.connection_id = connection_id_;
  entry.schema = facts.schema;
  entry.rows_sent = rows_;
  entry.bytes_sent = bytes_;
  entry.error = error_code_;
  entry.digest = digest;
  entry.statement = statement;
  entry.command = to_string(command_);
  if (entry.command.starts_with("COM_")) entry.command.remove_prefix(4);
  std::string text;
  cli::append_slow_log(text, entry);
  text.pop_back();
  services_.slow_log.write(std::move(text));
}

}  // namespace mysqlproxy
