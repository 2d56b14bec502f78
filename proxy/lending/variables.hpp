// System variables of a session: which are carried to another connection, and how they are written.
#pragma once

#include <mysqlwire/wire/context.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy::lending {

/// What becomes of a variable that a session has set.
enum class VariableUse : std::uint8_t {
  carried,         ///< part of the image
  noise,           ///< trackers tell of it, but it is a result and no setting
  last_insert_id,  ///< what LAST_INSERT_ID() gives, as a variable
  last_gtid,       ///< MariaDB: the last transaction of the session
  by_text,         ///< what trackers say of it is wrong
  one_shot,        ///< used up by a statement
  not_carried,     ///< belongs to the connection, or can't be set to what it is
  tracking,        ///< a session tracker's setting
};

/// What SET NAMES sets. Setting one of these sets those behind it too.
inline constexpr std::string_view charset_variables[] = {
    "character_set_client", "character_set_results", "character_set_connection",
    "collation_connection"};

/// `name` in lower case.
VariableUse use_of(std::string_view name) noexcept;

/// A value, as variable_value() has it, that makes the connection keep more than other ones can be
/// given, although the variable is carried.
bool ties(std::string_view name, std::string_view value) noexcept;

/// Another name of the same variable; empty: it has none.
std::string_view other_name_of(std::string_view name) noexcept;

/// A tracker's value as SQL, to be written behind `SET @@session.name =`. Means the same in every
/// sql_mode and every character set of a client.
std::string variable_value(std::string_view name, std::string_view value);

/// A string as SQL that means the same in every sql_mode and every character set of a client.
std::string quoted_text(std::string_view value);

/// True for a number as it can stand in SQL: digits with one sign in front and one point inside.
bool is_plain_number(std::string_view text) noexcept;

}  // namespace mysqlproxy::lending
