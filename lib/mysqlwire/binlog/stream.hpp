// The events of one log in their order: what a later one needs of those before it.
#pragma once

#include <mysqlwire/binlog/checksum.hpp>
#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/binlog/table_map.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

namespace mysqlwire::binlog {

/// An event taken apart. `body` is what decode() of the event's message takes.
struct Event {
  EventHeader header;
  Bytes body;  ///< borrows; without header and checksum, but see FormatDescription
  std::optional<std::uint32_t> checksum;
  bool checksum_ok = false;  ///< with a checksum: whether it is the right one
};

/// Reads the events of one dump or file, one after the other, and remembers what those behind need:
/// whether they have checksums, and the tables that are announced. What it holds is bounded: the
/// tables of a statement are forgotten behind it, and all of them when they become too many.
class Stream {
 public:
  /// Takes an event apart. A checksum that is wrong is no error, since what is in the event is
  /// often still worth a look. In front of the first format description it is unknown whether
  /// events have checksums: there is one when the last four bytes are it.
  ///
  /// Errors: those of EventHeader; truncated for an event that is shorter than it says, bad_value
  /// for one that is longer, or has no room for its checksum.
  Result<Event> take(Bytes event, const Context& context);

  /// An event inside of a TRANSACTION_PAYLOAD_EVENT: the same, but there are no checksums.
  Result<Event> take_inner(Bytes event, const Context& context);

  /// The table that was announced last under this id; null when none was, or its map is not
  /// understood. Valid until the next take().
  const Table* table(std::uint64_t id) const noexcept;

  /// Nothing before the first format description.
  std::optional<ChecksumAlgorithm> checksum_algorithm() const noexcept { return algorithm_; }

 private:
  void forget() noexcept;
  void remember(const Event& event, const Context& context);

  std::optional<ChecksumAlgorithm> algorithm_;
  std::optional<Flavor> flavor_;  // of the server that wrote the log
  std::unordered_map<std::uint64_t, Table> tables_;
  std::size_t weight_ = 0;        // of the tables
  bool statement_ended_ = false;  // so the next table begins another one
};

/// Completes an event that begins at `start` and has everything but its size and its checksum.
void finish_event(Buffer& out, std::size_t start, EventHeader header, ChecksumAlgorithm algorithm,
                  const Context& context);

/// Appends an event: the header with the size that comes out, the message, and the checksum, if the
/// algorithm is crc32 (a format description has one in any case). What does not fit its field is
/// left out, as by Writer: nothing is appended then, and the error is returned.
template <class M>
std::optional<Error> append_event(Buffer& out, const EventHeader& header, const M& message,
                                  ChecksumAlgorithm algorithm, const Context& context) {
  const std::size_t start = out.size();
  Writer writer(out, M::name.data());
  header.encode(writer, context);
  message.encode(writer, context);
  if (!writer.ok()) {
    out.resize(start);
    return writer.error();
  }
  finish_event(out, start, header, algorithm, context);
  return std::nullopt;
}

}  // namespace mysqlwire::binlog
