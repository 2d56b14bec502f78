#include "proxy/session/text_result.hpp"

#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/row_text.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;

namespace {

constexpr std::uint8_t ok_header = 0;
constexpr std::uint8_t err_header = 0xff;
constexpr std::uint8_t eof_header = 0xfe;
constexpr std::size_t longest_eof = 8;

bool is_eof(Bytes payload) noexcept {
  return payload[0] == eof_header && payload.size() <= longest_eof;
}

}  // namespace

TextResult::Step TextResult::fail(std::string error) {
  state_ = State::over;
  error_ = std::move(error);
  return Step::failed;
}

TextResult::Step TextResult::on_packet(const mysqlwire::Packet& packet) {
  const Bytes payload = packet.payload;
  if (payload.empty()) return fail("an empty packet");
  // A row may begin with 0xff only where a cell is of 16 MiB or more, which none here is.
  if (payload[0] == err_header) {
    const auto err = mysqlwire::ErrPacket::decode(payload, context_);
    if (!err) return fail(to_string(err.error()));
    code_ = err->code;
    return fail(fmt::format("{} {}", err->code, err->message));
  }
  switch (state_) {
    case State::head: {
      if (ok_too_ && payload[0] == ok_header) {
        state_ = State::over;
        return Step::done;
      }
      const auto count = mysqlwire::ColumnCount::decode(payload, context_);
      if (!count) return fail(to_string(count.error()));
      columns_ = definitions_left_ = count->column_count;
      state_ = State::definitions;
      return Step::need_more;
    }
    case State::definitions: {
      const auto column = mysqlwire::ColumnDefinition41::decode(payload, context_);
      if (!column) return fail(to_string(column.error()));
      names_.emplace_back(column->column_name);
      if (--definitions_left_ == 0) state_ = State::definitions_end;
      return Step::need_more;
    }
    case State::definitions_end:
      if (!is_eof(payload)) return fail("no EOF behind the column definitions");
      state_ = State::rows;
      return Step::need_more;
    case State::rows: return take_row(payload);
    case State::over: break;
  }
  return fail("a packet behind the end");
}

TextResult::Step TextResult::take_row(Bytes payload) {
  if (is_eof(payload)) {
    state_ = State::over;
    return Step::done;
  }
  if (rows_.size() == most_rows) return fail("too many rows");
  Row row;
  mysqlwire::TextRow cells(payload, columns_, context_);
  for (mysqlwire::TextRow::Cell cell; cells.next(cell);) row.emplace_back(cell.value_or(""));
  if (!cells.ok()) return fail(to_string(cells.error()));
  rows_.push_back(std::move(row));
  return Step::need_more;
}

}  // namespace mysqlproxy
