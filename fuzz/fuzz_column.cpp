// Column counts and column definitions in every layout.
//
// Input: Parameters of round_trip.hpp (flag: reply to COM_FIELD_LIST), then the payload.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/wire/column.hpp>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < Parameters::size) return 0;
  const Parameters parameters(data);
  const Bytes payload(data + Parameters::size, size - Parameters::size);
  const Context& context = parameters.context;
  const auto source = parameters.flag ? DefinitionSource::field_list : DefinitionSource::result_set;
  switch (parameters.what) {
    case 0:
      round_trip(
          payload, context,
          [](Bytes bytes, const Context& with) { return ColumnCount::decode(bytes, with); },
          [&](const ColumnCount& count) {
            require(count.column_count != 0 && count.column_count <= context.limits.max_columns);
          });
      break;
    case 1:
      round_trip(
          payload, context,
          [&](Bytes bytes, const Context& with) {
            return ColumnDefinition41::decode(bytes, with, source);
          },
          [&](const ColumnDefinition41& column) {
            require(column.default_value.has_value() == parameters.flag);
            std::size_t items = 0;
            for (const auto& item : column.extended) items += 2 + item.text.size();
            require(items <= payload.size());
          });
      break;
    case 2:
      round_trip(
          payload, context,
          [&](Bytes bytes, const Context& with) {
            return ColumnDefinition320::decode(bytes, with, source);
          },
          [](const ColumnDefinition320&) {});
      break;
    default: break;
  }
  return 0;
}
