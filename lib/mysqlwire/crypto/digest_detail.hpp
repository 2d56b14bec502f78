// Digests of several pieces in a row, by OpenSSL. Not installed.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <cstdint>
#include <initializer_list>
#include <span>

namespace mysqlwire::crypto {

// They throw std::runtime_error when OpenSSL has no memory or not the algorithm.

void sha1(std::initializer_list<Bytes> parts, std::span<std::uint8_t, 20> digest);
void sha256(std::initializer_list<Bytes> parts, std::span<std::uint8_t, 32> digest);
void sha512(std::initializer_list<Bytes> parts, std::span<std::uint8_t, 64> digest);

/// target ^= with, byte by byte; `with` is as long as `target`, or longer.
void xor_into(std::span<std::uint8_t> target, Bytes with) noexcept;

}  // namespace mysqlwire::crypto
