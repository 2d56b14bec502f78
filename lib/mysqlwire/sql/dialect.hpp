// What a lexer of SQL must know beside the text: whose server, its version, modes, character set.
#pragma once

#include <mysqlwire/wire/context.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire::sql {

/// How bytes from 0x80 on are read. What matters is whether the second byte of a character can look
/// like a quote, a backslash or punctuation, which it can in the last four.
enum class Multibyte : std::uint8_t {
  none,    ///< utf8mb4, and every character set whose further bytes are 0x80 or more
  latin1,  ///< one byte each; 0xA0 is a blank
  big5,
  sjis,  ///< sjis and cp932
  gbk,
  gb18030,
};

/// The reading of `charset` (of the connection: character_set_client), by its name.
Multibyte multibyte_of(std::string_view charset) noexcept;

/// The settings that change how a statement's text falls into tokens. The defaults are those of a
/// MySQL 8.0 session that has set nothing.
struct Dialect {
  Flavor flavor = Flavor::mysql;
  /// The server's version as version comments write it: 80015 for 8.0.15, 101119 for 10.11.19.
  std::uint32_t version = 80015;
  Multibyte multibyte = Multibyte::none;
  bool ansi_quotes = false;           ///< sql_mode ANSI_QUOTES: "x" is an identifier
  bool no_backslash_escapes = false;  ///< sql_mode NO_BACKSLASH_ESCAPES
  bool ignore_space = false;          ///< sql_mode IGNORE_SPACE: `COUNT (` is a call
  bool pipes_as_concat = false;       ///< sql_mode PIPES_AS_CONCAT: || joins strings

  /// True when the server reads `/*+ … */` as optimizer hints (MySQL since 5.7.7, MariaDB since
  /// 12.0); otherwise they are comments.
  constexpr bool optimizer_hints() const noexcept {
    return flavor == Flavor::mysql ? version >= 50707 : version >= 120000;
  }

  /// Sets flavor and version from what a server calls itself: "8.0.15", "5.5.5-10.11.6-MariaDB".
  /// Without a number in front the version stays as it is.
  void set_server_version(std::string_view server_version) noexcept;

  /// Sets the modes from what `@@sql_mode` says: names with commas between, case ignored. Modes
  /// that change no token are skipped; ANSI, ORACLE and the like stand for those they consist of.
  void set_sql_mode(std::string_view modes) noexcept;
};

}  // namespace mysqlwire::sql
