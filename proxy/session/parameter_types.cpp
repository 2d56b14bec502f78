#include "proxy/session/parameter_types.hpp"

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/stmt_bulk.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Command;
using mysqlwire::Context;
using mysqlwire::ParameterTypes;
using mysqlwire::Reader;
using mysqlwire::ValueType;

namespace {

constexpr std::size_t flags_at = 5;  // behind the command and the statement's id, in both

std::optional<TypesPlace> place_in_bulk(Bytes command, std::uint64_t parameters) {
  constexpr auto flag = static_cast<std::uint8_t>(mysqlwire::BulkFlag::send_types_to_server);
  constexpr std::size_t types_at = flags_at + 2;
  if (command.size() < types_at) return std::nullopt;
  return TypesPlace{.flag_at = flags_at,
                    .flag = flag,
                    .types_at = types_at,
                    .parameters = parameters,
                    .sent = (command[flags_at] & flag) != 0};
}

std::optional<TypesPlace> place_in_execute(Bytes command, const Context& context,
                                           std::uint64_t parameters) {
  constexpr std::size_t behind_iterations = flags_at + 5;
  constexpr std::uint8_t parameter_count_available = 8;
  if (command.size() <= behind_iterations) return std::nullopt;
  const bool named = context.capabilities.has(mysqlwire::Capability::query_attributes);
  std::size_t at = behind_iterations;
  if (named && (command[flags_at] & parameter_count_available) != 0) {
    Reader reader(command.subspan(at), "COM_STMT_EXECUTE", context);
    parameters = reader.lenenc("parameter_count");
    if (!reader.ok()) return std::nullopt;
    at = command.size() - reader.remaining().size();
  }
  const std::uint64_t nulls = parameters / 8 + (parameters % 8 != 0 ? 1 : 0);
  if (nulls >= command.size() - at) return std::nullopt;
  at += static_cast<std::size_t>(nulls);
  return TypesPlace{.flag_at = at,
                    .flag = 1,
                    .types_at = at + 1,
                    .parameters = parameters,
                    .named = named,
                    .sent = command[at] != 0};
}

}  // namespace

std::optional<TypesPlace> types_place(Bytes command, const Context& context,
                                      std::uint64_t parameters) {
  if (command.empty()) return std::nullopt;
  switch (static_cast<Command>(command[0])) {
    case Command::com_stmt_execute: return place_in_execute(command, context, parameters);
    case Command::com_stmt_bulk_execute: return place_in_bulk(command, parameters);
    default: return std::nullopt;
  }
}

std::optional<std::vector<ValueType>> sent_types(Bytes command, const Context& context,
                                                 std::uint64_t parameters) {
  const auto place = types_place(command, context, parameters);
  if (!place || !place->sent || place->parameters < parameters) return std::nullopt;
  Reader reader(command.subspan(place->types_at), "parameter_types", context);
  auto types = ParameterTypes::read(reader, parameters, place->named).cursor();
  if (!reader.ok()) return std::nullopt;
  std::vector<ValueType> sent;
  for (std::uint64_t i = 0; i < parameters; ++i) sent.push_back(types.next().type);
  return sent;
}

std::optional<mysqlwire::Buffer> with_types(Bytes command, const Context& context,
                                            std::span<const ValueType> types) {
  const auto place = types_place(command, context, types.size());
  if (!place || place->sent || place->parameters != types.size()) return std::nullopt;
  mysqlwire::Buffer payload(command.begin(),
                            command.begin() + static_cast<std::ptrdiff_t>(place->types_at));
  payload[place->flag_at] |= place->flag;
  mysqlwire::Writer writer(payload);
  for (const ValueType& type : types) ParameterTypes::write(writer, {type, {}}, place->named);
  writer.bytes(command.subspan(place->types_at));
  return payload;
}

}  // namespace mysqlproxy
