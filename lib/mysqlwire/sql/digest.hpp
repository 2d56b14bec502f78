// What statements of one shape have in common: their text without literals, comments and spelling.
//
// https://dev.mysql.com/doc/refman/8.0/en/performance-schema-statement-digests.html
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mysqlwire::sql {

/// The digest of a statement.
struct Digest {
  /// The normalised statement, in the buffer that was given. Equal to what MySQL 8.0 says in
  /// DIGEST_TEXT but for `||`, which MySQL writes as `|`.
  std::string_view text;
  /// Of `text`. The same in every version of this library, on every machine; no cryptographic hash:
  /// whoever admits statements by digest compares the texts.
  std::uint64_t hash = 0;
  /// `text` lacks the end of the statement, which did not fit.
  bool truncated = false;
  /// Something in the statement is no token; `text` goes on behind it with what follows.
  bool invalid = false;
};

/// Normalises one statement into `buffer`; a closing `;` is left out. Literals and placeholders
/// become `?`, lists of them `?, ...`, rows `(...)`, keywords upper case, identifiers quoted,
/// comments nothing, with one blank between two tokens. Allocates nothing; time and space are
/// linear.
///
/// A text grows by four bytes a token at most ("a,a" becomes "`a` , `a`"): a buffer of four times
/// the statement's size holds every digest, one of 1024 bytes nearly all that occur.
Digest digest(std::string_view sql, const Dialect& dialect, std::span<char> buffer) noexcept;

/// The hash that `Digest::hash` is, of a digest's text from elsewhere.
std::uint64_t digest_hash(std::string_view text) noexcept;

}  // namespace mysqlwire::sql
