// What every layout must do with its bytes, for messages whose decode needs more than a Context.
#pragma once

#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <cstddef>
#include <string_view>

namespace mysqlwire::test {

/// How a layout ends: after its last field, with all that is left of the payload, or with items
/// until the payload ends (which prefixes are good is then the test's to say).
enum class Ending { fixed, rest, items };

/// Decodes `digits` with `decode(Bytes, const Context&)`, expects the same bytes from encode, and
/// that every prefix shorter than `complete` fails without reading past its end (`complete` 0: the
/// whole). With a fixed ending one byte more is noted, and refused when strict.
template <class Decode>
void check_layout(std::string_view digits, Context context, Decode decode,
                  Ending ending = Ending::fixed, std::size_t complete = 0) {
  INFO("payload " << digits);
  Notes notes;
  context.notes = &notes;
  const ExactBytes whole = hex(digits);
  if (complete == 0) complete = whole.size();

  const auto message = decode(whole.get(), context);
  REQUIRE(message.has_value());
  CHECK(notes.empty());
  Buffer out;
  Writer writer(out);
  message->encode(writer, context);
  CHECK(writer.ok());
  CHECK(to_hex(out) == to_hex(whole));

  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO("prefix of " << size);
    const ExactBytes prefix(whole.get().first(size));
    const auto cut = decode(prefix.get(), context);
    if (size < complete) {
      REQUIRE_FALSE(cut.has_value());
      CHECK(cut.error().offset <= size);
    } else if (ending == Ending::rest) {
      CHECK(cut.has_value());
    }
  }
  if (ending != Ending::fixed) return;

  Buffer longer(whole.get().begin(), whole.get().end());
  longer.push_back(0);
  const ExactBytes extra{Bytes(longer)};
  notes.clear();
  CHECK(decode(extra.get(), context).has_value());
  REQUIRE(notes.total() == 1);
  CHECK(notes.begin()->code == errc::trailing_bytes);
  context.strict = true;
  const auto refused = decode(extra.get(), context);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == errc::trailing_bytes);
}

/// The same for a message that decodes from (payload, context) alone.
template <class Message>
void check_layout(std::string_view digits, const Context& context, Ending ending = Ending::fixed,
                  std::size_t complete = 0) {
  check_layout(
      digits, context,
      [](Bytes payload, const Context& with) { return Message::decode(payload, with); }, ending,
      complete);
}

}  // namespace mysqlwire::test
