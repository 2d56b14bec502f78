#include "proxy/session/channel.hpp"

#include <mysqlwire/wire/wipe.hpp>

#include <cerrno>

namespace mysqlproxy {

bool Channel::send_compressed(mysqlwire::Bytes bytes) {
  mysqlwire::Buffer frames;
  compressed_->pack(bytes, frames);
  const bool good = send_bytes(frames);
  if (wiping_) mysqlwire::wipe(frames);
  return good;
}

bool Channel::send_bytes(mysqlwire::Bytes bytes) {
  if (!congested()) {
    while (!bytes.empty() && socket.writable()) {
      const IoResult result = write(bytes);
      if (result.kind == IoResult::Kind::failed) return false;
      if (result.kind != IoResult::Kind::done) break;
      bytes_out += result.size;
      bytes = bytes.subspan(result.size);
    }
  }
  if (!bytes.empty()) keep(bytes);
  return true;
}

/// Appends to the tail.
void Channel::keep(mysqlwire::Bytes bytes) {
  if (wiping_ && tail_.capacity() - tail_.size() < bytes.size()) {
    // Grows by hand, so that no copy is left behind.
    mysqlwire::Buffer larger;
    larger.reserve(2 * (tail_.size() + bytes.size()));
    larger.assign(tail_.begin(), tail_.end());
    mysqlwire::wipe(tail_);
    tail_.swap(larger);
  }
  tail_.insert(tail_.end(), bytes.begin(), bytes.end());
}

bool Channel::flush() {
  while (congested() && socket.writable()) {
    const IoResult result = write(mysqlwire::Bytes(tail_).subspan(sent_));
    if (result.kind == IoResult::Kind::failed) return false;
    if (result.kind != IoResult::Kind::done) break;
    bytes_out += result.size;
    sent_ += result.size;
  }
  if (!congested() && !tail_.empty()) {
    if (wiping_) mysqlwire::wipe(tail_);
    // Freed, not only cleared: an idle connection holds no buffer.
    mysqlwire::Buffer().swap(tail_);
    sent_ = 0;
  }
  return true;
}

IoResult Channel::read_bytes(std::span<std::uint8_t> into) noexcept {
  const IoResult result = tls_ ? tls_->read(into) : socket.read(into);
  if (result.kind == IoResult::Kind::done) bytes_in += result.size;
  return result;
}

IoResult Channel::read_compressed(std::span<std::uint8_t> scratch) {
  for (;;) {
    const auto size = compressed_->unpack(scratch);
    if (!size) {
      fault_ = std::make_unique<const mysqlwire::Error>(size.error());
      return {IoResult::Kind::failed, 0, EBADMSG};
    }
    if (*size != 0) return {IoResult::Kind::done, *size, 0};
    const IoResult got = read_ahead();
    if (got.kind == IoResult::Kind::done) continue;
    compressed_->rest();
    return got;
  }
}

IoResult Channel::read_ahead() {
  constexpr IoResult nothing{IoResult::Kind::would_block, 0, 0};
  if (!compressed_ || !compressed_->drained() || !bytes_wait()) return nothing;
  const IoResult got = read_bytes(compressed_->room());
  compressed_->received(got.size);
  return got;
}

void Channel::compress(std::unique_ptr<CompressedLink> link, mysqlwire::Bytes early) {
  compressed_ = std::move(link);
  compressed_->receive(early);
}

}  // namespace mysqlproxy
