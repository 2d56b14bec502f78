// Prepared statements and query attributes.
//
// Input: Parameters of round_trip.hpp, parameter count 1, remembered types 1 (their number) and per
// type 2, long data 1 (bits of the first eight parameters), then the payload.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/stmt_bulk.hpp>

#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

namespace {

/// Walks over parameters, which were checked when they were read.
void walk(const ParameterList& list, std::size_t payload_size) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (auto it = list.begin(); it != list.end(); ++it) {
    ++count;
    const auto wire = it.wire_value();
    require(wire.has_value());
    bytes += wire->size();
    require(!it->long_data || is_null(it->value));
  }
  require(count == list.size() && bytes <= payload_size);
}

void walk(const BulkRows& rows) {
  std::size_t count = 0;
  for (auto it = rows.begin(); it != rows.end(); ++it) ++count;
  require(rows.column_count() != 0 && count % rows.column_count() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < Parameters::size + 3) return 0;
  const Parameters parameters(data);
  const Context& context = parameters.context;
  Bytes input(data + Parameters::size, size - Parameters::size);
  StatementInfo statement;
  statement.parameter_count = input[0];
  const std::size_t remembered = input[1];
  input = input.subspan(2);
  if (input.size() < 2 * remembered + 1) return 0;
  std::vector<ValueType> types;
  for (std::size_t i = 0; i < remembered; ++i)
    types.push_back({static_cast<FieldType>(input[2 * i]), (input[2 * i + 1] & 1) != 0});
  statement.types = types;
  statement.long_data = input.subspan(2 * remembered, 1);
  const Bytes payload = input.subspan(2 * remembered + 1);

  switch (parameters.what) {
    case 0: round_trip<ComStmtPrepare>(payload, context); break;
    case 1: round_trip<StmtPrepareOk>(payload, context); break;
    case 2:
      round_trip(
          payload, context,
          [&](Bytes bytes, const Context& with) {
            return ComStmtExecute::decode(bytes, with, statement);
          },
          [&](const ComStmtExecute& execute) { walk(execute.parameters, payload.size()); });
      break;
    case 3:
      round_trip(
          payload, context,
          [&](Bytes bytes, const Context& with) {
            return ComStmtBulkExecute::decode(bytes, with, statement);
          },
          [](const ComStmtBulkExecute& execute) { walk(execute.rows); });
      break;
    case 4: round_trip<ComStmtSendLongData>(payload, context); break;
    case 5: round_trip<ComStmtClose>(payload, context); break;
    case 6: round_trip<ComStmtReset>(payload, context); break;
    case 7: round_trip<ComStmtFetch>(payload, context); break;
    case 8:
      round_trip(
          payload, context,
          [](Bytes bytes, const Context& with) { return ComQuery::decode(bytes, with); },
          [&](const ComQuery& query) { walk(query.attributes, payload.size()); });
      break;
    default: break;
  }
  return 0;
}
