// The statement that SHOW CREATE USER prints.
#pragma once

#include "proxy/config/config.hpp"

#include <string>
#include <string_view>

namespace mysqlproxy {

/// True for a text that begins with CREATE USER.
bool is_create_user(std::string_view text);

/// Sets what mysql_user.hpp says, from a statement of either server about one account. What has no
/// bearing on a login (limits, roles, histories of passwords) is passed over. A statement that has
/// the password in clear is a fault: it was typed, not printed.
std::string read_create_user(std::string_view text, UserConfig& account);

}  // namespace mysqlproxy
