// What the statements of one data thread have cost, by shape, user, schema and server.
#pragma once

#include "cli/common/histogram.hpp"
#include "proxy/statement/shape.hpp"

#include <mysqlwire/sql/dialect.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mysqlproxy {

/// Of microseconds, to an eighth; from 18 minutes on in one bucket.
using LatencyHistogram = cli::LogLinearHistogram<8, 27>;

/// What is added up.
struct StatementFigures {
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::uint64_t refused = 0;  ///< by guard or rules: never reached a server; not in `latency`
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  ///< of answers
  std::int64_t first = 0;   ///< milliseconds since 1970
  std::int64_t last = 0;
  LatencyHistogram latency;

  void operator+=(const StatementFigures& other) noexcept;
};

/// Whose statements are added up as one, and where they run. Of one thread's, those with the same
/// names are one object as long as anybody holds it: to compare them is to compare where they are.
struct StatementOrigin {
  std::string user;
  std::string schema;
  std::string server;
};

/// Which statements are added up as one. Borrows.
struct StatementKey {
  std::string_view digest_text;  ///< of commands without a text their name
  std::uint64_t digest = 0;
  const std::shared_ptr<const StatementOrigin>& origin;  ///< by the same StatementStatistics
};

/// One line of the statistics.
struct StatementRecord {
  std::string digest_text;
  std::uint64_t digest = 0;
  std::string user;
  std::string schema;
  std::string server;
  std::string example;  ///< the first one, without its literals
  StatementFigures figures;
};

/// All lines, of one thread or of several.
struct StatementReport {
  std::vector<StatementRecord> statements;
  StatementFigures other;     ///< what was forgotten is added up here, so that sums stay right
  std::uint64_t evicted = 0;  ///< how many lines those were

  /// Adds those of another thread: lines of the same key become one.
  void merge(StatementReport other_report);
};

/// Belongs to one thread, as do all calls. Memory is bounded by the number of lines: beyond it the
/// oldest gives way that did not come again of late.
class StatementStatistics {
 public:
  static constexpr std::size_t longest_digest = 1024;
  static constexpr std::size_t longest_example = 512;

  explicit StatementStatistics(std::size_t most) : most_(most) {}
  StatementStatistics(const StatementStatistics&) = delete;
  StatementStatistics& operator=(const StatementStatistics&) = delete;

  /// The one with these names.
  std::shared_ptr<const StatementOrigin> origin(std::string_view user, std::string_view schema,
                                                std::string_view server);

  /// A line, as long as it is not forgotten.
  struct Handle {
    std::uint32_t slot = 0;
    std::uint32_t age = 0;
  };

  /// The line of that key, made where there is none: `text` is the statement that an example is
  /// made from then. Where `shape` is not null, it is remembered there.
  Handle find(const StatementKey& key, std::string_view text,
              const mysqlwire::sql::Dialect& dialect, const Shape* shape = nullptr);

  struct Outcome {
    std::int64_t now = 0;           ///< milliseconds since 1970
    std::int64_t microseconds = 0;  ///< from the command to the end of its answer
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    bool error = false;
    bool refused = false;
  };
  void add(Handle line, const Outcome& outcome) noexcept;

  /// Another limit; what is beyond it is forgotten.
  void limit(std::size_t most);
  StatementReport report() const;
  std::size_t size() const noexcept { return used_; }
  /// Origins that are remembered.
  std::size_t origins() const noexcept { return origins_.size(); }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  // What each statement needs comes first, in as few cache lines as can be.
  struct alignas(64) Line {
    std::shared_ptr<const StatementOrigin> origin;
    std::uint32_t age = 0;  // how often the slot was given to another
    bool again = false;     // came again since it was the oldest
    StatementFigures figures;
    std::uint64_t hash = 0;
    std::uint64_t digest = 0;
    std::uint32_t next = none;  // in its bucket, or in the list of free ones
    std::uint32_t newer = none;
    std::uint32_t older = none;
    std::string digest_text;
    std::string example;
  };

  Handle find_line(const StatementKey& key, std::string_view text,
                   const mysqlwire::sql::Dialect& dialect);
  static std::uint64_t hash_of(const StatementKey& key) noexcept;
  static bool is(const Line& line, const StatementKey& key) noexcept;
  void unlink(std::uint32_t slot) noexcept;
  void link_newest(std::uint32_t slot) noexcept;
  void forget_oldest();
  void grow();
  std::uint32_t& bucket(std::uint64_t hash) noexcept {
    return buckets_[hash & (buckets_.size() - 1)];
  }

  using Names = std::tuple<std::string, std::string, std::string>;

  std::size_t most_;
  std::map<Names, std::weak_ptr<const StatementOrigin>, std::less<>> origins_;
  std::size_t most_origins_ = 64;  ///< then those that nobody has any more are looked for
  std::vector<Line> lines_;
  std::vector<std::uint32_t> buckets_;
  std::size_t used_ = 0;
  std::uint32_t free_ = none;
  std::uint32_t newest_ = none;
  std::uint32_t oldest_ = none;
  StatementFigures other_;
  std::uint64_t evicted_ = 0;
};

}  // namespace mysqlproxy
