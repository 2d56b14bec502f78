// What may be wrong with a user, whether it comes from a file or a flag.
#pragma once

#include "proxy/config/config.hpp"

#include <string>
#include <string_view>
#include <utility>
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

/// The same for a plugin's authentication_string, by the name that mysql.user has; an empty name is
/// mysql_native_password. An empty text is an account without a password, unless it has one by
/// another plugin. A plugin whose passwords can't be checked adds nothing, which is no fault; nor
/// do ed25519 and parsec without a hash.
std::string add_hash_of(std::string_view plugin, std::string_view text, StoredHashes& hashes);

/// The hashes in the forms that add_hash() reads, each with mysql.user's name of its plugin.
std::vector<std::pair<std::string_view, std::string>> hashes_by_plugin(const StoredHashes& hashes);
/// The same without the plugins.
std::vector<std::string> format_hashes(const StoredHashes& hashes);

/// Reads what a user's sessions log in to servers with, a line for each form:
///
///   sha1:DIGITS     SHA1(password), for mysql_native_password
///   sha256:DIGITS   SHA256(password), for caching_sha2_password where the server has it cached
///   password:TEXT   the password, for any plugin
///
/// Returns what is wrong, in words without the text itself, or an empty text.
std::string read_server_secret(std::string_view text, mysqlwire::crypto::PasswordSecret& secret);

}  // namespace mysqlproxy
