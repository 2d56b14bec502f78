#include <mysqlwire/capture/expand.hpp>
#include <mysqlwire/capture/utf8.hpp>
#include <mysqlwire/wire/value_text.hpp>

#include <algorithm>
#include <iterator>

namespace mysqlwire::capture {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

void append_hex(std::string& out, std::string_view bytes) {
  out += "x'";
  for (const char byte : bytes) {
    out += hex_digits[static_cast<unsigned char>(byte) >> 4];
    out += hex_digits[static_cast<unsigned char>(byte) & 0x0f];
  }
  out += '\'';
}

void append_quoted(std::string& out, std::string_view text) {
  out += '\'';
  for (const char c : text) {
    switch (c) {
      case '\'': out += "\\'"; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\x1a': out += "\\Z"; break;
      default: out += c;
    }
  }
  out += '\'';
}

// Where the quoted text or comment that starts at `at` ends; `at` itself when none starts there.
std::size_t skip_quoted(std::string_view sql, std::size_t at) noexcept {
  const char c = sql[at];
  const auto find = [&](std::string_view end, std::size_t from) {
    const std::size_t found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  if (c == '#') return find("\n", at);
  if (c == '-' && sql.substr(at, 3).size() == 3 && sql[at + 1] == '-' &&
      static_cast<unsigned char>(sql[at + 2]) <= ' ')
    return find("\n", at);
  if (c == '/' && sql.substr(at, 2) == "/*" && sql.substr(at, 3) != "/*!")
    return find("*/", at + 2);
  if (c != '\'' && c != '"' && c != '`') return at;
  for (std::size_t i = at + 1; i < sql.size(); ++i) {
    if (sql[i] == '\\' && c != '`') {
      ++i;
    } else if (sql[i] == c) {
      return i + 1;  // a doubled quote begins the next piece
    }
  }
  return sql.size();
}

}  // namespace

void append_literal(std::string& out, const Value& value, ValueType type) {
  if (is_null(value)) {
    out += "NULL";
    return;
  }
  const auto* text = std::get_if<std::string_view>(&value);
  if (text == nullptr) {
    const bool is_temporal = std::holds_alternative<Date>(value) ||
                             std::holds_alternative<DateTime>(value) ||
                             std::holds_alternative<Time>(value);
    if (is_temporal) out += '\'';
    append_text(out, value);
    if (is_temporal) out += '\'';
  } else if (type.type == FieldType::newdecimal || type.type == FieldType::decimal) {
    out += *text;
  } else if (is_utf8(*text) && text->find('\0') == std::string_view::npos) {
    append_quoted(out, *text);
  } else {
    append_hex(out, *text);
  }
}

std::uint16_t count_placeholders(std::string_view query) noexcept {
  std::uint16_t count = 0;
  for (std::size_t i = 0; i < query.size();) {
    if (query[i] == '?') ++count;
    i = std::max(skip_quoted(query, i), i + 1);
  }
  return count;
}

void expand(std::string_view query, const ComStmtExecute& execute, std::string& out) {
  auto parameter = execute.parameters.begin();
  std::uint64_t left = execute.parameter_count;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < query.size();) {
    if (query[i] == '?') {
      out += query.substr(copied, i - copied);
      copied = ++i;
      if (left == 0 || parameter == std::default_sentinel) {
        out += '?';
        continue;
      }
      if (parameter->long_data) {
        out += "/* long data */";
      } else {
        append_literal(out, parameter->value, parameter->type);
      }
      ++parameter;
      --left;
      continue;
    }
    const std::size_t end = skip_quoted(query, i);
    i = std::max(end, i + 1);
  }
  out += query.substr(copied);
}

}  // namespace mysqlwire::capture
