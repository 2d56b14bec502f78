// The classifier: reads a statement's tokens, one at a time with one ahead, and notes what they do.
// Not installed.
#pragma once

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/digest_detail.hpp>
#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/sql/statement_end_detail.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlwire::sql::detail {

class Classifier {
 public:
  /// Writes into `result`, and hands every token to `digest` too where that is given.
  Classifier(std::string_view sql, const Dialect& dialect, Classification& result,
             DigestBuilder* digest) noexcept;

  void run() noexcept;

 private:
  void add(Effect effect) noexcept { result_.effects.add(effect); }
  template <typename... More>
  void add(Effect first, More... more) noexcept {
    add(first);
    (add(more), ...);
  }

  // The tokens at hand, which rotate: copying them would cost more than reading them.
  const Token& previous() const noexcept { return *previous_; }
  const Token& current() const noexcept { return *current_; }
  const Token& ahead() const noexcept { return *ahead_; }

  bool at_end() const noexcept { return ended_ || current().kind == TokenKind::end; }
  bool at(Keyword word) const noexcept { return !ended_ && current().is(word); }
  // Words that are keywords on one server only are told by what they are.
  bool at_word(Keyword word) const noexcept {
    return !ended_ && current().keyword == word &&
           (current().kind == TokenKind::keyword || current().kind == TokenKind::identifier);
  }
  bool accept(Keyword word) noexcept {
    if (!at_word(word)) return false;
    advance();
    return true;
  }
  void advance() noexcept;
  void read_ahead() noexcept;

  void finish() noexcept;
  void unknown() noexcept;
  void statement() noexcept;
  void verb(StatementKind kind) noexcept { result_.kind = kind; }
  void define(StatementKind kind) noexcept;
  void set() noexcept;
  void show() noexcept;
  void explain() noexcept;
  void transaction_options() noexcept;
  void begin() noexcept;
  void start() noexcept;
  void rollback() noexcept;
  void xa() noexcept;
  void with() noexcept;
  void administer() noexcept;

  // Reads to the statement's end, noting what its words do.
  void scan() noexcept;
  void scan_token() noexcept;
  void scan_keyword() noexcept;
  void scan_symbol() noexcept;
  void scan_variable() noexcept;
  void scan_call(bool qualified) noexcept;
  bool scan_table() noexcept;
  void native_call(Keyword function) noexcept;
  bool column_here() const noexcept;

  // Bits by depth of parentheses; deeper ones share the last.
  std::uint64_t depth_bit() const noexcept {
    return std::uint64_t{1} << (depth_ < 63 ? depth_ : 63);
  }
  void expect_tables() noexcept {
    expect_table_ = true;
    table_lists_ |= depth_bit();
  }

  Lexer lexer_;
  Flavor flavor_;
  StatementEnd end_;
  std::array<Token, 3> tokens_;
  Token* previous_ = &tokens_[0];
  Token* current_ = &tokens_[1];
  Token* ahead_ = &tokens_[2];
  DigestBuilder* digest_;
  Classification& result_;
  bool ended_ = false;
  std::size_t depth_ = 0;
  std::uint64_t queries_ = 0;  // depths at which SELECT or DELETE has been seen: FROM names tables
  std::uint64_t table_lists_ = 0;  // depths at which a comma is followed by another table
  bool expect_table_ = false;
  bool in_where_ = false;
};

inline void Classifier::read_ahead() noexcept {
  lexer_.read(*ahead_);
  if (digest_ != nullptr && ahead_->kind != TokenKind::end) digest_->feed(*ahead_);
}

inline void Classifier::advance() noexcept {
  Token* const oldest = previous_;
  previous_ = current_;
  current_ = ahead_;
  ahead_ = oldest;
  if (current_->kind <= TokenKind::invalid) {
    if (current_->kind == TokenKind::end) {
      *ahead_ = *current_;
      return;
    }
    add(Effect::invalid, Effect::writes);
  }
  read_ahead();
  if (!ended_ && end_.feed(*previous_, *current_, *ahead_)) ended_ = true;
}

}  // namespace mysqlwire::sql::detail
