#include <mysqlwire/binlog/statement_events.hpp>

namespace mysqlwire::binlog {

namespace {

// The codes in front of status variables.
enum class Code : std::uint8_t {
  flags2 = 0,
  sql_mode = 1,
  catalog_with_nul = 2,
  auto_increment = 3,
  charset = 4,
  time_zone = 5,
  catalog = 6,
  lc_time_names = 7,
  charset_database = 8,
  table_map_for_update = 9,
  master_data_written = 10,
  invoker = 11,
  updated_schemas = 12,
  microseconds = 13,
  explicit_defaults_for_timestamp = 16,
  ddl_logged_with_xid = 17,
  default_collation_for_utf8mb4 = 18,
  sql_require_primary_key = 19,
  default_table_encryption = 20,
  mariadb_hrnow = 128,
  mariadb_xid = 129,
};

void skip_schemas(Reader& reader) noexcept {
  constexpr std::uint8_t too_many = 254;  // then none is named
  const std::uint8_t count = reader.u8("schemas");
  if (count == too_many) return;
  for (unsigned i = 0; i < count && reader.ok(); ++i) reader.nul_bytes("schema");
}

enum class PayloadField : std::uint8_t { end = 0, size = 1, compression = 2, inflated_size = 3 };

}  // namespace

bool StatusVariables::read(Bytes variables, const Context& context) noexcept {
  Reader reader(variables, "StatusVariables", context);
  const auto text = [&](const char* field) { return reader.text(reader.u8(field), field); };
  while (reader.ok() && !reader.at_end()) {
    switch (static_cast<Code>(reader.u8("code"))) {
      case Code::flags2: flags2 = reader.u32("flags2"); break;
      case Code::sql_mode: sql_mode = reader.u64("sql_mode"); break;
      case Code::catalog_with_nul:
        catalog = text("catalog");
        reader.skip(1, "catalog");
        break;
      case Code::auto_increment:
        auto_increment_increment = reader.u16("auto_increment_increment");
        auto_increment_offset = reader.u16("auto_increment_offset");
        break;
      case Code::charset:
        character_set_client = reader.u16("character_set_client");
        collation_connection = reader.u16("collation_connection");
        collation_server = reader.u16("collation_server");
        break;
      case Code::time_zone: time_zone = text("time_zone"); break;
      case Code::catalog: catalog = text("catalog"); break;
      case Code::lc_time_names: lc_time_names = reader.u16("lc_time_names"); break;
      case Code::charset_database: collation_database = reader.u16("collation_database"); break;
      case Code::table_map_for_update: reader.skip(8, "table_map_for_update"); break;
      case Code::master_data_written: reader.skip(4, "master_data_written"); break;
      case Code::invoker:
        invoker_user = text("invoker_user");
        invoker_host = text("invoker_host");
        break;
      case Code::updated_schemas: skip_schemas(reader); break;
      case Code::microseconds:
      case Code::mariadb_hrnow: microseconds = reader.u24("microseconds"); break;
      case Code::explicit_defaults_for_timestamp:
      case Code::sql_require_primary_key:
      case Code::default_table_encryption: reader.skip(1, "value"); break;
      case Code::ddl_logged_with_xid:
      case Code::mariadb_xid: ddl_xid = reader.u64("ddl_xid"); break;
      case Code::default_collation_for_utf8mb4:
        default_utf8mb4_collation = reader.u16("default_collation_for_utf8mb4");
        break;
      default: return true;
    }
  }
  return reader.ok();
}

Result<Query> Query::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  Query query;
  query.thread_id = reader.u32("thread_id");
  query.execution_time = reader.u32("execution_time");
  const std::uint8_t schema_length = reader.u8("schema_length");
  query.error_code = reader.u16("error_code");
  const std::uint16_t variables_length = reader.u16("status_variables_length");
  query.status_variables = reader.bytes(variables_length, "status_variables");
  query.schema = reader.text(schema_length, "schema");
  reader.skip(1, "schema");
  query.query = reader.rest_text("query");
  return reader.finish(query);
}

void Query::encode(Writer& writer, const Context&) const {
  writer.u32(thread_id, "thread_id");
  writer.u32(execution_time, "execution_time");
  writer.u8(schema.size(), "schema_length");
  writer.u16(error_code, "error_code");
  writer.u16(status_variables.size(), "status_variables_length");
  writer.bytes(status_variables);
  writer.text(schema);
  writer.zeros(1);
  writer.text(query);
}

Result<CompressedBody> CompressedBody::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  CompressedBody compressed;
  const std::uint8_t first = reader.u8("header");
  const unsigned width = first & 7U;
  if (reader.ok() && ((first & 0x88) != 0x80 || width == 0 || width > 4))
    reader.fail_at(errc::bad_value, "header", 0);
  compressed.algorithm = first >> 4 & 7;
  for (unsigned i = 0; i < width && reader.ok(); ++i)
    compressed.size = compressed.size << 8 | reader.u8("size");
  compressed.data = reader.rest("data");
  return reader.finish(compressed);
}

void CompressedBody::encode(Writer& writer, const Context&) const {
  if (algorithm > 7) writer.fail(errc::too_long, "algorithm");
  unsigned width = 1;
  while (width < 4 && size >> (8 * width) != 0) ++width;
  writer.u8(0x80U | static_cast<unsigned>(algorithm) << 4 | width, "header");
  for (unsigned i = width; i-- != 0;) writer.u8(size >> (8 * i) & 0xff);
  writer.bytes(data);
}

Result<Xid> Xid::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  return reader.finish(Xid{reader.u64("xid")});
}

void Xid::encode(Writer& writer, const Context&) const { writer.u64(xid, "xid"); }

Result<XaPrepare> XaPrepare::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  XaPrepare prepare;
  prepare.one_phase = reader.u8("one_phase") != 0;
  prepare.format = reader.u32("format");
  const std::uint32_t global_length = reader.u32("global_length");
  const std::uint32_t branch_length = reader.u32("branch_length");
  prepare.global = reader.bytes(global_length, "global");
  prepare.branch = reader.bytes(branch_length, "branch");
  return reader.finish(prepare);
}

void XaPrepare::encode(Writer& writer, const Context&) const {
  writer.u8(one_phase ? 1 : 0);
  writer.u32(format, "format");
  writer.u32(global.size(), "global_length");
  writer.u32(branch.size(), "branch_length");
  writer.bytes(global);
  writer.bytes(branch);
}

Result<Intvar> Intvar::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  Intvar variable;
  variable.kind = reader.u8("kind");
  variable.value = reader.u64("value");
  return reader.finish(variable);
}

void Intvar::encode(Writer& writer, const Context&) const {
  writer.u8(kind, "kind");
  writer.u64(value, "value");
}

Result<Rand> Rand::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  Rand rand;
  rand.seed1 = reader.u64("seed1");
  rand.seed2 = reader.u64("seed2");
  return reader.finish(rand);
}

void Rand::encode(Writer& writer, const Context&) const {
  writer.u64(seed1, "seed1");
  writer.u64(seed2, "seed2");
}

Result<UserVar> UserVar::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  UserVar variable;
  variable.variable = reader.text(reader.u32("variable_length"), "variable");
  variable.is_null = reader.u8("is_null") != 0;
  if (variable.is_null && reader.at_end()) return reader.finish(variable);
  variable.kind = reader.u8("kind");
  variable.collation = reader.u32("collation");
  variable.value = reader.bytes(reader.u32("value_length"), "value");
  variable.flags = reader.rest("flags");
  return reader.finish(variable);
}

void UserVar::encode(Writer& writer, const Context&) const {
  writer.u32(variable.size(), "variable_length");
  writer.text(variable);
  writer.u8(is_null ? 1 : 0);
  if (is_null) return;
  writer.u8(kind, "kind");
  writer.u32(collation, "collation");
  writer.u32(value.size(), "value_length");
  writer.bytes(value);
  writer.bytes(flags);
}

Result<RowsQuery> RowsQuery::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  reader.skip(1, "length");
  return reader.finish(RowsQuery{reader.rest_text("query")});
}

void RowsQuery::encode(Writer& writer, const Context&) const {
  writer.u8(query.size() < 255 ? query.size() : 255);
  writer.text(query);
}

Result<AnnotateRows> AnnotateRows::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  return reader.finish(AnnotateRows{reader.rest_text("query")});
}

void AnnotateRows::encode(Writer& writer, const Context&) const { writer.text(query); }

Result<TransactionPayload> TransactionPayload::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  TransactionPayload event;
  std::uint64_t payload_size = 0;
  for (;;) {
    const auto type = static_cast<PayloadField>(reader.lenenc("type"));
    if (!reader.ok() || type == PayloadField::end) break;
    const std::uint64_t value_at = reader.offset();
    Reader value(reader.lenenc_bytes("value"), name.data(), context);
    std::uint64_t* field = nullptr;
    if (type == PayloadField::size) field = &payload_size;
    if (type == PayloadField::compression) field = &event.compression;
    if (type == PayloadField::inflated_size) field = &event.size;
    if (field == nullptr) continue;
    *field = value.lenenc("value");
    if (!value.ok()) reader.fail_at(value.error().code, "value", value_at);
  }
  event.payload = reader.bytes(payload_size, "payload");
  if (event.compression == none) event.size = payload_size;
  return reader.finish(event);
}

void TransactionPayload::encode(Writer& writer, const Context&) const {
  const auto field = [&](PayloadField type, std::uint64_t value) {
    writer.lenenc(static_cast<std::uint64_t>(type));
    writer.lenenc(lenenc_size(value));
    writer.lenenc(value);
  };
  field(PayloadField::compression, compression);
  if (compression != none) field(PayloadField::inflated_size, size);
  field(PayloadField::size, payload.size());
  writer.lenenc(static_cast<std::uint64_t>(PayloadField::end));
  writer.bytes(payload);
}

}  // namespace mysqlwire::binlog
