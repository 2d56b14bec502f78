// What libpcap keeps from us in a pcapng: TLS secrets and the precision of time stamps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pcapdecode {

/// Looks at the bytes of a pcapng on their way to libpcap. Blocks of no interest are not kept;
/// those that are have at most max_block bytes.
///
/// Source: https://www.ietf.org/archive/id/draft-tuexen-opsawg-pcapng-05.html
class PcapngBlocks {
 public:
  static constexpr std::size_t max_block = std::size_t{16} << 20;

  void feed(const std::uint8_t* data, std::size_t size);

  /// The TLS key log lines of Decryption Secrets Blocks so far; given out once.
  std::string take_secrets();
  /// True when an interface has time stamps finer than microseconds.
  bool has_nanoseconds() const noexcept { return nanoseconds_; }

 private:
  void take_block();
  void take_interface();
  void take_secrets_block();
  std::uint32_t u32(std::size_t at) const noexcept;
  std::uint16_t u16(std::size_t at) const noexcept;

  std::vector<std::uint8_t> block_;  // the header, then all of a block that is wanted
  std::uint64_t skip_ = 0;           // bytes of a block that is not
  std::uint64_t wanted_ = 12;        // bytes of block_ until something can be said
  bool swapped_ = false;
  bool lost_ = false;
  bool nanoseconds_ = false;
  std::string secrets_;
};

}  // namespace pcapdecode
