#include <mysqlwire/sql/literals.hpp>

namespace mysqlwire::sql {
namespace {

using enum Keyword;

bool is_value(const Token& token) noexcept {
  return token.is_literal() || token.kind == TokenKind::parameter;
}

bool is_sign(const Token& token) noexcept { return token.is('-') || token.is('+'); }

bool is_equal(const Token& token) noexcept {
  return token.is('=') || token.kind == TokenKind::equal_null;
}

std::string_view content_of(const Token& name) noexcept {
  return name.kind == TokenKind::quoted_identifier ? name.text.substr(1, name.text.size() - 2)
                                                   : name.text;
}

// Most keywords are columns' names too: all but those that end an operand of another kind.
bool is_name(const Token& token) noexcept {
  if (token.is_identifier()) return true;
  if (token.kind != TokenKind::keyword) return false;
  switch (token.keyword) {
    case k_CURRENT_DATE:
    case k_CURRENT_TIME:
    case k_CURRENT_TIMESTAMP:
    case k_CURRENT_USER:
    case k_DEFAULT:
    case k_END:
    case k_FALSE:
    case k_LOCALTIME:
    case k_LOCALTIMESTAMP:
    case k_NOT:
    case k_NULL:
    case k_TRUE:
    case k_UNKNOWN:
    case k_UTC_DATE:
    case k_UTC_TIME:
    case k_UTC_TIMESTAMP: return false;
    default: return true;
  }
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace

std::string_view Literal::content() const noexcept {
  if (kind != TokenKind::string) return text;
  const std::size_t start = text[0] == 'N' || text[0] == 'n' ? 2 : 1;
  return text.substr(start, text.size() - start - 1);
}

Literals::Literals(std::string_view sql, const Dialect& dialect) noexcept
    : lexer_(sql, dialect), pipes_as_concat_(dialect.pipes_as_concat) {
  firsts_.set(0);
  outer_.set(0);
  ahead_ = lexer_.next();
}

bool Literals::next() noexcept {
  while (ahead_.kind != TokenKind::end) {
    read();
    if (!is_value(back(0))) continue;
    describe();
    return true;
  }
  return false;
}

// Takes the next token, and notes where it leaves us.
void Literals::read() noexcept {
  history_[++read_ % depth] = ahead_;
  ahead_ = lexer_.next();
  const Token& token = back(0);
  if (token.kind == TokenKind::keyword) {
    read_keyword();
  } else if (token.kind == TokenKind::symbol) {
    read_symbol();
  } else if (token.kind == TokenKind::or_or && !pipes_as_concat_) {
    note_alternative();
  }
  at_start_ = token.is(';') || (at_start_ && token.is('('));
}

void Literals::open(bool by_case) noexcept {
  // Parentheses around a condition or a part of one.
  const Token& before = back(1);
  const bool negated = before.is(k_NOT) || before.is('!');
  const bool part = !by_case && conditions_.has(level_) && (negated || begins_operand(1));
  const bool where = part && wheres_.has(level_), outer = part && outer_.has(level_);
  const bool first = at_start_ && !by_case;
  ++level_;
  cases_.set(level_, by_case);
  firsts_.set(level_, first);
  outer_.set(level_, first || outer);
  conditions_.set(level_, part);
  wheres_.set(level_, where);
  alternatives_.set(level_, negated);
  betweens_.set(level_, false);
}

void Literals::close() noexcept {
  if (level_ > 0) --level_;
  if (watching_ && level_ < watched_) watched_ = level_;
}

void Literals::end_condition() noexcept {
  conditions_.set(level_, false);
  wheres_.set(level_, false);
  alternatives_.set(level_, false);
  betweens_.set(level_, false);
  if (level_ == 0) in_set_ = false;
  if (watching_ && level_ <= watched_) watching_ = false;
}

void Literals::note_alternative() noexcept {
  alternatives_.set(level_);
  if (watching_ && level_ <= watched_) spoiled_ = true;
}

void Literals::read_keyword() noexcept {
  Token& token = history_[read_ % depth];
  switch (token.keyword) {
    case k_INSERT:
    case k_REPLACE:
      if (ahead_.is('(') || level_ != 0 || verb_ != Verb::other) return;
      verb_ = Verb::insert;
      into_ = Into::table;
      return;
    case k_UPDATE:
      if (back(1).is(k_KEY) && verb_ == Verb::insert && level_ == 0) {
        end_condition();
        in_set_ = duplicate_ = true;
        into_ = Into::none;
      } else if (verb_ == Verb::other && level_ == 0) {
        verb_ = Verb::update;
      }
      return;
    case k_SET:
      end_condition();
      in_set_ = verb_ != Verb::other && level_ == 0;
      into_ = Into::none;
      return;
    case k_VALUES:
    case k_VALUE:
      if (into_ != Into::none && level_ == 0 && (ahead_.is('(') || ahead_.is(k_ROW)) &&
          !back(1).is(k_INTO) && !back(1).is(k_INSERT)) {
        into_ = Into::rows;
      }
      return;
    case k_SELECT:
      end_condition();
      outer_.set(level_, firsts_.has(level_) && verb_ != Verb::insert);
      into_ = Into::none;
      return;
    case k_WHERE:
      end_condition();
      conditions_.set(level_);
      wheres_.set(level_);
      return;
    case k_ON:
    case k_HAVING:
      end_condition();
      if (ahead_.is(k_DUPLICATE)) into_ = Into::none;
      conditions_.set(level_);
      return;
    case k_FROM:
    case k_JOIN:
    case k_GROUP:
    case k_LIMIT:
    case k_ORDER:
    case k_RETURNING:
    case k_WINDOW:
      if (!ahead_.is('=')) end_condition();  // some are columns' names too
      return;
    case k_UNION:
    case k_EXCEPT:
    case k_INTERSECT:
      end_condition();
      if (firsts_.has(level_) && !statement_ended_) spoiled_ = true;
      return;
    case k_OR:
    case k_XOR: return note_alternative();
    case k_BETWEEN: return betweens_.set(level_);
    case k_AND:
      if (!betweens_.has(level_)) return;
      betweens_.set(level_, false);
      token.keyword = k_BETWEEN;  // no operand of AND begins behind it
      return;
    case k_CASE: return open(true);
    case k_END:
      if (cases_.has(level_)) close();
      return;
    default: return;
  }
}

void Literals::read_symbol() noexcept {
  switch (back(0).text[0]) {
    case '(': {
      const std::size_t last = back(1).is(k_IN) ? 2 : 0;
      Column column;
      const std::size_t before = last != 0 && is_name(back(last)) ? find_column(last, column) : 0;
      const bool compared = before != 0 && conditions_.has(level_) && begins_operand(before);
      const bool list = into_ == Into::table && level_ == 0 &&
                        (is_name(back(1)) || back(1).is(')')) && !back(1).is(k_PARTITION) &&
                        !ahead_.is(k_SELECT) && !ahead_.is(k_WITH) && !ahead_.is('(');
      const bool row = into_ == Into::rows && level_ == 0;
      open(false);
      if (compared) {
        in_column_ = column;
        in_level_ = level_;
      }
      if (list) {
        into_ = Into::columns;
        column_count_ = 0;
      }
      if (row) {
        into_ = Into::row;
        position_ = 0;
        ++rows_;
      }
      return;
    }
    case ')':
      if (in_level_ != 0 && level_ == in_level_) in_level_ = 0;
      close();
      if (into_ == Into::columns && level_ == 0) {
        if (is_name(back(1)) && column_count_ < max_columns) {
          columns_[column_count_] = content_of(back(1));
        }
        if (is_name(back(1))) ++column_count_;
        into_ = Into::rows;
      } else if (into_ == Into::row && level_ == 0) {
        into_ = Into::rows;
      }
      return;
    case ',':
      if (level_ != 1) return;
      if (into_ == Into::columns && column_count_ < max_columns) {
        columns_[column_count_] = content_of(back(1));
      }
      if (into_ == Into::columns) ++column_count_;
      if (into_ == Into::row) ++position_;
      return;
    case ';':
      if (level_ != 0) return;
      end_condition();
      verb_ = Verb::other;
      into_ = Into::none;
      column_count_ = 0;
      duplicate_ = false;
      statement_ended_ = true;
      return;
    default: return;
  }
}

// What may stand in front of a condition's operand.
bool Literals::begins_operand(std::size_t before) const noexcept {
  const Token& token = back(before);
  switch (token.kind) {
    case TokenKind::and_and: return true;
    case TokenKind::or_or: return !pipes_as_concat_;
    case TokenKind::symbol: return token.is('(') && conditions_.has(level_);
    case TokenKind::keyword:
      return token.is(k_WHERE) || token.is(k_ON) || token.is(k_HAVING) || token.is(k_AND) ||
             token.is(k_OR) || token.is(k_XOR);
    default: return false;
  }
}

bool Literals::begins_assignment(std::size_t before) const noexcept {
  const Token& token = back(before);
  return token.is(',') || token.is(k_SET) || token.is(k_UPDATE);
}

// What may stand behind one.
bool Literals::ends_operand(const Token& token) const noexcept {
  switch (token.kind) {
    case TokenKind::end:
    case TokenKind::and_and: return true;
    case TokenKind::or_or: return !pipes_as_concat_;
    case TokenKind::symbol: return token.is(')') || token.is(',') || token.is(';');
    case TokenKind::keyword: break;
    default: return false;
  }
  switch (token.keyword) {
    case k_AND:
    case k_CROSS:
    case k_EXCEPT:
    case k_FOR:
    case k_GROUP:
    case k_HAVING:
    case k_INNER:
    case k_INTERSECT:
    case k_INTO:
    case k_JOIN:
    case k_LEFT:
    case k_LIMIT:
    case k_LOCK:
    case k_NATURAL:
    case k_ON:
    case k_OR:
    case k_ORDER:
    case k_PROCEDURE:
    case k_RETURNING:
    case k_RIGHT:
    case k_SET:
    case k_STRAIGHT_JOIN:
    case k_UNION:
    case k_WHERE:
    case k_WINDOW:
    case k_XOR: return true;
    default: return false;
  }
}

// The column whose name ends at back(last). Where the token in front of it is; 0 for none.
std::size_t Literals::find_column(std::size_t last, Column& column) const noexcept {
  if (!is_name(back(last))) return 0;
  column = {{}, content_of(back(last))};
  std::size_t before = last + 1;
  for (int parts = 0; parts < 2 && back(before).is('.'); ++parts) {
    if (!is_name(back(before + 1))) return 0;
    if (column.table.empty()) column.table = content_of(back(before + 1));
    before += 2;
  }
  return before;
}

void Literals::name(LiteralUse use, const Column& column) noexcept {
  literal_.use = use;
  literal_.table = column.table;
  literal_.column = column.name;
}

// At a value, which back(0) is.
void Literals::describe() noexcept {
  literal_ = {};
  literal_.kind = back(0).kind;
  literal_.text = back(0).text;
  if (literal_.kind == TokenKind::parameter) literal_.placeholder = placeholders_++;
  required_ = false;

  std::size_t before = 1;
  if (back(before).kind == TokenKind::introducer) ++before;
  const bool negative = back(before).is('-');
  if (is_sign(back(before))) ++before;
  if (into_ == Into::row && level_ == 1) {
    describe_row(before);
  } else if (in_level_ != 0 && level_ == in_level_) {
    if ((back(before).is('(') || back(before).is(',')) && ends_operand(ahead_)) {
      name(LiteralUse::in, in_column_);
      const std::size_t outside = level_ - 1;
      required_ = wheres_.has(outside) && outer_.has(outside) && !alternatives_.any_up_to(outside);
    }
  } else if (is_equal(back(before)) && ends_operand(ahead_)) {
    Column column;
    const std::size_t front = find_column(before + 1, column);
    if (front == 0) return;
    if (conditions_.has(level_) && begins_operand(front)) {
      name(LiteralUse::equal, column);
    } else if (in_set_ && level_ == 0 && begins_assignment(front)) {
      name(LiteralUse::assigned, column);
      required_ = verb_ == Verb::insert && !duplicate_;
    }
  } else if (!describe_reversed(before)) {
    return;
  }
  if (literal_.use == LiteralUse::other) return;
  literal_.negative = negative;
  if (literal_.use == LiteralUse::equal) {
    required_ = wheres_.has(level_) && outer_.has(level_) && !alternatives_.any_up_to(level_);
  }
}

// value = column
bool Literals::describe_reversed(std::size_t before) noexcept {
  if (!is_equal(ahead_) || !conditions_.has(level_) || !begins_operand(before)) return false;
  Lexer lexer = lexer_;
  Token token = lexer.next();
  Column column;
  for (int parts = 0; parts < 3; ++parts) {
    if (!is_name(token)) return false;
    column = {column.name, content_of(token)};
    token = lexer.next();
    if (!token.is('.')) break;
    token = lexer.next();
  }
  if (!ends_operand(token)) return false;
  name(LiteralUse::equal, column);
  return true;
}

void Literals::describe_row(std::size_t before) noexcept {
  if (!(back(before).is('(') || back(before).is(','))) return;
  if (!(ahead_.is(')') || ahead_.is(','))) return;
  Column column;
  if (position_ < column_count_ && position_ < max_columns) column.name = columns_[position_];
  name(LiteralUse::inserted, column);
  literal_.position = position_;
  required_ = true;
}

// From now on an OR makes known that the current literal need not hold.
void Literals::watch() noexcept {
  const std::size_t level = literal_.use == LiteralUse::in ? level_ - 1 : level_;
  if (!watching_ || level > watched_) watched_ = level;
  watching_ = literal_.use == LiteralUse::in || literal_.use == LiteralUse::equal;
}

std::optional<Literal> value_of(std::string_view sql, const Dialect& dialect,
                                std::string_view column) noexcept {
  Literals literals(sql, dialect);
  std::optional<Literal> found;
  std::size_t rows = 0;
  while (literals.next() && !literals.statement_ended_) {
    const Literal& literal = literals.current();
    if (!literals.required_ || !same_name(literal.column, column)) continue;
    if (found &&
        (found->kind != literal.kind || found->text != literal.text ||
         found->negative != literal.negative || found->placeholder != literal.placeholder)) {
      return std::nullopt;
    }
    if (!found) found = literal;
    if (literal.use == LiteralUse::inserted) ++rows;
    literals.watch();
  }
  if (literals.spoiled_) return std::nullopt;
  if (found && found->use == LiteralUse::inserted && rows != literals.rows_) return std::nullopt;
  return found;
}

}  // namespace mysqlwire::sql
