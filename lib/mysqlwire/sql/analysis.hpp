// What a statement does and what its shape is, found in one reading of its tokens.
#pragma once

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/dialect.hpp>
#include <mysqlwire/sql/digest.hpp>

#include <span>
#include <string_view>

namespace mysqlwire::sql {

/// Both answers about one text. `what` borrows from the text, `digest` from the buffer.
struct Analysis {
  Classification what;
  Digest digest;
};

/// What `classify` says of the first statement of `sql`, and what `digest` says of all of it, at
/// the cost of reading the tokens once. Allocates nothing; the time is linear.
Analysis analyze(std::string_view sql, const Dialect& dialect,
                 std::span<char> digest_text) noexcept;

}  // namespace mysqlwire::sql
