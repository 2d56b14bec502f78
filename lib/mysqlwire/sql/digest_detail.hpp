// Builds a digest from tokens as they come; not installed.
#pragma once

#include <mysqlwire/sql/digest.hpp>
#include <mysqlwire/sql/lexer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace mysqlwire::sql::detail {

/// What the parts of a digest that were written last are, as far as later ones may change them.
enum class Part : std::uint8_t {
  none,  // nothing, or too long ago
  other,
  name,         // an identifier: what follows is no expression's beginning
  before_sign,  // NOT of NOT NULL: a sign behind it is unary, but NULL is a word
  in,
  sign,  // a unary + or -, or several
  null,  // NULL as a word, not as a value
  value,
  values,
  row_of_one,
  rows_of_one,
  row,
  rows,
  // An operand is expected behind these.
  before_operand,  // a keyword or operator that an operand follows: a sign behind it is unary
  before_null,     // a keyword or operator behind which NULL is a value, but a sign a token
  open,
  comma,
};

/// The text under construction in the caller's buffer, and the last parts with their places, so
/// that they can be taken back when what follows makes them one.
class DigestText {
 public:
  /// `sql` is what names are copied from: nothing behind its end is read.
  DigestText(std::span<char> buffer, std::string_view sql) noexcept
      : data_(buffer.data()), capacity_(buffer.size()), sql_end_(sql.data() + sql.size()) {}

  Part last(std::size_t back = 0) const noexcept {
    return back < count_ ? entries_[(top_ - back) % depth].part : Part::none;
  }

  void pop(std::size_t count = 1) noexcept {
    for (; count > 0 && count_ > 0; --count, --count_, --top_) {
      size_ = entries_[top_ % depth].start;
      joined_ = entries_[top_ % depth].joined;
    }
  }

  /// Begins a part: a blank, unless the one before it says otherwise.
  void begin(Part part) noexcept {
    note(part);
    if (size_ > 0 && !joined_) append(" ");
    joined_ = false;
  }

  void push(Part part, std::string_view text) noexcept {
    begin(part);
    append(text);
  }

  void push(Part part, char c) noexcept {
    if (!has_room(2)) return push(part, std::string_view(&c, 1));
    note(part);
    separate();
    data_[size_++] = c;
  }

  /// A keyword as digests show it.
  void push_keyword(Part part, Keyword keyword) noexcept;
  /// A name in backticks.
  void push_name(std::string_view name) noexcept;

  void append(std::string_view text) noexcept {
    if (text.empty()) return;
    if (!has_room(text.size())) {
      truncated_ = true;
      capacity_ = size_;
      return;
    }
    std::memcpy(data_ + size_, text.data(), text.size());
    size_ += text.size();
  }

  /// The next part follows without a blank.
  void join() noexcept { joined_ = true; }

  std::string_view text() const noexcept { return {data_, size_}; }
  bool truncated() const noexcept { return truncated_; }

 private:
  // The longest that is looked back over is `IN ( ? , -`, and a pop needs what is below it.
  static constexpr std::size_t depth = 8;
  struct Entry {
    std::size_t start;
    Part part;
    bool joined;  // begins without a blank
  };

  bool has_room(std::size_t size) const noexcept { return size <= capacity_ - size_; }
  void note(Part part) noexcept {
    ++top_;
    if (count_ < depth) ++count_;
    entries_[top_ % depth] = {size_, part, joined_};
  }
  // The blank, where there is room.
  void separate() noexcept {
    data_[size_] = ' ';
    size_ += size_ > 0 && !joined_ ? 1 : 0;
    joined_ = false;
  }

  char* data_;
  std::size_t capacity_;
  const char* sql_end_;
  std::size_t size_ = 0;
  std::size_t top_ = 0;
  std::size_t count_ = 0;
  bool joined_ = false;
  bool truncated_ = false;
  std::array<Entry, depth> entries_;  // the last count_ are set
};

/// Optimizer hints as digests show them: /*+ NAME ( `table`@`block` ? ) */
void push_hints(DigestText& text, std::string_view hint, const Dialect& dialect) noexcept;

/// A literal or a placeholder; signs are part of a number.
void push_value(DigestText& text, bool number) noexcept;
void push_symbol(DigestText& text, char symbol) noexcept;
/// A quoted identifier's content, doubled quotes undone, in backticks: not quoted again, as in
/// MySQL's digests.
void push_quoted(DigestText& text, std::string_view quoted) noexcept;

/// Takes a statement's tokens one after the other, the end excluded.
class DigestBuilder {
 public:
  DigestBuilder(std::string_view sql, const Dialect& dialect, std::span<char> buffer) noexcept
      : text_(buffer, sql), dialect_(dialect) {}

  void feed(const Token& token) noexcept {
    if (semicolon_) push_semicolon();
    if (!full()) push(token);
  }
  /// No more is read: the text is full.
  bool full() const noexcept { return text_.truncated(); }
  void finish(Digest& result) const noexcept;

 private:
  void push(const Token& token) noexcept;
  void push_semicolon() noexcept;

  DigestText text_;
  const Dialect& dialect_;
  bool semicolon_ = false;  // came last; it is left out when nothing follows
  bool invalid_ = false;
};

}  // namespace mysqlwire::sql::detail
