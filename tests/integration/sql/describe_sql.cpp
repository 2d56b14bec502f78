// What mysqlwire says of statements, for tests that compare it with what servers do.
//
// Reads a line for each: FLAVOR VERSION SQL_MODE CHARSET HEX, with `-` for an empty sql_mode.
// Writes a line of JSON for each.
#include <mysqlwire/sql/analysis.hpp>

#include <cstddef>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::sql;

namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(byte));
      result += escape;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string list(const std::vector<std::string>& items) {
  std::string result = "[";
  for (const std::string& item : items) result += (result.size() > 1 ? ", " : "") + quoted(item);
  return result + "]";
}

// Statements as servers count them: a comment alone is one, blanks are none.
std::size_t count(std::string_view sql, const Dialect& dialect) {
  std::size_t result = 0;
  while (!sql.empty()) {
    const FirstStatement first = split(sql, dialect);
    if (first.statement.find_first_not_of(" \t\r\n\v\f") != std::string_view::npos) ++result;
    sql = first.rest;
  }
  return result;
}

std::string describe(std::string_view sql, const Dialect& dialect) {
  std::vector<char> buffer(4 * sql.size() + 16);
  const Analysis analysis = analyze(sql, dialect, buffer);
  std::vector<std::string> effects, tables;
  for (std::uint32_t bit = 1; bit <= static_cast<std::uint32_t>(Effect::invalid); bit <<= 1) {
    const auto effect = static_cast<Effect>(bit);
    if (analysis.what.has(effect)) effects.emplace_back(to_string(effect));
  }
  for (const TableName& table : analysis.what.tables()) {
    tables.push_back((table.schema.empty() ? "" : std::string(table.schema) + ".") +
                     std::string(table.name));
  }
  return "{\"kind\": " + quoted(to_string(analysis.what.kind)) + ", \"effects\": " + list(effects) +
         ", \"tables\": " + list(tables) +
         ", \"reads_only\": " + (analysis.what.reads_only() ? "true" : "false") +
         ", \"statements\": " + std::to_string(count(sql, dialect)) +
         ", \"invalid\": " + (analysis.digest.invalid ? "true" : "false") +
         ", \"digest\": " + quoted(analysis.digest.text) + "}";
}

std::string of_hex(const std::string& hex) {
  std::string result;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    result += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return result;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream fields(line);
    std::string flavor, modes, charset, hex;
    Dialect dialect;
    fields >> flavor >> dialect.version >> modes >> charset >> hex;
    dialect.flavor = flavor == "mariadb" ? Flavor::mariadb : Flavor::mysql;
    dialect.multibyte = multibyte_of(charset);
    dialect.set_sql_mode(modes);
    std::cout << describe(of_hex(hex), dialect) << "\n";
  }
}
