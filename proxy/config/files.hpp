// The files that a configuration is read from.
#pragma once

#include <mysqlwire/crypto/secret.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mysqlproxy {

struct FileText {
  std::string text;
  std::string fault;  ///< empty when it could be read
};

/// A relative name as it is looked for: in the folder of `config_file`.
std::string beside(const std::string& config_file, const std::string& name);

/// A whole file of `limit` bytes at most.
FileText read_whole_file(const std::string& path, std::size_t limit);

struct Password {
  mysqlwire::crypto::SecretBytes value;
  std::string fault;    ///< empty when it could be read, and not everybody can
  std::string warning;  ///< when others can write it
};

/// The first line of `file`; a relative name is looked for in the folder of `config_file`.
Password read_password_file(const std::string& file, const std::string& config_file);

/// All of `file`, in the same way.
Password read_secret_file(const std::string& file, const std::string& config_file);

/// A new file with `text` takes the place of `path`, and its owner: all or nothing, on disk too;
/// readable by its owner only. Returns what is wrong, or an empty text.
std::string replace_file(const std::string& path, std::string_view text);

/// What is wrong with who may read or write `path`, which holds what is nobody else's business;
/// empty when nothing is.
std::string exposure_of(const std::string& path);

}  // namespace mysqlproxy
