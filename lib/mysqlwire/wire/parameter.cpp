#include <mysqlwire/wire/parameter.hpp>

#include <algorithm>

namespace mysqlwire {
namespace {

constexpr unsigned unsigned_flag = 0x80;

/// Types of columns that are none of parameters. Servers read them differently, and then all that
/// follows at the wrong place: MariaDB takes them for NULLs without bytes, MySQL 8.0 takes INT24
/// and YEAR for strings.
bool is_column_only(FieldType type) noexcept {
  return type == FieldType::int24 || type == FieldType::year || type == FieldType::bit ||
         type == FieldType::geometry;
}

}  // namespace

ParameterTypes::Cursor::Cursor(const ParameterTypes& types) noexcept
    : wire_(types.wire_, "ParameterTypes", {}),
      remembered_(types.remembered_),
      named_(types.named_) {}

ParameterTypes::Item ParameterTypes::Cursor::next() noexcept {
  Item item;
  if (!remembered_.empty()) {
    item.type = remembered_.front();
    remembered_ = remembered_.subspan(1);
  } else if (!wire_.at_end()) {
    item.type.type = static_cast<FieldType>(wire_.u8("type"));
    item.type.is_unsigned = (wire_.u8("flags") & unsigned_flag) != 0;
    if (named_) item.name = wire_.lenenc_text("name");
  }
  return item;
}

ParameterTypes ParameterTypes::read(Reader& reader, std::uint64_t count, bool named) noexcept {
  ParameterTypes types;
  types.named_ = named;
  if (count > reader.left() / 2) reader.fail(errc::truncated, "parameter_types");
  const Bytes all = reader.remaining();
  const auto start = reader.offset();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const auto type_at = reader.offset();
    const auto type = static_cast<FieldType>(reader.u8("parameter_type"));
    if (value_shape(type) == ValueShape::invalid)
      reader.fail_at(errc::bad_value, "parameter_type", type_at);
    if (is_column_only(type)) reader.note(errc::unsupported, "parameter_type");
    if ((reader.u8("parameter_flags") & ~unsigned_flag) != 0)
      reader.note(errc::bad_value, "parameter_flags");
    if (named) (void)reader.lenenc_bytes("parameter_name");
  }
  if (reader.ok()) types.wire_ = all.first(static_cast<std::size_t>(reader.offset() - start));
  return types;
}

void ParameterTypes::write(Writer& writer, const Item& item, bool named) {
  if (value_shape(item.type.type) == ValueShape::invalid)
    writer.fail(errc::bad_value, "parameter_type");
  writer.u8(static_cast<std::uint8_t>(item.type.type), "parameter_type");
  writer.u8(item.type.is_unsigned ? unsigned_flag : 0, "parameter_flags");
  if (named) writer.lenenc_text(item.name);
}

ParameterList::Iterator::Iterator(const ParameterList& list) noexcept
    : list_(&list), types_(list.types_), values_(list.values_, "ParameterList", {}) {
  load();
}

void ParameterList::Iterator::load() noexcept {
  if (index_ >= list_->size()) return;
  if (!list_->to_send_.empty()) {
    parameter_ = list_->to_send_[index_];
    return;
  }
  const ParameterTypes::Item item = types_.next();
  parameter_ = {item.type, item.name, {}, list_->long_data_.test(index_)};
  const Bytes before = values_.remaining();
  if (!parameter_.long_data && !list_->nulls_.test(index_))
    parameter_.value = read_binary_value(values_, item.type, "value");
  wire_value_ = before.first(before.size() - static_cast<std::size_t>(values_.left()));
}

std::optional<Bytes> ParameterList::Iterator::wire_value() const noexcept {
  if (!list_->to_send_.empty()) return std::nullopt;
  return wire_value_;
}

ParameterList ParameterList::read(Reader& reader, std::uint64_t count, bool named,
                                  const StatementInfo& statement,
                                  bool& new_params_bind_flag) noexcept {
  ParameterList list;
  const auto bitmap =
      reader.bytes(NullBitmap::size(count, NullBitmap::parameter_offset), "null_bitmap");
  list.nulls_ = NullBitmap(bitmap, NullBitmap::parameter_offset);
  list.long_data_ = NullBitmap(statement.long_data, NullBitmap::parameter_offset);
  const auto flag_at = reader.offset();
  const std::uint8_t flag = reader.u8("new_params_bind_flag");
  if (flag > 1) reader.fail_at(errc::bad_value, "new_params_bind_flag", flag_at);
  new_params_bind_flag = flag == 1;
  if (new_params_bind_flag) {
    list.types_ = ParameterTypes::read(reader, count, named);
  } else if (statement.types.size() < count) {
    reader.fail_at(errc::missing_field, "parameter_types", flag_at);
  } else {
    list.types_ = ParameterTypes(statement.types);
  }

  auto types = list.types_.cursor();
  const Bytes all = reader.remaining();
  const auto start = reader.offset();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const FieldType type = types.next().type.type;
    if (!list.nulls_.test(i) && !list.long_data_.test(i))
      skip_binary_value(reader, type, "parameter_value");
  }
  if (!reader.ok()) return {};
  list.values_ = all.first(static_cast<std::size_t>(reader.offset() - start));
  list.count_ = static_cast<std::size_t>(count);
  return list;
}

void ParameterList::write(Writer& writer, std::size_t count, bool named, bool bind) const {
  count = std::min(count, size());
  if (count == 0) return;
  auto null = begin();
  write_null_bitmap(writer, count, NullBitmap::parameter_offset, [&](std::size_t) {
    const bool is = is_null(null->value) && !null->long_data;
    ++null;
    return is;
  });
  writer.u8(bind ? 1 : 0, "new_params_bind_flag");
  if (bind) {
    auto item = begin();
    for (std::size_t i = 0; i < count; ++i, ++item)
      ParameterTypes::write(writer, {item->type, item->name}, named);
  }
  auto item = begin();
  for (std::size_t i = 0; i < count && writer.ok(); ++i, ++item) {
    if (const auto received = item.wire_value()) {
      writer.bytes(*received);
    } else if (!item->long_data) {
      write_binary_value(writer, item->value, item->type, "parameter_value");
    }
  }
}

}  // namespace mysqlwire
