// Option files, as the stock clients read them.
#pragma once

#include <mysqlwire/crypto/secret.hpp>

#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlprobe {

/// One line of a group that was asked for.
struct OptionLine {
  std::string group;
  std::string name;  ///< with - for _, without loose-; as it stands otherwise
  std::optional<std::string> value;
  std::string where;  ///< "FILE:LINE"
  bool is_loose = false;
};

/// A file that can't be read, or a line that is none; what() names it.
class OptionFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads files in their syntax: groups in brackets, `name=value`, `name`, # and ; for comments,
/// quotes, \b \t \n \r \\ \s, !include FILE, !includedir FOLDER (of which *.cnf).
class OptionFiles {
 public:
  static constexpr std::size_t max_size = std::size_t{1} << 20;
  static constexpr unsigned max_depth = 10;

  explicit OptionFiles(std::set<std::string> groups) : groups_(std::move(groups)) {}

  /// Throws OptionFileError, also when the file does not exist.
  void read(const std::string& path);
  /// The same, but a file that does not exist is no error.
  void read_if_there(const std::string& path);
  /// The text of a file that is called `path`, for tests.
  void parse(const std::string& path, std::string_view text, unsigned depth = 0);

  const std::vector<OptionLine>& lines() const noexcept { return lines_; }
  /// Files that were left out, and why.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  /// Overwrites the values.
  void wipe() noexcept;

 private:
  void read(const std::string& path, bool must, unsigned depth);
  void directive(const std::string& path, std::string_view line, std::size_t number,
                 unsigned depth);

  std::set<std::string> groups_;
  std::vector<OptionLine> lines_;
  std::vector<std::string> warnings_;
};

}  // namespace mysqlprobe
