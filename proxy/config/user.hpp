// What may be wrong with a user, whether it comes from a file or a flag.
#pragma once

#include "proxy/config/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// What is wrong with a user's name, in words; empty when nothing is.
std::string user_name_fault(std::string_view name);

/// Reads a hash in any of the forms that servers store, and SHA256(SHA256(password)) in hex, and
/// adds it to `hashes`. Returns what is wrong, in words, or an empty text. The hash itself is not
/// repeated: what stands in its place by mistake may be a password.
std::string add_hash(std::string_view text, StoredHashes& hashes);
/// The same for one that is to be mysql_native_password's.
std::string add_native_hash(std::string_view text, StoredHashes& hashes);

/// The hashes in the forms that add_hash() reads.
std::vector<std::string> format_hashes(const StoredHashes& hashes);

}  // namespace mysqlproxy
