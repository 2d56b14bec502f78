#include "proxy/session/compressed_link.hpp"

#include <mysqlwire/wire/wipe.hpp>

#include <algorithm>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::compress::Algorithm;
using mysqlwire::compress::Compressor;

Compressor& Compressors::get(Algorithm algorithm, int level) {
  auto& one = compressors_[{algorithm, level}];
  if (!one) one = std::make_unique<Compressor>(algorithm, level);
  return *one;
}

void CompressedLink::begin_command() noexcept {
  next_id_ = 0;
  decompressor_.expect_sequence(0);
}

void CompressedLink::pack(Bytes packets, mysqlwire::Buffer& frames) {
  compressor_.append(packets, next_id_, frames);
  decompressor_.expect_sequence(next_id_);
}

std::span<std::uint8_t> CompressedLink::room() {
  input_.resize(input_size);
  return input_;
}

void CompressedLink::received(std::size_t size) noexcept {
  input_.resize(size);
  decompressor_.feed(input_);
}

void CompressedLink::receive(Bytes bytes) {
  input_.assign(bytes.begin(), bytes.end());
  decompressor_.feed(input_);
}

mysqlwire::Result<std::size_t> CompressedLink::unpack(std::span<std::uint8_t> into) {
  if (drained()) return 0;
  if (piece_.empty()) {
    if (peer_ == Peer::server) decompressor_.expect_any_sequence();
    const std::uint64_t frames = decompressor_.frames();
    const auto next = decompressor_.next();
    if (!next) return next.error();
    piece_ = *next;
    if (decompressor_.frames() != frames) next_id_ = decompressor_.next_sequence_id();
    if (piece_.empty() && wiping_) mysqlwire::wipe(input_);
    if (piece_.empty()) input_.clear();
  }
  const std::size_t size = std::min(piece_.size(), into.size());
  std::ranges::copy(piece_.first(size), into.begin());
  piece_ = piece_.subspan(size);
  return size;
}

void CompressedLink::rest() noexcept {
  mysqlwire::Buffer().swap(input_);
  if (wiping_) decompressor_.wipe();
  decompressor_.release();
}

void CompressedLink::set_wiping(bool on) noexcept {
  if (wiping_ && drained()) decompressor_.wipe();
  wiping_ = on;
}

}  // namespace mysqlproxy
