// Events of a binary log: bodies are written as they were read, and a stream of events is followed
// with its tables and rows.
//
// Input: Parameters of round_trip.hpp (what: which message; 31: a stream), then the body, or events
// one after the other.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/binlog/control_events.hpp>
#include <mysqlwire/binlog/gtid_events.hpp>
#include <mysqlwire/binlog/json.hpp>
#include <mysqlwire/binlog/rows.hpp>
#include <mysqlwire/binlog/statement_events.hpp>
#include <mysqlwire/binlog/stream.hpp>
#include <mysqlwire/wire/value_text.hpp>

#include <string>
#include <variant>

using namespace mysqlwire;
using namespace mysqlwire::binlog;
using namespace mysqlwire::fuzz;

namespace {

void print(const RowImages::Item& item, const Table& table) {
  require(item.column < table.columns.size());
  std::string text;
  const auto* bytes = std::get_if<std::string_view>(&item.value);
  if (bytes != nullptr && table.columns[item.column].layout.type == FieldType::json) {
    // At most six bytes for one of a document's own, and what stands between its values.
    if (append_json_text(text, as_bytes(*bytes)))
      require(text.size() <= 8 * bytes->size() + 512 * (bytes->size() + 1));
    return;
  }
  append_text(text, item.value);
}

void rows(const Event& event, const Stream& stream, const Context& context) {
  const auto decoded = RowsEvent::decode(event.body, context, event.header.type);
  if (!decoded) return;
  const Table* table = stream.table(decoded->table_id);
  if (table == nullptr) return;
  require(table->columns.size() <= context.limits.max_columns);
  RowImages images(*decoded, decoded->rows, *table, context);
  std::size_t count = 0;
  while (images.next_image()) {
    require(++count <= 2 * decoded->rows.size() + 2);
    for (RowImages::Item item; images.next(item);) print(item, *table);
  }
}

void follow(Bytes input, const Context& context) {
  Stream stream;
  while (input.size() >= EventHeader::size) {
    const auto header = EventHeader::decode(input, context);
    if (!header || header->event_size > input.size()) break;
    const Exact exact(input.first(header->event_size));
    input = input.subspan(header->event_size);
    const auto event = stream.take(exact, context);
    if (!event) continue;
    rows(*event, stream, context);
    if (const auto query = Query::decode(event->body, context))
      (void)StatusVariables().read(query->status_variables, context);
  }
}

void document(Bytes input) {
  const Exact exact(input);
  std::string text = "kept";
  if (!append_json_text(text, exact)) require(text == "kept");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < Parameters::size) return 0;
  const Parameters parameters(data);
  const Context& context = parameters.context;
  const Bytes input(data + Parameters::size, size - Parameters::size);
  switch (parameters.what) {
    case 0: round_trip<FormatDescription>(input, context); break;
    case 1: round_trip<Rotate>(input, context); break;
    case 2: round_trip<HeartbeatV2>(input, context); break;
    case 3: round_trip<Incident>(input, context); break;
    case 4: round_trip<BinlogCheckpoint>(input, context); break;
    case 5: round_trip<StartEncryption>(input, context); break;
    case 6: round_trip<GtidLog>(input, context); break;
    case 7:
      round_trip(
          input, context,
          [](Bytes bytes, const Context& with) { return PreviousGtids::decode(bytes, with); },
          [](const PreviousGtids& gtids) {
            std::string text;
            gtids.append_text(text);
          });
      break;
    case 8: round_trip<MariadbGtidEvent>(input, context); break;
    case 9: round_trip<GtidList>(input, context); break;
    case 10: round_trip<Query>(input, context); break;
    case 11: round_trip<CompressedBody>(input, context); break;
    case 12: round_trip<XaPrepare>(input, context); break;
    case 13: round_trip<UserVar>(input, context); break;
    case 14: round_trip<RowsQuery>(input, context); break;
    case 15: round_trip<TransactionPayload>(input, context); break;
    case 16: round_trip<TableMap>(input, context); break;
    case 17: document(input); break;
    case 31: follow(input, context); break;
    default: break;
  }
  return 0;
}
