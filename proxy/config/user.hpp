// What may be wrong with a user, whether it comes from a file or a flag.
#pragma once

#include <mysqlwire/wire/error.hpp>

#include <string>
#include <string_view>

namespace mysqlproxy {

/// What is wrong with a user's name, in words; empty when nothing is.
std::string user_name_fault(std::string_view name);

/// What is wrong with a hash that parse_native_hash() refused, in words. The hash itself is not
/// repeated: what stands in its place by mistake may be a password.
std::string hash_fault(std::string_view text, const mysqlwire::Error& error);

}  // namespace mysqlproxy
