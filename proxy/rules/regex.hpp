// The regular expressions of rules: RE2, which takes time in proportion to the text whatever the
// expression is.
//
// https://github.com/google/re2/wiki/Syntax
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mysqlproxy::rules {

/// Bytes are bytes, whatever character set they belong to; `.` stands for line ends too, since
/// statements have some; a match may stand anywhere in the text. Nothing is printed.
RE2::Options regex_options(bool case_sensitive);

/// What is wrong with an expression, in RE2's words; empty when nothing is.
std::string regex_fault(std::string_view pattern, bool case_sensitive);

/// How many groups a good expression has.
int regex_groups(std::string_view pattern);

/// What is wrong with the text that a match is replaced by: a group that is not there, or a
/// backslash without a digit; empty when nothing is.
std::string replacement_fault(std::string_view pattern, std::string_view replacement);

inline re2::StringPiece piece(std::string_view text) noexcept { return {text.data(), text.size()}; }

}  // namespace mysqlproxy::rules
