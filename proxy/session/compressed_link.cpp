#include "proxy/session/compressed_link.hpp"

#include <mysqlwire/wire/wipe.hpp>

#include <algorithm>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::compress::Algorithm;
using mysqlwire::compress::Compressor;

Compressor& Compressors::get(Algorithm algorithm, int level) {
  auto& one = compressors_[{algorithm, level}];
  if (!one) one = std::make_unique<Compressor>(algorithm, level, mysqlwire::max_compressed_body);
  return *one;
}

CompressedLink::CompressedLink(Peer peer, Algorithm algorithm, int level, Compressors& compressors)
    : compressor_(compressors.get(algorithm, level)),
      decompressor_(algorithm),
      peer_(peer),
      algorithm_(algorithm),
      level_(level) {
  scanner_.check_sequence(false);
}

void CompressedLink::begin_command() noexcept {
  next_id_ = 0;
  decompressor_.expect_sequence(0);
}

void CompressedLink::pack(Bytes packets, mysqlwire::Buffer& frames) {
  if (peer_ == Peer::server) {
    compressor_.append(packets, next_id_, frames);
  } else {
    const std::size_t whole = whole_packets(packets);
    if (whole != 0) pack_whole(packets.first(whole), frames);
    pack_part(packets.subspan(whole), frames);
  }
  decompressor_.expect_sequence(next_id_);
}

/// How many of the bytes there are up to the last end of a packet.
std::size_t CompressedLink::whole_packets(Bytes bytes) noexcept {
  std::size_t used = 0;
  std::size_t end = 0;
  while (used < bytes.size()) {
    mysqlwire::PacketScanner::Whole whole;
    if (scanner_.whole(bytes.subspan(used), whole)) {
      end = used += whole.size;
      continue;
    }
    const auto step = scanner_.next(bytes.subspan(used));
    if (!step) return bytes.size();  // what is sent was looked at before: can't happen
    used += step->consumed;
    if (step->kind == mysqlwire::PacketScanner::Step::Kind::end) end = used;
  }
  return end;
}

/// `packets` has the end of what is waiting.
void CompressedLink::pack_whole(Bytes packets, mysqlwire::Buffer& frames) {
  if (long_part_) {
    pack_part(packets, frames);
    if (long_part_) long_part_->finish(next_id_, frames);
    long_part_.reset();
  } else if (!part_.empty()) {
    part_.insert(part_.end(), packets.begin(), packets.end());
    compressor_.append(part_, next_id_, frames);
    mysqlwire::Buffer().swap(part_);
  } else {
    compressor_.append(packets, next_id_, frames);
  }
}

void CompressedLink::pack_part(Bytes part, mysqlwire::Buffer& frames) {
  if (!long_part_ && part_.size() + part.size() <= longest_part) {
    part_.insert(part_.end(), part.begin(), part.end());
    return;
  }
  if (!long_part_) {
    long_part_.emplace(algorithm_, level_);
    long_part_->add(part_);
    mysqlwire::Buffer().swap(part_);
  }
  for (;;) {
    part = part.subspan(long_part_->add(part));
    if (part.empty()) return;
    long_part_->finish(next_id_, frames);
    long_part_.emplace(algorithm_, level_);
  }
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
