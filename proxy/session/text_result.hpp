// The answer to one query of the proxy's own.
#pragma once

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// Takes the packets of an answer to COM_QUERY, without CLIENT_DEPRECATE_EOF, and keeps its rows.
/// No I/O. A server that sends more than is reasonable is told off by `failed`.
class TextResult {
 public:
  static constexpr std::size_t most_columns = 64;
  static constexpr std::size_t most_rows = 1'000'000;

  enum class Step : std::uint8_t {
    need_more,
    done,    ///< rows() is complete
    failed,  ///< error() says why: the server's words, or what it broke
  };

  /// `ok_too`: an OK is an answer as well, without rows; else it is none.
  explicit TextResult(mysqlwire::Capabilities capabilities, bool ok_too = false) : ok_too_(ok_too) {
    context_.capabilities = capabilities;
    context_.limits.max_columns = most_columns;
  }

  Step on_packet(const mysqlwire::Packet& packet);

  /// Gives up: for what is no packet.
  Step fail(std::string error);

  /// The columns' names, as the server spells them.
  const std::vector<std::string>& names() const noexcept { return names_; }
  using Row = std::vector<std::string>;  ///< NULL is empty
  const std::vector<Row>& rows() const noexcept { return rows_; }
  const std::string& error() const noexcept { return error_; }
  /// The number of the server's ERR; 0 where it was none.
  std::uint16_t code() const noexcept { return code_; }

 private:
  enum class State : std::uint8_t { head, definitions, definitions_end, rows, over };

  Step take_row(mysqlwire::Bytes payload);

  mysqlwire::Context context_;
  bool ok_too_;
  State state_ = State::head;
  std::uint64_t columns_ = 0;
  std::uint64_t definitions_left_ = 0;
  std::vector<std::string> names_;
  std::vector<Row> rows_;
  std::string error_;
  std::uint16_t code_ = 0;
};

}  // namespace mysqlproxy
