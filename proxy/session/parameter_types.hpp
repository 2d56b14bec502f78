// The types of parameters in commands that execute a statement. A client sends them once, and the
// server goes by them from then on.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/parameter.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mysqlproxy {

/// Where a command has its types, or would have them.
struct TypesPlace {
  std::size_t flag_at = 0;       ///< of the byte that says whether they are there
  std::uint8_t flag = 0;         ///< the bit of it
  std::size_t types_at = 0;      ///< the first one
  std::uint64_t parameters = 0;  ///< so many types, query attributes included
  bool named = false;            ///< each with a name behind it
  bool sent = false;             ///< they are there
};

/// Of a COM_STMT_EXECUTE or COM_STMT_BULK_EXECUTE, or of the beginning of one, by the `parameters`
/// of its statement. Nothing: another command, or too little of it is there.
///
/// Source: https://mariadb.com/kb/en/com_stmt_execute/,
/// https://mariadb.com/kb/en/com_stmt_bulk_execute/
std::optional<TypesPlace> types_place(mysqlwire::Bytes command, const mysqlwire::Context& context,
                                      std::uint64_t parameters);

/// The types of the statement's `parameters` that the command brings; nothing where there are none,
/// or not all of them are there.
std::optional<std::vector<mysqlwire::ValueType>> sent_types(mysqlwire::Bytes command,
                                                            const mysqlwire::Context& context,
                                                            std::uint64_t parameters);

/// The command, or its beginning, with these types in it; nothing where it has some already, or
/// wants another number of them.
std::optional<mysqlwire::Buffer> with_types(mysqlwire::Bytes command,
                                            const mysqlwire::Context& context,
                                            std::span<const mysqlwire::ValueType> types);

}  // namespace mysqlproxy
