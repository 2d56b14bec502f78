// What the fuzzers of single messages have in common.
#pragma once

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace mysqlwire::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

/// The parameters in front of an input: `what` 1 (low 5 bits: which message; bit 5: strict; bit 6:
/// MariaDB; bit 7: for the target), capabilities 5.
struct Parameters {
  static constexpr std::size_t size = 6;

  unsigned what = 0;
  bool flag = false;
  Context context;

  explicit Parameters(const std::uint8_t* data) noexcept
      : what(data[0] & 31U), flag((data[0] & 128) != 0) {
    context.strict = (data[0] & 32) != 0;
    context.flavor = (data[0] & 64) != 0 ? Flavor::mariadb : Flavor::mysql;
    std::uint64_t bits = 0;
    for (int i = 4; i >= 0; --i) bits = bits << 8 | data[1 + i];
    context.capabilities = Capabilities(bits);
  }
};

/// A copy with not one byte to spare, so that a sanitizer sees a step past its end.
class Exact {
 public:
  explicit Exact(Bytes source) : size_(source.size()), data_(new std::uint8_t[source.size()]) {
    std::copy_n(source.begin(), size_, data_.get());
  }
  operator Bytes() const noexcept { return {data_.get(), size_}; }  // NOLINT: implicit by design

 private:
  std::size_t size_;
  std::unique_ptr<std::uint8_t[]> data_;
};

/// Feeds bytes in pieces of so many at most, each a copy with not one byte to spare. `feed` gets
/// one after the other, until it returns false or there is no more.
template <class Feed>
void in_pieces(Bytes bytes, std::size_t piece, Feed feed) {
  while (!bytes.empty()) {
    const Exact part(bytes.first(std::min(piece, bytes.size())));
    bytes = bytes.subspan(Bytes(part).size());
    if (!feed(Bytes(part))) return;
  }
}

template <class Message>
Buffer encoded(const Message& message, const Context& context) {
  Buffer out;
  Writer writer(out, Message::name.data());
  message.encode(writer, context);
  require(writer.ok());
  return out;
}

/// Whatever `decode(Bytes, const Context&)` can read can be written, and reads the same again.
/// `look` gets what was read.
template <class Decode, class Look>
void round_trip(Bytes payload, const Context& context, Decode decode, Look look) {
  Notes notes;
  Context noting = context;
  noting.notes = &notes;
  const Exact exact(payload);
  const auto first = decode(exact, noting);
  if (!first) {
    require(first.error().offset <= payload.size());
    return;
  }
  require(!context.strict || notes.empty());
  look(*first);
  const Buffer once = encoded(*first, context);
  const auto second = decode(once, context);
  require(second.has_value());
  require(encoded(*second, context) == once);
}

template <class Message>
void round_trip(Bytes payload, const Context& context) {
  round_trip(
      payload, context,
      [](Bytes bytes, const Context& with) { return Message::decode(bytes, with); },
      [](const Message&) {});
}

}  // namespace mysqlwire::fuzz
