// What libpcap keeps from us in a pcapng, or does not take: TLS secrets, the precision of time
// stamps, interfaces that differ.
#pragma once

#include <mysqlwire/capture/segment.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace pcapdecode {

/// Looks at the bytes of a pcapng on their way to libpcap, which refuses a file with interfaces of
/// several link types or snap lengths: all are Ethernet to it, without a snap length, and who reads
/// the packets asks here what each of them is. Blocks of no interest are not kept; those that are
/// have at most max_block bytes.
///
/// Source: https://www.ietf.org/archive/id/draft-tuexen-opsawg-pcapng-05.html
class PcapngBlocks {
 public:
  static constexpr std::size_t max_block = std::size_t{16} << 20;
  /// So much of a block is looked at, and changed, in one piece.
  static constexpr std::size_t head_size = 16;

  /// Changes what has to be changed. Of so many bytes the rest is to be shown again with what
  /// follows it: less than head_size, the beginning of a block.
  std::size_t pass(std::uint8_t* data, std::size_t size);

  /// The TLS key log lines of Decryption Secrets Blocks so far; given out once.
  std::string take_secrets();
  /// True when an interface has time stamps finer than microseconds.
  bool has_nanoseconds() const noexcept { return nanoseconds_; }
  /// The link type of the first interface, behind its block.
  mysqlwire::capture::LinkType first_link() const noexcept { return first_; }
  /// The link type of the next packet, to be asked for once a packet.
  mysqlwire::capture::LinkType next_link() noexcept;
  /// True when the frames of an interface that has been seen can be read.
  bool has_supported() const noexcept { return supported_; }

 private:
  struct Run {
    std::uint64_t from = 0;  ///< the number of the first packet
    mysqlwire::capture::LinkType link{};
  };

  void begin_block(std::uint8_t* head);
  void begin_interface(std::uint8_t* head);
  void begin_simple_packet(std::uint8_t* head, std::uint32_t length);
  void note_packet(std::uint32_t interface);
  void take_block();
  void take_interface();
  void take_secrets_block();
  std::uint32_t u32(const std::uint8_t* at) const noexcept;
  std::uint16_t u16(const std::uint8_t* at) const noexcept;
  void put_u32(std::uint8_t* at, std::uint32_t value) const noexcept;
  void put_u16(std::uint8_t* at, std::uint16_t value) const noexcept;

  std::vector<std::uint8_t> block_;  // what is there of a block that is wanted
  std::uint64_t wanted_ = 0;         // bytes of it in all; 0: none
  std::uint64_t skip_ = 0;           // bytes of a block that is not
  bool swapped_ = false;
  bool lost_ = false;
  bool nanoseconds_ = false;
  bool supported_ = false;
  std::string secrets_;

  std::vector<mysqlwire::capture::LinkType> interfaces_;  // of this section
  std::uint32_t snap_length_ = 0;                         // of the first of them; 0: none
  mysqlwire::capture::LinkType first_{};                  // of the file
  bool has_first_ = false;
  std::deque<Run> runs_;  // from the next packet that libpcap gives out
  std::uint64_t packets_ = 0;
  std::uint64_t given_ = 0;
  mysqlwire::capture::LinkType last_{};  // of the packets that have been seen
  mysqlwire::capture::LinkType link_{};  // of those that have been given out
};

}  // namespace pcapdecode
