// COM_QUERY with its query attributes, and the server's request for a local file.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/parameter.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <string_view>

namespace mysqlwire {

/// One or more statements in the text protocol.
///
///   | command             | 1, 0x03                                                     |
///   only with CLIENT_QUERY_ATTRIBUTES:
///   | parameter_count     | int<lenenc>                                                 |
///   | parameter_set_count | int<lenenc>, always 1                                       |
///   | attributes          | as ParameterList::read has them, with names and with types; |
///   |                     | nothing when there are none                                 |
///   always:
///   | query               | string<EOF>                                                 |
///
/// More attributes than Limits::max_parameters are limit_exceeded, another parameter_set_count is
/// bad_value, and attributes without types are missing_field: the server refuses them too.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query.html
struct ComQuery {
  static constexpr std::string_view name = "COM_QUERY";

  std::string_view query;    ///< borrows from the payload
  ParameterList attributes;  ///< borrows from the payload

  static Result<ComQuery> decode(Bytes payload, const Context& context) noexcept;
  /// Its `query` alone, with the same errors. Costs next to nothing where there are no attributes.
  static Result<std::string_view> decode_text(Bytes payload, const Context& context) noexcept;
  /// Without CLIENT_QUERY_ATTRIBUTES the attributes are left out.
  void encode(Writer& writer, const Context& context) const;
};

/// The server asks the client for a file (LOAD DATA LOCAL). The client answers with packets of the
/// file's content and an empty packet.
///
///   | header   | 1, 0xfb     |
///   | filename | string<EOF> |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_local_infile_request.html
struct LocalInfileRequest {
  static constexpr std::string_view name = "LOCAL INFILE Request";

  std::string_view filename;  ///< borrows from the payload

  static Result<LocalInfileRequest> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const LocalInfileRequest&, const LocalInfileRequest&) = default;
};

}  // namespace mysqlwire
