// The dialect in front of a statement, 1 byte: bit 0 MariaDB; 1 ANSI_QUOTES; 2
// NO_BACKSLASH_ESCAPES; 3 IGNORE_SPACE; 7-4 the character set.
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <cstdint>

namespace mysqlwire::fuzz {

inline sql::Dialect dialect_of(std::uint8_t choice) {
  sql::Dialect dialect;
  if (choice & 0x01) {
    dialect.flavor = Flavor::mariadb;
    dialect.version = 101119;
  }
  dialect.ansi_quotes = (choice & 0x02) != 0;
  dialect.no_backslash_escapes = (choice & 0x04) != 0;
  dialect.ignore_space = (choice & 0x08) != 0;
  dialect.multibyte = static_cast<sql::Multibyte>((choice >> 4) % 6);
  return dialect;
}

}  // namespace mysqlwire::fuzz
