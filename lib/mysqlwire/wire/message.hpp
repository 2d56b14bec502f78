// The shape that every message type has, so that one template can test, fuzz and print them all.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <concepts>
#include <string_view>

namespace mysqlwire {

/// A message is an aggregate with
///   static constexpr std::string_view name;              the protocol's name, a string literal
///   static Result<M> decode(Bytes payload, const Context&) noexcept;
///   void encode(Writer&, const Context&) const;
/// decode borrows from the payload and never allocates; encode appends the payload without its
/// packet header. Its wire layout stands as a table above the struct.
template <class M>
concept Message =
    requires(const M& message, Bytes payload, const Context& context, Writer& writer) {
      { M::name } -> std::convertible_to<std::string_view>;
      { M::decode(payload, context) } noexcept -> std::same_as<Result<M>>;
      { message.encode(writer, context) } -> std::same_as<void>;
    };

}  // namespace mysqlwire
