#include "proxy/guard/guard.hpp"

#include "proxy/guard/condition.hpp"
#include "proxy/guard/constant.hpp"

#include <mysqlwire/sql/analysis.hpp>
#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/digest.hpp>
#include <mysqlwire/sql/lexer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace mysqlproxy {
namespace {

using mysqlwire::Command;
using mysqlwire::sql::Classification;
using mysqlwire::sql::Dialect;
using mysqlwire::sql::Effect;
using mysqlwire::sql::Keyword;
using mysqlwire::sql::Lexer;
using mysqlwire::sql::StatementKind;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;

constexpr std::size_t deepest_prepare = 3;  // PREPARE of a PREPARE of a PREPARE

/// SLEEP or BENCHMARK in front of a parenthesis.
bool sleeps(std::string_view text, const Dialect& dialect) noexcept {
  Lexer lexer(text, dialect);
  bool name = false;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    if (name && token.is('(')) return true;
    std::string_view word = token.text;
    if (token.kind == TokenKind::quoted_identifier && word.size() >= 2)
      word = word.substr(1, word.size() - 2);
    name = (token.is_identifier() || token.kind == TokenKind::keyword) &&
           (equal_ignoring_case(word, "sleep") || equal_ignoring_case(word, "benchmark"));
  }
  return false;
}

/// The text that PREPARE or EXECUTE IMMEDIATE runs.
struct Prepared {
  bool is_prepare = false;  ///< one of these two
  std::optional<std::string> text;
};

Prepared prepared_text(std::string_view sql, const Dialect& dialect) {
  Lexer lexer(sql, dialect);
  Token token = lexer.next();
  Prepared result;
  if (token.is(Keyword::k_PREPARE)) {
    lexer.next();  // its name
    result.is_prepare = lexer.next().is(Keyword::k_FROM);
  } else if (token.is(Keyword::k_EXECUTE)) {
    token = lexer.next();
    result.is_prepare = equal_ignoring_case(token.text, "immediate");
  }
  if (!result.is_prepare) return result;
  std::string text;
  bool any = false;
  for (token = lexer.next(); token.kind == TokenKind::string; token = lexer.next(), any = true)
    text += string_value(token.text, !dialect.no_backslash_escapes);
  if (any && (token.kind == TokenKind::end || token.is(';') || token.is(Keyword::k_USING)))
    result.text = std::move(text);
  return result;
}

bool is_ddl(const Classification& what) noexcept {
  switch (what.kind) {
    case StatementKind::create:
    case StatementKind::alter:
    case StatementKind::drop:
    case StatementKind::rename:
    case StatementKind::truncate: return what.has(Effect::implicit_commit);
    default: return false;
  }
}

bool is_update(const Classification& what) noexcept {
  return what.kind == StatementKind::update || what.kind == StatementKind::delete_;
}

/// What a command without a text does.
std::optional<GuardCheck> check_of(Command command) noexcept {
  switch (command) {
    case Command::com_create_db:
    case Command::com_drop_db: return GuardCheck::ddl;
    case Command::com_refresh:
    case Command::com_shutdown:
    case Command::com_debug:
    case Command::com_table_dump:
    case Command::com_register_slave:
    case Command::com_binlog_dump:
    case Command::com_binlog_dump_gtid: return GuardCheck::admin;
    default: return std::nullopt;
  }
}

/// A digest that lacks something, or leaves out what is no token, is never known.
bool can_be_known(const Inspection& inspection) noexcept {
  return inspection.whole && inspection.readable && !inspection.digest_truncated &&
         !inspection.what->has(Effect::invalid);
}

/// What statements of one digest have in common: whether there is a tautology, where that does not
/// depend on values. Reading the conditions takes longer than all else that is done here.
class TautologyCache {
 public:
  Conditions find(const Inspection& inspection, const Dialect& dialect) {
    Entry& entry = entries_[inspection.digest % entries_.size()];
    const bool placeholders = inspection.command != Command::com_query;
    if (entry.digest == inspection.digest_text && entry.placeholders == placeholders &&
        entry.concat == dialect.pipes_as_concat && !entry.digest.empty()) {
      Conditions known;
      known.tautology = entry.tautology;
      return known;
    }
    const Conditions found = read_conditions(inspection.text, dialect);
    const bool keep = !found.depends_on_values && !found.too_complex &&
                      !inspection.digest_truncated &&
                      inspection.digest_text.size() <= longest_digest;
    if (keep) {
      entry.digest = inspection.digest_text;
      entry.placeholders = placeholders;
      entry.concat = dialect.pipes_as_concat;
      entry.tautology = found.tautology;
    }
    return found;
  }

 private:
  static constexpr std::size_t longest_digest = 1024;
  struct Entry {
    std::string digest;
    bool placeholders = false;
    bool concat = false;
    bool tautology = false;
  };
  std::array<Entry, 256> entries_;
};

TautologyCache& tautologies() {
  thread_local TautologyCache cache;
  return cache;
}

}  // namespace

/// One command before one user's guard.
class UserGuard::Judge {
 public:
  Judge(const UserGuard& guard, const ConnectionFacts& facts, const Dialect& dialect)
      : guard_(guard), facts_(facts), dialect_(dialect) {}

  void command(const Inspection& inspection) {
    if (const auto check = check_of(inspection.command)) find(*check);
    const bool judged =
        inspection.command == Command::com_query || inspection.command == Command::com_stmt_prepare;
    if (!inspection.readable || !inspection.whole) find(GuardCheck::unreadable);
    if (judged && inspection.has_text()) text(inspection, 0);
  }

  GuardFindings& findings() noexcept { return findings_; }
  /// They say something of other values too.
  bool goes_by_shape() const noexcept { return !by_values_; }

 private:
  bool on(GuardCheck check) const noexcept { return guard_.on(check); }

  void find(GuardCheck check) noexcept {
    switch (guard_.settings_.mode(check)) {
      case GuardMode::off: return;
      case GuardMode::observe: return findings_.observed.add(check);
      case GuardMode::enforce: return findings_.refused.add(check);
    }
  }

  void text(const Inspection& inspection, std::size_t depth) {
    const Classification& what = *inspection.what;
    if (guard_.settings_.max_statement_size != 0 &&
        (inspection.text.size() > guard_.settings_.max_statement_size || !inspection.whole))
      find(GuardCheck::statement_size);
    statement(inspection.text, what, depth);
    if (what.has(Effect::several)) {
      find(GuardCheck::several_statements);
      further(inspection.text, depth);
    }
    if (guard_.reads_digests_) digest(inspection, depth);
  }

  /// The statements behind the first.
  void further(std::string_view text, std::size_t depth) {
    for (std::string_view rest = mysqlwire::sql::split(text, dialect_).rest; !rest.empty();) {
      const auto [statement_text, behind] = mysqlwire::sql::split(rest, dialect_);
      const Classification what = mysqlwire::sql::classify(statement_text, dialect_);
      if (what.kind != StatementKind::empty) statement(statement_text, what, depth);
      if (behind.size() >= rest.size()) return;
      rest = behind;
    }
  }

  void statement(std::string_view text, const Classification& what, std::size_t depth) {
    // What has no known beginning: the server may know it, or what is behind it.
    if (what.has(Effect::invalid) || what.kind == StatementKind::unknown)
      find(GuardCheck::unreadable);
    if (is_update(what)) update(text, what);
    if (is_ddl(what)) find(GuardCheck::ddl);
    if (what.kind == StatementKind::account) find(GuardCheck::account);
    if (what.kind == StatementKind::admin) find(GuardCheck::admin);
    if (what.kind == StatementKind::load_data || what.has(Effect::reads_file))
      find(GuardCheck::read_file);
    if (what.has(Effect::writes_file)) find(GuardCheck::write_file);
    if (what.has(Effect::comment)) find(GuardCheck::comment);
    if (what.has(Effect::version_comment)) find(GuardCheck::version_comment);
    // A quoted `sleep` is a function like any other.
    if (on(GuardCheck::sleep) && (what.has(Effect::waits) || what.has(Effect::calls)) &&
        sleeps(text, dialect_))
      find(GuardCheck::sleep);
    if (what.kind == StatementKind::prepare || what.kind == StatementKind::execute)
      prepare(text, depth);
  }

  void update(std::string_view text, const Classification& what) {
    if (on(GuardCheck::no_where)) {
      if (!what.has(Effect::has_where)) {
        find(GuardCheck::no_where);
      } else {
        const Conditions conditions = read_conditions(text, dialect_);
        if (conditions.constant_where) find(GuardCheck::no_where);
        if (conditions.too_complex) find(GuardCheck::unreadable);
        by_values_ = by_values_ || conditions.depends_on_values || conditions.too_complex;
      }
    }
    if (!on(GuardCheck::no_limit) || what.has(Effect::has_limit)) return;
    const bool limited =
        what.more_tables || std::ranges::any_of(what.tables(), [&](const auto& table) {
          return guard_.limits_table(table.schema, table.name, facts_);
        });
    if (limited) find(GuardCheck::no_limit);
  }

  /// What a text inside of the text does is found as if it came by itself.
  void prepare(std::string_view text, std::size_t depth) {
    const Prepared prepared = prepared_text(text, dialect_);
    if (!prepared.is_prepare) return;
    by_values_ = true;
    if (!prepared.text || depth == deepest_prepare) return find(GuardCheck::prepare_from_variable);
    std::vector<char> room(prepared.text->size() * 4 + 16);
    const auto analysis = mysqlwire::sql::analyze(*prepared.text, dialect_, room);
    Inspection inner;
    inner.command = Command::com_stmt_prepare;
    inner.text = *prepared.text;
    inner.what = &analysis.what;
    inner.digest_text = analysis.digest.text;
    inner.digest = analysis.digest.hash;
    inner.digest_truncated = analysis.digest.truncated;
    this->text(inner, depth + 1);
  }

  void digest(const Inspection& inspection, std::size_t depth) {
    if (on(GuardCheck::denied)) {
      if (inspection.digest_truncated)
        find(GuardCheck::unreadable);
      else if (guard_.deny_.has(inspection.digest, inspection.digest_text))
        find(GuardCheck::denied);
    }
    if (guard_.knows(inspection)) return;
    if (inspection.what->has(Effect::unions)) find(GuardCheck::union_);
    if (on(GuardCheck::tautology)) {
      const Conditions conditions = tautologies().find(inspection, dialect_);
      if (conditions.tautology) find(GuardCheck::tautology);
      if (conditions.too_complex) find(GuardCheck::unreadable);
      by_values_ = by_values_ || conditions.depends_on_values || conditions.too_complex;
    }
    if (!guard_.learn_) return find(GuardCheck::unknown_digest);
    if (!can_be_known(inspection)) return;
    if (depth == 0)
      findings_.is_new = true;
    else
      findings_.new_inside.emplace_back(inspection.digest_text);
  }

  const UserGuard& guard_;
  const ConnectionFacts& facts_;
  const Dialect& dialect_;
  GuardFindings findings_;
  bool by_values_ = false;
};

namespace {

std::uint64_t next_guard_id() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

bool executes(Command command) noexcept {
  return command == Command::com_stmt_execute || command == Command::com_stmt_bulk_execute;
}

}  // namespace

UserGuard::UserGuard(const GuardSettings& settings, std::shared_ptr<const DigestSet> known,
                     std::shared_ptr<const DigestSet> common, bool learn)
    : id_(next_guard_id()),
      settings_(settings),
      known_(std::move(known)),
      common_(std::move(common)),
      learn_(learn),
      reads_digests_(learn || on(GuardCheck::denied) || on(GuardCheck::unknown_digest) ||
                     on(GuardCheck::union_) || on(GuardCheck::tautology)) {
  for (const std::string& text : settings_.deny) {
    deny_.add(text);
    std::vector<char> room(text.size() * 4 + 16);
    const auto digest = mysqlwire::sql::digest(text, {}, room);
    if (!digest.invalid) deny_.add(digest.text);
  }
}

GuardFindings UserGuard::judge(const ConnectionFacts& facts, const Inspection& inspection,
                               const Dialect& dialect) const {
  if (lets_pass(facts, inspection)) return {};
  Judge judge(*this, facts, dialect);
  judge.command(inspection);
  GuardFindings& findings = judge.findings();
  if (inspection.shape != nullptr && judge.goes_by_shape() && findings.clean() &&
      !findings.is_new && findings.new_inside.empty() &&
      (inspection.command == Command::com_query ||
       inspection.command == Command::com_stmt_prepare)) {
    inspection.shape->guard.guard = id_;
    inspection.shape->guard.schema = facts.schema;
  }
  return std::move(findings);
}

bool UserGuard::lets_pass(const ConnectionFacts& facts,
                          const Inspection& inspection) const noexcept {
  return inspection.whole && inspection.readable &&
         (executes(inspection.command) || has_passed(inspection, facts));
}

/// Nothing was found in a statement of the same shape, and nothing can be in this one.
bool UserGuard::has_passed(const Inspection& inspection,
                           const ConnectionFacts& facts) const noexcept {
  if (inspection.shape == nullptr || inspection.shape->guard.guard != id_) return false;
  if (settings_.max_statement_size != 0 && inspection.text.size() > settings_.max_statement_size)
    return false;
  return settings_.limit_tables.empty() || inspection.shape->guard.schema == facts.schema;
}

bool UserGuard::knows(const Inspection& inspection) const noexcept {
  if (!can_be_known(inspection)) return false;
  return (known_ && known_->has(inspection.digest, inspection.digest_text)) ||
         (common_ && common_->has(inspection.digest, inspection.digest_text));
}

bool UserGuard::limits_table(std::string_view schema, std::string_view name,
                             const ConnectionFacts& facts) const {
  if (schema.empty()) schema = facts.schema;
  return std::ranges::any_of(settings_.limit_tables, [&](std::string_view limited) {
    const std::size_t dot = limited.find('.');
    if (dot == limited.npos) return equal_ignoring_case(limited, name);
    // A schema that is not known may be this one.
    return equal_ignoring_case(limited.substr(dot + 1), name) &&
           (schema.empty() || equal_ignoring_case(limited.substr(0, dot), schema));
  });
}

namespace {

using Sets = std::map<std::string, std::shared_ptr<const DigestSet>>;

Sets sets_of(const DigestsByUser& known) {
  Sets sets;
  for (const auto& [user, digests] : known) {
    auto set = std::make_shared<DigestSet>();
    for (const std::string& digest : digests) set->add(digest);
    sets.emplace(user, std::move(set));
  }
  return sets;
}

std::shared_ptr<const DigestSet> set_of(const Sets& sets, const std::string& user) {
  const auto found = sets.find(user);
  return found == sets.end() ? nullptr : found->second;
}

std::map<std::string, UserGuard, std::less<>> guards_of(const GuardConfig& config,
                                                        const Sets& sets) {
  std::map<std::string, UserGuard, std::less<>> users;
  const auto common = set_of(sets, "");
  for (const GuardProfile& profile : config.profiles)
    for (const std::string& user : profile.users)
      users.emplace(user, UserGuard(profile.settings, set_of(sets, user), common, config.learn));
  for (const auto& [user, set] : sets)
    if (!user.empty()) users.emplace(user, UserGuard(config.settings, set, common, config.learn));
  return users;
}

/// For the sentence that a client sees.
std::string_view described(GuardCheck check) noexcept {
  switch (check) {
    case GuardCheck::no_where: return "UPDATE or DELETE without a WHERE that selects rows";
    case GuardCheck::no_limit: return "UPDATE or DELETE without LIMIT";
    case GuardCheck::ddl: return "a change of definitions";
    case GuardCheck::account: return "a change of accounts";
    case GuardCheck::admin: return "administration";
    case GuardCheck::read_file: return "reading a file";
    case GuardCheck::write_file: return "writing a file";
    case GuardCheck::sleep: return "SLEEP or BENCHMARK";
    case GuardCheck::several_statements: return "several statements at once";
    case GuardCheck::comment: return "a comment in a statement";
    case GuardCheck::version_comment: return "a version comment";
    case GuardCheck::union_: return "a UNION that is not known";
    case GuardCheck::tautology: return "a condition that is always true";
    case GuardCheck::prepare_from_variable: return "PREPARE of a text that does not show";
    case GuardCheck::unreadable: return "a statement that can't be inspected";
    case GuardCheck::denied: return "a statement that is denied";
    case GuardCheck::unknown_digest: return "a statement that is not known";
    case GuardCheck::statement_size: return "a statement that is too long";
    case GuardCheck::result_rows: return "a result of too many rows";
    case GuardCheck::result_bytes: return "a result of too many bytes";
    case GuardCheck::running_time: return "a statement that takes too long";
  }
  return {};
}

}  // namespace

Guard::Guard(const GuardConfig& config, const DigestsByUser& known)
    : users_(guards_of(config, sets_of(known))),
      others_(config.settings, nullptr, set_of(sets_of(known), ""), config.learn) {}

const UserGuard& Guard::of(std::string_view user) const {
  const auto found = users_.find(user);
  return found == users_.end() ? others_ : found->second;
}

Refusal refusal_of(GuardChecks refused, std::string_view request) {
  GuardCheck why = GuardCheck::unreadable;
  for (std::size_t i = 0; i < guard_checks; ++i) {
    why = static_cast<GuardCheck>(i);
    if (refused.has(why)) break;
  }
  Refusal refusal{1148, "42000", {}};
  if (why == GuardCheck::no_where || why == GuardCheck::no_limit)
    refusal = {1175, "HY000", {}};  // as sql_safe_updates
  else if (why == GuardCheck::result_rows || why == GuardCheck::result_bytes)
    refusal = {1415, "0A000", {}};
  refusal.message =
      fmt::format("mysqlproxy's guard refuses {} (request {})", described(why), request);
  return refusal;
}

}  // namespace mysqlproxy
