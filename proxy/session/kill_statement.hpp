// Recognises KILL, whose connection ids the proxy has to translate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mysqlproxy {

/// `KILL [HARD|SOFT] [CONNECTION|QUERY] number` as it stands in a statement's text.
struct KillStatement {
  enum class Scope : std::uint8_t { connection, query };
  Scope scope = Scope::connection;
  std::uint64_t id = 0;
  std::size_t id_offset = 0;  ///< where the number's digits stand in the text
  std::size_t id_size = 0;
  bool alone = true;  ///< nothing but the statement stands in the text
};

/// A look at a statement's first bytes: false when it can't be a KILL, whatever follows.
bool may_be_kill(std::string_view start) noexcept;

/// The KILL of a connection number that `sql` begins with; nothing for any other statement, and for
/// the forms that name no connection number (KILL USER, KILL QUERY ID, expressions).
std::optional<KillStatement> parse_kill(std::string_view sql) noexcept;

}  // namespace mysqlproxy
