// Fresh salts.
#pragma once

#include <mysqlwire/wire/salt.hpp>

namespace mysqlwire::crypto {

/// A salt for a greeting or an AuthSwitchRequest, from the system's cryptographic generator and in
/// the alphabet of MySQL's own salts: 7-bit bytes without NUL (which would end the salt for some
/// clients) and without `$`. Every such salt is equally likely. Throws std::runtime_error when the
/// system has no randomness to give.
Salt random_salt();

}  // namespace mysqlwire::crypto
