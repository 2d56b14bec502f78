#include "cli/pcapdecode/pcapng_blocks.hpp"

#include <algorithm>
#include <utility>

namespace pcapdecode {

using mysqlwire::capture::LinkType;

namespace {

constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t packet = 2;  // of old
constexpr std::uint32_t simple_packet = 3;
constexpr std::uint32_t enhanced_packet = 6;
constexpr std::uint32_t decryption_secrets = 10;
constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr std::uint32_t tls_key_log = 0x544c534b;
constexpr std::uint16_t option_time_resolution = 9;
constexpr std::uint32_t smallest_block = 12;  // type, length, and the length again

}  // namespace

std::uint32_t PcapngBlocks::u32(const std::uint8_t* at) const noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= static_cast<std::uint32_t>(at[i]) << (8 * (swapped_ ? 3 - i : i));
  return value;
}

std::uint16_t PcapngBlocks::u16(const std::uint8_t* at) const noexcept {
  return static_cast<std::uint16_t>(swapped_ ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

void PcapngBlocks::put_u32(std::uint8_t* at, std::uint32_t value) const noexcept {
  for (std::size_t i = 0; i < 4; ++i)
    at[i] = static_cast<std::uint8_t>(value >> (8 * (swapped_ ? 3 - i : i)));
}

void PcapngBlocks::put_u16(std::uint8_t* at, std::uint16_t value) const noexcept {
  at[swapped_ ? 0 : 1] = static_cast<std::uint8_t>(value >> 8);
  at[swapped_ ? 1 : 0] = static_cast<std::uint8_t>(value);
}

std::size_t PcapngBlocks::pass(std::uint8_t* data, std::size_t size) {
  std::size_t done = 0;
  while (done < size && !lost_) {
    const std::size_t left = size - done;
    if (skip_ != 0) {
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, left));
      skip_ -= piece;
      done += piece;
    } else if (wanted_ != 0) {
      const auto piece =
          static_cast<std::size_t>(std::min<std::uint64_t>(wanted_ - block_.size(), left));
      block_.insert(block_.end(), data + done, data + done + piece);
      done += piece;
      if (block_.size() == wanted_) take_block();
    } else if (left < head_size) {
      return done;
    } else {
      begin_block(data + done);
    }
  }
  return size;
}

void PcapngBlocks::begin_block(std::uint8_t* head) {
  const std::uint32_t type = u32(head);
  if (type == section_header) {
    if (u32(head + 8) != byte_order_magic) swapped_ = !swapped_;
    lost_ = u32(head + 8) != byte_order_magic;
    interfaces_.clear();
  }
  const std::uint32_t length = u32(head + 4);
  lost_ = lost_ || length < smallest_block;
  if (lost_) return;
  const bool is_whole = length > head_size;
  if (type == interface_description && is_whole) begin_interface(head);
  if (type == enhanced_packet && is_whole) note_packet(u32(head + 8));
  if (type == packet && is_whole) note_packet(u16(head + 8));
  if (type == simple_packet && length >= head_size) begin_simple_packet(head, length);
  const bool is_wanted = type == interface_description || type == decryption_secrets;
  (is_wanted && is_whole && length <= max_block ? wanted_ : skip_) = length;
}

/// type, length, link type 2, reserved 2, snap length 4
void PcapngBlocks::begin_interface(std::uint8_t* head) {
  const auto link = static_cast<LinkType>(u16(head + 8));
  if (interfaces_.empty()) snap_length_ = u32(head + 12);
  interfaces_.push_back(link);
  supported_ = supported_ || mysqlwire::capture::is_supported(link);
  if (!std::exchange(has_first_, true)) first_ = last_ = link_ = link;
  put_u16(head + 8, static_cast<std::uint16_t>(LinkType::ethernet));
  put_u32(head + 12, 0);
}

/// type, length, length of the packet 4. How much was captured of it follows from the snap length,
/// which libpcap does not know any more.
void PcapngBlocks::begin_simple_packet(std::uint8_t* head, std::uint32_t length) {
  note_packet(0);
  if (snap_length_ != 0)
    put_u32(head + 8, std::min({u32(head + 8), snap_length_, length - smallest_block - 4}));
}

void PcapngBlocks::note_packet(std::uint32_t interface) {
  ++packets_;
  const LinkType link = interface < interfaces_.size() ? interfaces_[interface] : last_;
  if (link != last_) runs_.push_back({packets_, link});
  last_ = link;
}

LinkType PcapngBlocks::next_link() noexcept {
  ++given_;
  while (!runs_.empty() && runs_.front().from <= given_) {
    link_ = runs_.front().link;
    runs_.pop_front();
  }
  return link_;
}

void PcapngBlocks::take_block() {
  if (u32(block_.data()) == interface_description)
    take_interface();
  else
    take_secrets_block();
  block_.clear();
  wanted_ = 0;
}

void PcapngBlocks::take_interface() {
  // type, length, link type 2, reserved 2, snap length 4, options
  for (std::size_t at = 16; at + 4 <= block_.size() - 4;) {
    const std::uint16_t code = u16(&block_[at]);
    const std::size_t size = u16(&block_[at + 2]);
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
  if (block_.size() < start + 4 || u32(&block_[8]) != tls_key_log) return;
  const std::size_t size = std::min<std::size_t>(u32(&block_[12]), block_.size() - start - 4);
  secrets_.append(reinterpret_cast<const char*>(block_.data()) + start, size);
  secrets_ += '\n';
}

std::string PcapngBlocks::take_secrets() { return std::exchange(secrets_, {}); }

}  // namespace pcapdecode
