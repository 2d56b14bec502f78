#include "proxy/session/fixed_answer.hpp"

#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>

#include <vector>

namespace mysqlproxy {
namespace {

using mysqlwire::Buffer;
using mysqlwire::Capability;
using mysqlwire::Context;
using mysqlwire::Writer;

constexpr std::uint16_t utf8mb4_general_ci = 45;
constexpr std::uint32_t widest = 1024;

/// Appends packets, each with the next sequence id.
class Packets {
 public:
  explicit Packets(std::uint8_t sequence_id) : sequence_id_(sequence_id) {}

  template <class Write>
  void add(Write write) {
    Buffer payload;
    Writer writer(payload);
    write(writer);
    mysqlwire::append_packet(out_, payload, sequence_id_);
  }
  Buffer take() && { return std::move(out_); }

 private:
  Buffer out_;
  std::uint8_t sequence_id_;
};

void add_row(Packets& packets, const std::vector<std::optional<std::string>>& row, bool binary) {
  packets.add([&](Writer& writer) {
    if (binary) {
      constexpr unsigned row_offset = 2;  // of the bitmap's first column
      writer.u8(0);
      mysqlwire::write_null_bitmap(writer, row.size(), row_offset,
                                   [&](std::size_t i) { return !row[i]; });
      for (const auto& cell : row) {
        if (cell) writer.lenenc_text(*cell);
      }
      return;
    }
    for (const auto& cell : row) {
      if (cell)
        writer.lenenc_text(*cell);
      else
        writer.null();
    }
  });
}

}  // namespace

Buffer fixed_answer(const RuleAnswer& answer, const Context& context, mysqlwire::StatusFlags status,
                    bool binary, std::uint8_t sequence_id) {
  Packets packets(sequence_id);
  const auto add_ok = [&](bool ends_rows) {
    mysqlwire::OkPacket ok;
    ok.ends_rows = ends_rows;
    ok.affected_rows = answer.affected_rows;
    ok.status = status;
    packets.add([&](Writer& writer) { ok.encode(writer, context); });
  };
  if (answer.columns.empty()) {
    add_ok(false);
    return std::move(packets).take();
  }
  packets.add([&](Writer& writer) {
    const mysqlwire::ColumnCount count{answer.columns.size(), mysqlwire::ResultsetMetadata::full};
    count.encode(writer, context);
  });
  for (const std::string& name : answer.columns) {
    mysqlwire::ColumnDefinition41 column;
    column.column_name = name;
    column.character_set = utf8mb4_general_ci;
    column.column_length = widest;
    column.type = mysqlwire::FieldType::var_string;
    column.decimals = 31;
    packets.add([&](Writer& writer) { column.encode(writer, context); });
  }
  const bool one_end = context.capabilities.has(Capability::deprecate_eof);
  const mysqlwire::EofPacket eof{0, status};
  const auto add_eof = [&] { packets.add([&](Writer& writer) { eof.encode(writer, context); }); };
  if (!one_end) add_eof();
  for (const auto& row : answer.rows) add_row(packets, row, binary);
  if (one_end)
    add_ok(true);
  else
    add_eof();
  return std::move(packets).take();
}

}  // namespace mysqlproxy
