// All rules of a configuration, made ready to be asked.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/rules/bits.hpp"
#include "proxy/rules/limits.hpp"
#include "proxy/rules/moment.hpp"
#include "proxy/statement/shape.hpp"

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/dialect.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mysqlproxy::rules {

/// Whether a statement is what the word says.
bool has_effect(const mysqlwire::sql::Classification& what, RuleEffect effect) noexcept;

/// What the client is told by a rule that refuses.
std::string refusal_text(const RuleConfig& rule);

/// Whose statement it is. Borrows.
struct Client {
  std::string_view user;
  std::string_view schema;  ///< the current one
  ClientHost from;
  std::string_view host;  ///< "10.0.0.9", "localhost"
  std::string_view listener;
  std::string_view pool;
};

/// A statement, found out once. Borrows.
struct Statement {
  std::string_view text;
  const mysqlwire::sql::Classification* what = nullptr;
  std::string_view digest_text;
  std::uint64_t digest = 0;
  bool digest_truncated = false;
  /// It was prepared: it comes again and again with the very same text.
  bool prepared = false;
  mysqlwire::sql::Dialect dialect;
  /// Where to remember what rules its shape rules out; null: by itself.
  const Shape* shape = nullptr;
  /// The text of a parameter of COM_STMT_EXECUTE, from 0; nothing where it is NULL or not there.
  std::function<std::optional<std::string>(std::uint32_t)> parameter;
};

/// What is counted of a rule. Goes on over a reload that leaves the rule as it is.
struct RuleState {
  explicit RuleState(const RuleAction& then);

  std::atomic<std::uint64_t> hits = 0;
  std::atomic<std::uint64_t> limited = 0;  ///< refused by its rate or concurrency
  /// What could not go where the rule says, because it needed its session.
  std::atomic<std::uint64_t> kept = 0;
  std::atomic<std::uint64_t> mirrored = 0;
  std::atomic<std::uint64_t> mirror_lost = 0;     ///< too many at once, or no server to be had
  std::shared_ptr<RateLimit> rate;                ///< null: there is none
  std::shared_ptr<ConcurrencyLimit> concurrency;  ///< null: there is none
};

/// One rule of the book.
struct Rule {
  const RuleConfig& config() const noexcept { return *config_; }
  RuleState& state() const noexcept { return *state_; }
  const std::shared_ptr<RuleState>& shared_state() const noexcept { return state_; }

  std::shared_ptr<const RuleConfig> config_;
  std::shared_ptr<RuleState> state_;
  std::size_t number = 0;  ///< its place in the file, from 1
};

/// What of a rule did not fit.
enum class Misfit : std::uint8_t {
  none,
  disabled,
  stage,
  user,
  schema,
  client,
  listener,
  pool,
  time,
  weekday,
  kind,
  effect,
  table,
  hint,
  digest,
  match,
  match_digest,
  percent,
  value,  ///< there is nothing to hash, or a hint that names nothing
};
std::string_view to_string(Misfit misfit) noexcept;

/// What rules want for one statement or one connection. Borrows from the book and the statement;
/// one object serves any number of them, one after the other, without allocating anew.
class Decision {
 public:
  /// The rules that matched, in order.
  std::span<const Rule* const> matched() const noexcept { return matched_; }
  bool nothing() const noexcept { return matched_.empty(); }
  /// There is something to do: a rule may match and only keep those behind it from being asked.
  bool acts() const noexcept;

  /// The rule that says where to; null: it stays where it is. At most one of the names is there.
  const Rule* route = nullptr;
  std::string_view pool;
  std::string_view server;
  std::string hash_value;  ///< where `route` hashes: for Config's servers of `pool`
  bool hashed = false;

  /// The rule that refuses or answers; nothing else is done then.
  const Rule* last_word = nullptr;
  /// The statement as it is to be sent instead.
  std::optional<std::string> rewritten;
  std::chrono::milliseconds delay{0};

  void clear();

 private:
  friend class RuleBook;
  std::vector<const Rule*> matched_;
  std::vector<int> scratch_;
  std::vector<std::uint64_t> text_hits_;
  std::vector<std::uint64_t> digest_hits_;
};

/// Why a rule did or did not match; for people.
struct Verdict {
  const Rule* rule = nullptr;
  Misfit misfit = Misfit::none;
  bool by_unless = false;  ///< what did not fit stands in `unless`
  bool asked = true;       ///< false: a rule in front of it stopped
};

/// Immutable but for what its rules count: any thread may ask at any time. A reload makes a new one
/// and swaps it whole.
class RuleBook {
 public:
  /// `config` has been checked. `previous` may be null; rules that are the same go on counting.
  explicit RuleBook(const Config& config, const RuleBook* previous = nullptr);
  ~RuleBook();
  RuleBook(const RuleBook&) = delete;
  RuleBook& operator=(const RuleBook&) = delete;

  /// No rule is ever asked at that stage.
  bool empty(RuleStage stage) const noexcept;
  std::span<const Rule> rules() const noexcept { return rules_; }
  /// Some rule depends on the time or on chance: others may be asked with any Moment.
  bool asks_moment() const noexcept { return asks_moment_; }

  /// Which rules a connection's statements can match at all. To be made anew when what it was made
  /// of changes, and for another book.
  class Scope {
   public:
    bool nothing() const noexcept;
    /// Of this scope of this book, in this process: for the statements of all that have it the
    /// same rules are asked, in the same way. 0: no such number is kept.
    std::uint64_t id() const noexcept { return id_; }

   private:
    friend class RuleBook;
    Bits rules_;
    std::uint64_t id_ = 0;
  };
  Scope scope(const Client& client) const;

  /// It is remembered that no rule in `scope` can match a statement of this shape. That goes into
  /// the shape too, so that the next one with the same scope need not ask.
  bool rules_out(const Scope& scope, const Shape& shape, std::string_view schema) const noexcept;

  /// Asks the rules of the stage `connection`; their hits are counted.
  void at_connection(const Client& client, const Moment& moment, Decision& decision) const;
  /// Asks the rules of the stage `statement`; their hits are counted. Which rules
  /// the shape of a statement rules out is remembered for each thread; what is left to ask are
  /// regular expressions on the text, all in one reading, and hints.
  void at_statement(const Scope& scope, const Client& client, const Statement& statement,
                    const Moment& moment, Decision& decision) const;

  /// The same without counting, with a verdict for each rule. `statement` is null at the stage
  /// `connection`.
  std::vector<Verdict> explain(const Client& client, const Statement* statement,
                               const Moment& moment, Decision& decision) const;

  /// The servers of the decision's pool in the order in which the value that it hashes prefers
  /// them; as the configuration has them when it hashes none.
  std::vector<std::string> preferred_servers(const Decision& decision) const;

 private:
  struct Compiled;
  struct Question;
  struct Index;

  std::uint64_t id_of(const Bits& rules, std::string_view schema) const;
  Misfit misfit(const Compiled& rule, Question& question, bool& by_unless) const;
  static Misfit misfit_of_connection(const Compiled& rule, const Client& client, bool& by_unless);
  Misfit misfit_of_statement(const Compiled& rule, Question& question, bool& by_unless,
                             bool by_shape = false) const;
  const Bits& likely(Question& question) const;
  void find_likely(Question& question, Bits& rules) const;
  bool may_hit_text(Question& question, std::size_t regex) const;
  bool text_hit(Question& question, std::size_t regex) const;
  bool digest_hit(Question& question, std::size_t regex) const;
  bool take(const Compiled& rule, Question& question) const;
  bool find_target(const Compiled& rule, Question& question) const;
  std::optional<std::string> value_to_hash(const RuleHash& hash, const Compiled& rule,
                                           Question& question) const;

  const std::uint64_t id_;
  bool asks_moment_ = false;
  bool asks_schema_ = false;  ///< which tables some rules mean depends on the current schema
  std::vector<Rule> rules_;
  std::unique_ptr<const Index> index_;
  std::vector<PoolConfig> pools_;
  std::vector<std::pair<std::string, std::uint32_t>> servers_;  // with their weights

  static constexpr std::size_t most_scopes = 4096;
  mutable std::mutex scopes_mutex_;
  /// By what makes them differ: their rules, and the schema where a rule asks for that.
  mutable std::map<std::pair<Bits, std::string>, std::uint64_t> scope_ids_;
};

}  // namespace mysqlproxy::rules
