#include <mysqlwire/capture/expand.hpp>
#include <mysqlwire/capture/utf8.hpp>
#include <mysqlwire/sql/lexer.hpp>
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

void append_quoted(std::string& out, std::string_view text, const sql::Dialect& dialect) {
  out += '\'';
  for (const char c : text) {
    if (dialect.no_backslash_escapes) {
      out += c;
      if (c == '\'') out += c;
      continue;
    }
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

}  // namespace

void append_literal(std::string& out, const Value& value, ValueType type,
                    const sql::Dialect& dialect) {
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
    append_quoted(out, *text, dialect);
  } else {
    append_hex(out, *text);
  }
}

std::uint16_t count_placeholders(std::string_view query, const sql::Dialect& dialect) noexcept {
  std::uint16_t count = 0;
  sql::Lexer lexer(query, dialect);
  for (auto token = lexer.next(); token.kind != sql::TokenKind::end; token = lexer.next())
    if (token.kind == sql::TokenKind::parameter) ++count;
  return count;
}

void expand(std::string_view query, const ComStmtExecute& execute, const sql::Dialect& dialect,
            std::string& out) {
  auto parameter = execute.parameters.begin();
  std::uint64_t left = execute.parameter_count;
  std::size_t copied = 0;
  sql::Lexer lexer(query, dialect);
  for (auto token = lexer.next(); token.kind != sql::TokenKind::end; token = lexer.next()) {
    if (token.kind != sql::TokenKind::parameter) continue;
    if (left == 0 || parameter == std::default_sentinel) break;
    const auto at = static_cast<std::size_t>(token.text.data() - query.data());
    out += query.substr(copied, at - copied);
    copied = at + token.text.size();
    if (parameter->long_data) {
      out += "/* long data */";
    } else {
      append_literal(out, parameter->value, parameter->type, dialect);
    }
    ++parameter;
    --left;
  }
  out += query.substr(copied);
}

}  // namespace mysqlwire::capture
