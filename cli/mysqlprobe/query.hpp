// Statements over a connection that is logged in.
#pragma once

#include "cli/mysqlprobe/connection.hpp"

#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/status.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlprobe {

struct QueryResult {
  using Row = std::vector<std::optional<std::string>>;
  static constexpr std::size_t max_rows = 1000;  ///< more are read, and not kept

  std::optional<Failure> error;  ///< an ERR of the server's
  std::vector<std::string> columns;
  std::vector<Row> rows;
  mysqlwire::StatusFlags status;
  std::uint64_t affected = 0;
  std::uint32_t results = 0;

  /// The first row's cell of that column, empty for NULL and for none.
  std::string cell(std::size_t column) const;
  /// The second column of the row whose first is `name`, as of SHOW STATUS.
  std::string value_of(std::string_view name) const;
};

/// Sends COM_QUERY and reads the whole answer. A request for a local file is answered with nothing,
/// and is an error. Throws ProbeError for everything but an ERR.
QueryResult ask(Connection& connection, const mysqlwire::Context& context, std::string_view sql);

/// COM_PING; throws ProbeError.
void ping(Connection& connection, const mysqlwire::Context& context);

}  // namespace mysqlprobe
