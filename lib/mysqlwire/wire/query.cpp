#include <mysqlwire/wire/command_detail.hpp>
#include <mysqlwire/wire/query.hpp>

namespace mysqlwire {
namespace {

constexpr std::uint8_t local_infile_header = 0xfb;

ParameterList read_attributes(Reader& reader, const Context& context) noexcept {
  const auto count_at = reader.offset();
  const std::uint64_t count = reader.lenenc("parameter_count");
  if (count > context.limits.max_parameters)
    reader.fail_at(errc::limit_exceeded, "parameter_count", count_at);
  const auto sets_at = reader.offset();
  if (reader.lenenc("parameter_set_count") != 1)
    reader.fail_at(errc::bad_value, "parameter_set_count", sets_at);
  if (!reader.ok() || count == 0) return {};
  bool bound = false;  // read() sees to it: there is no earlier execute whose types could count
  return ParameterList::read(reader, count, true, StatementInfo{}, bound);
}

}  // namespace

Result<ComQuery> ComQuery::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, name.data(), context);
  ComQuery message;
  detail::read_command(reader, Command::com_query);
  if (context.capabilities.has(Capability::query_attributes))
    message.attributes = read_attributes(reader, context);
  message.query = reader.rest_text("query");
  return reader.finish(message);
}

Result<std::string_view> ComQuery::decode_text(Bytes payload, const Context& context) noexcept {
  // Nothing can be wrong with it then.
  if (context.fields == nullptr && !context.capabilities.has(Capability::query_attributes) &&
      !payload.empty() && payload[0] == static_cast<std::uint8_t>(Command::com_query))
    return as_text(payload.subspan(1));
  const auto message = decode(payload, context);
  if (!message) return message.error();
  return message->query;
}

void ComQuery::encode(Writer& writer, const Context& context) const {
  detail::write_command(writer, Command::com_query);
  if (context.capabilities.has(Capability::query_attributes)) {
    writer.lenenc(attributes.size());
    writer.lenenc(1);
    attributes.write(writer, attributes.size(), true, true);
  }
  writer.text(query);
}

Result<LocalInfileRequest> LocalInfileRequest::decode(Bytes payload,
                                                      const Context& context) noexcept {
  Reader reader(payload, name.data(), context);
  LocalInfileRequest message;
  if (reader.u8("header") != local_infile_header) reader.fail_at(errc::bad_value, "header", 0);
  message.filename = reader.rest_text("filename");
  return reader.finish(message);
}

void LocalInfileRequest::encode(Writer& writer, const Context&) const {
  writer.u8(local_infile_header, "header");
  writer.text(filename);
}

}  // namespace mysqlwire
