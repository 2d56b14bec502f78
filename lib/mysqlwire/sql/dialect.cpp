#include <mysqlwire/sql/dialect.hpp>

#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <system_error>

namespace mysqlwire::sql {
namespace {

// `lower` is in lower case.
bool equals(std::string_view word, std::string_view lower) noexcept {
  if (word.size() != lower.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower[i]) return false;
  }
  return true;
}

bool is_any_of(std::string_view word, std::initializer_list<std::string_view> all) noexcept {
  for (const std::string_view one : all) {
    if (equals(word, one)) return true;
  }
  return false;
}

}  // namespace

Multibyte multibyte_of(std::string_view charset) noexcept {
  if (equals(charset, "latin1")) return Multibyte::latin1;
  if (equals(charset, "big5")) return Multibyte::big5;
  if (is_any_of(charset, {"sjis", "cp932"})) return Multibyte::sjis;
  if (equals(charset, "gbk")) return Multibyte::gbk;
  if (equals(charset, "gb18030")) return Multibyte::gb18030;
  return Multibyte::none;
}

void Dialect::set_server_version(std::string_view server_version) noexcept {
  flavor =
      server_version.find("MariaDB") == std::string_view::npos ? Flavor::mysql : Flavor::mariadb;
  // What MariaDB puts in front for replicas of old.
  constexpr std::string_view replication_prefix = "5.5.5-";
  if (flavor == Flavor::mariadb && server_version.starts_with(replication_prefix))
    server_version.remove_prefix(replication_prefix.size());
  std::uint32_t parts[3] = {0, 0, 0};
  const char* at = server_version.data();
  const char* const end = at + server_version.size();
  std::size_t count = 0;
  while (count < 3) {
    const auto read = std::from_chars(at, end, parts[count]);
    if (read.ec != std::errc() || parts[count] > 99) break;
    ++count;
    at = read.ptr;
    if (at == end || *at != '.') break;
    ++at;
  }
  if (count != 0) version = parts[0] * 10000 + parts[1] * 100 + parts[2];
}

void Dialect::set_sql_mode(std::string_view modes) noexcept {
  ansi_quotes = no_backslash_escapes = ignore_space = pipes_as_concat = false;
  while (!modes.empty()) {
    const std::size_t comma = modes.find(',');
    const std::string_view mode = modes.substr(0, comma);
    modes = comma == std::string_view::npos ? "" : modes.substr(comma + 1);
    // Each of them sets these three, beside modes that change no token.
    const bool combined =
        is_any_of(mode, {"ansi", "db2", "maxdb", "mssql", "oracle", "postgresql"});
    ansi_quotes = ansi_quotes || combined || equals(mode, "ansi_quotes");
    ignore_space = ignore_space || combined || equals(mode, "ignore_space");
    pipes_as_concat = pipes_as_concat || combined || equals(mode, "pipes_as_concat");
    no_backslash_escapes = no_backslash_escapes || equals(mode, "no_backslash_escapes");
  }
}

}  // namespace mysqlwire::sql
