// What the value of a field says.
#pragma once

#include "cli/pcapdecode/field_tree.hpp"

#include <mysqlwire/wire/context.hpp>

#include <string>
#include <vector>

namespace pcapdecode {

/// What may be shown of a field.
enum class FieldSecret : std::uint8_t {
  none,
  login,  ///< a salt, an answer to one, a password
  value,  ///< a statement, or a value of a row or parameter
};
FieldSecret secret_of(const FieldNode& node) noexcept;

/// Appends a number with the name that it has, or text in quotes, ready for a terminal. Nothing for
/// bytes that are no text.
void append_meaning(std::string& out, const FieldNode& node, mysqlwire::Bytes bytes,
                    mysqlwire::Flavor flavor);

/// The flags that are set in a field of flags, each with its bit: "0x0200 PROTOCOL_41".
std::vector<std::string> flags_of(const FieldNode& node);

}  // namespace pcapdecode
