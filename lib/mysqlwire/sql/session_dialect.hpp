// How a session's statements are to be read, as far as can be known from what passes.
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlwire::sql {

/// Follows the settings that change how SQL falls into tokens: the server's flavor and version, the
/// character set of the client and sql_mode. Until something is seen they are those of a server
/// that was not configured.
///
/// Known are SET NAMES, SET CHARACTER SET, SET character_set_client and SET sql_mode with a
/// literal, DEFAULT, or CONCAT() of literals and @@sql_mode; and whatever the server tracks. What
/// another expression makes of sql_mode shows only where the server tracks it.
class SessionDialect {
 public:
  /// What the server's greeting says of its version, as in Dialect::set_server_version().
  void set_server(std::string_view server_version) { dialect_.set_server_version(server_version); }
  /// A login or a change of user: the session begins anew.
  void begin(std::uint16_t collation);
  /// COM_RESET_CONNECTION: as it was at its beginning.
  void reset() { begin(collation_); }
  /// A statement that the server has agreed to.
  void on_statement(std::string_view sql);
  /// A system variable that the server tracks has this value now.
  void on_variable(std::string_view name, std::string_view value);

  const Dialect& dialect() const noexcept { return dialect_; }

 private:
  void set_modes(std::string modes);
  void set_charset(std::string_view name);

  Dialect dialect_;
  std::string modes_;
  std::uint16_t collation_ = 0;
};

}  // namespace mysqlwire::sql
