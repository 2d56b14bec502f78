// Names with `*` in them.
#pragma once

#include <string_view>

namespace mysqlproxy::rules {

/// True when `text` is what `pattern` says: `*` stands for any bytes, none included. With
/// `ignore_case` the letters of ASCII are alike in both cases. Linear but for patterns with several
/// `*`, where it is the product of both sizes at worst.
bool matches_pattern(std::string_view pattern, std::string_view text, bool ignore_case) noexcept;

/// True when every text that `narrow` matches is matched by `wide` too; false when that is not
/// certain.
bool covers_pattern(std::string_view wide, std::string_view narrow, bool ignore_case) noexcept;

}  // namespace mysqlproxy::rules
