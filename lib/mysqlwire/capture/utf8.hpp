// Whether bytes are text.
#pragma once

#include <cstddef>
#include <string_view>

namespace mysqlwire::capture {

/// How many bytes at the front of `text` are one whole UTF-8 character: 1 to 4; 0 for bytes that
/// are none (overlong forms, surrogates and values above U+10FFFF included) and for empty text.
unsigned utf8_length(std::string_view text) noexcept;

/// True when all of it is UTF-8.
bool is_utf8(std::string_view text) noexcept;

}  // namespace mysqlwire::capture
