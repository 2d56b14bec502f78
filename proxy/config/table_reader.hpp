// Strict reading of a TOML table: every key is asked for by name, and what nobody asked for is an
// error. Nothing stops at the first fault.
#pragma once

#include "proxy/config/load.hpp"

#include <toml++/toml.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mysqlproxy {

/// Collects problems with their positions.
class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  void error(const toml::source_region& at, std::string text);
  void warn(const toml::source_region& at, std::string text);
  bool clean() const noexcept { return errors_.empty(); }
  const std::string& file() const noexcept { return file_; }

  /// The problems in the file's order, with `config` when there is no error.
  LoadResult finish(Config config) &&;

 private:
  struct Entry {
    toml::source_position at;
    std::string text;
  };
  std::vector<Problem> sorted(std::vector<Entry>& entries) const;

  std::string file_;
  std::vector<Entry> errors_;
  std::vector<Entry> warnings_;
};

/// "\"127.0.0.1\"": a text for messages, escaped, and cut when it is long.
std::string shown(std::string_view text);

/// A text of the parser's own for messages: it repeats what stands in the file, so that control
/// bytes of that have to be escaped.
std::string one_line(std::string_view text);

/// "integer 2", "string \"2s\"", "a table": what stands there, for messages, on one line.
std::string describe(const toml::node& node);

/// True for a key that TOML lets stand without quotes.
bool is_bare_key(std::string_view key) noexcept;

/// "proxy", "a-b", but "\"jo.e\"": a key as it has to be written. Cut when it is
/// long.
std::string quote_key(std::string_view key);

/// A text as the value of a key.
std::string quote_value(std::string_view text);

/// A text with the place where it stands.
struct Located {
  std::string text;
  toml::source_region at;
};

/// One table. All `read` functions leave `out` alone when the key is absent or its value is bad;
/// the latter they report as "PATH.KEY: expected WHAT, found WHAT".
class TableReader {
 public:
  /// `path` names the table in messages ("server.db1"; empty at the top). `table` and `report`
  /// must outlive the reader.
  TableReader(const toml::table& table, std::string path, Report& report)
      : table_(table), path_(std::move(path)), report_(report) {}

  const std::string& path() const noexcept { return path_; }
  const toml::source_region& source() const noexcept { return table_.source(); }

  /// A whole number from `least` to `most`.
  void read(std::string_view key, std::uint32_t& out, std::uint32_t least, std::uint32_t most);
  /// A duration from `least` to `most`; a bare 0 is understood where `least` is 0.
  void read(std::string_view key, std::chrono::milliseconds& out, std::chrono::milliseconds least);
  /// A size in bytes, bare or with a unit.
  void read_size(std::string_view key, std::uint64_t& out, std::uint64_t least, std::uint64_t most);
  /// true or false.
  void read(std::string_view key, bool& out);
  /// One of a list of words.
  template <class Enum>
  void read(std::string_view key, Enum& out, std::initializer_list<Enum> all) {
    std::vector<std::string> words;
    for (const Enum value : all) words.emplace_back(to_string(value));
    if (const auto index = word(key, words)) out = all.begin()[*index];
  }

  /// A text without NUL; `expected` says what kind ("a file name").
  std::optional<Located> text(std::string_view key, std::string_view expected);
  /// The same, and its absence is an error.
  std::optional<Located> required_text(std::string_view key, std::string_view expected);
  /// A list of texts, or where `bare` allows it one text. Nothing when the key is absent or is not
  /// a list; elements of another type are reported and left out.
  std::optional<std::vector<Located>> texts(std::string_view key, std::string_view expected,
                                            bool bare);

  /// The node under `key`, which counts as asked for; null when absent.
  const toml::node* take(std::string_view key);
  void expected(std::string_view key, const toml::node& node, std::string_view what);
  void missing(std::string_view key, std::string_view what);
  void fault(const toml::source_region& at, std::string_view key, std::string_view text);

  /// What to say about a key that does not exist but that people may well try.
  void hint(std::string_view key, std::string_view text) { hints_.emplace_back(key, text); }

  /// Reports every key that was never asked for. Call it last.
  void reject_unknown();

 private:
  std::optional<std::size_t> word(std::string_view key, const std::vector<std::string>& words);
  std::string full(std::string_view key) const;

  const toml::table& table_;
  std::string path_;
  Report& report_;
  std::vector<std::string> known_;
  std::vector<std::pair<std::string, std::string>> hints_;
};

}  // namespace mysqlproxy
