#include "cli/pcapdecode/pcapng_blocks.hpp"

#include <algorithm>
#include <utility>

namespace pcapdecode {

namespace {

constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t decryption_secrets = 10;
constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr std::uint32_t tls_key_log = 0x544c534b;
constexpr std::uint16_t option_time_resolution = 9;
constexpr std::size_t first_part = 12;  // type, length, and the byte order of a section

}  // namespace

std::uint32_t PcapngBlocks::u32(std::size_t at) const noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= static_cast<std::uint32_t>(block_[at + i]) << (8 * (swapped_ ? 3 - i : i));
  return value;
}

std::uint16_t PcapngBlocks::u16(std::size_t at) const noexcept {
  return static_cast<std::uint16_t>(swapped_ ? block_[at] << 8 | block_[at + 1]
                                             : block_[at + 1] << 8 | block_[at]);
}

void PcapngBlocks::feed(const std::uint8_t* data, std::size_t size) {
  while (size != 0 && !lost_) {
    if (skip_ != 0) {
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, size));
      skip_ -= piece;
      data += piece;
      size -= piece;
      continue;
    }
    const auto piece =
        static_cast<std::size_t>(std::min<std::uint64_t>(wanted_ - block_.size(), size));
    block_.insert(block_.end(), data, data + piece);
    data += piece;
    size -= piece;
    if (block_.size() == wanted_) take_block();
  }
}

void PcapngBlocks::take_block() {
  if (block_.size() == first_part) {
    if (u32(0) == section_header && u32(8) != byte_order_magic) {
      swapped_ = !swapped_;
      lost_ = u32(8) != byte_order_magic;
    }
    const std::uint32_t type = u32(0);
    const std::uint32_t length = u32(4);
    lost_ = lost_ || length < first_part;
    if (lost_) return;
    const bool is_wanted =
        (type == interface_description || type == decryption_secrets) && length <= max_block;
    if (is_wanted && length > first_part) {
      wanted_ = length;
      return;
    }
    skip_ = length - first_part;
  } else if (u32(0) == interface_description) {
    take_interface();
  } else {
    take_secrets_block();
  }
  block_.clear();
  wanted_ = first_part;
}

void PcapngBlocks::take_interface() {
  // type, length, link type 2, reserved 2, snap length 4, options
  for (std::size_t at = 16; at + 4 <= block_.size() - 4;) {
    const std::uint16_t code = u16(at);
    const std::size_t size = u16(at + 2);
    if (code == 0 || size > block_.size() - 4 - at - 4) return;
    if (code == option_time_resolution && size >= 1) {
      const std::uint8_t resolution = block_[at + 4];
      nanoseconds_ =
          nanoseconds_ || ((resolution & 0x80) == 0 ? resolution > 6 : resolution > 0x94);
    }
    at += 4 + (size + 3) / 4 * 4;
  }
}

void PcapngBlocks::take_secrets_block() {
  // type, length, secrets type 4, secrets length 4, secrets
  constexpr std::size_t start = 16;
  if (block_.size() < start + 4 || u32(8) != tls_key_log) return;
  const std::size_t size = std::min<std::size_t>(u32(12), block_.size() - start - 4);
  secrets_.append(reinterpret_cast<const char*>(block_.data()) + start, size);
  secrets_ += '\n';
}

std::string PcapngBlocks::take_secrets() { return std::exchange(secrets_, {}); }

}  // namespace pcapdecode
