// How far a server has come in what is replicated: GTIDs of both vendors.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// A set of transactions. Pure.
class Progress {
 public:
  Progress() = default;
  /// A GTID set as MySQL's variables have it: "uuid:1-5:7,uuid:tag:1", with line breaks.
  /// https://dev.mysql.com/doc/refman/8.0/en/replication-gtids-concepts.html
  static std::optional<Progress> mysql(std::string_view set);
  /// A position as MariaDB's variables have it: "0-1-55,1-2-3", the last transaction of each
  /// domain, which stands for all before it. https://mariadb.com/kb/en/gtid/
  static std::optional<Progress> mariadb(std::string_view position);

  /// Every transaction of `other` is here as well. Of MariaDB: two servers that have written
  /// different transactions with one number do not contain each other.
  bool has(const Progress& other) const;
  void add(const Progress& other);
  bool empty() const noexcept { return parts_.empty(); }

  /// Unordered: each has something that the other lacks.
  friend std::partial_ordering operator<=>(const Progress& a, const Progress& b);
  friend bool operator==(const Progress& a, const Progress& b) { return (a <=> b) == 0; }

 private:
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  /// What one source has written: a UUID (with its tag), or a domain.
  struct Part {
    std::vector<Range> ranges;      ///< in order, none touches the next
    std::uint32_t last_writer = 0;  ///< MariaDB: the server id of the last one
  };

  static void add(Part& part, Range range);

  std::map<std::string, Part, std::less<>> parts_;
};

}  // namespace mysqlproxy
