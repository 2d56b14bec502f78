// What a client's session is made of, as far as another connection can be made like it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace mysqlproxy::lending {

/// A value. Two connections with equal images answer every statement in the same way, as far as
/// nothing pins one of them.
struct SessionImage {
  std::string schema;  ///< the current one; empty: none
  /// System variables that are not as a new connection of this server has them, by their names in
  /// lower case: what to write behind `SET SESSION name =`, quoted where it has to be. Those of the
  /// character set are always here. "names" is none: its value is the collation that column
  /// definitions have, which is that of the login or of SET NAMES … COLLATE; without it they have
  /// the default of character_set_results.
  std::map<std::string, std::string, std::less<>> variables;
  /// User variables, but for NULL without a type, by their names in lower case without `@` and
  /// quotes: an expression that makes the same value, with its type, character set and collation.
  std::map<std::string, std::string, std::less<>> user_variables;
  /// What LAST_INSERT_ID() gives; 0 as at the beginning.
  std::uint64_t last_insert_id = 0;

  friend bool operator==(const SessionImage&, const SessionImage&) = default;
};

/// Shared by all connections and sessions that are alike, so that they need not be compared.
using SharedImage = std::shared_ptr<const SessionImage>;

}  // namespace mysqlproxy::lending
