// Captured frames out of files and interfaces, by libpcap.
#pragma once

#include "cli/pcapdecode/byte_source.hpp"
#include "cli/pcapdecode/pcapng_blocks.hpp"

#include <mysqlwire/capture/segment.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct pcap;

namespace pcapdecode {

class FrameFilter;

/// A file can't be read, or is no capture.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One captured frame. The bytes are valid until the next one is read from the same capture.
struct Frame {
  mysqlwire::capture::LinkType link{};
  mysqlwire::Bytes bytes;
  std::uint64_t length = 0;  ///< on the wire
  std::int64_t time = 0;     ///< nanoseconds since the epoch
};

/// A capture: a file (pcap of either byte order and precision, pcapng, also of several link types;
/// plain, gzip or zstd), standard input, or an interface.
class Capture {
 public:
  /// Throws InputError.
  static std::unique_ptr<Capture> open_file(const std::string& path);
  static std::unique_ptr<Capture> open_interface(const std::string& name);
  ~Capture();

  /// A filter in libpcap's language. Throws InputError.
  void set_filter(const std::string& expression);
  /// The next frame; false at the end.
  bool next(Frame& frame);
  /// Frames come as they are captured: an interface, or a pipe.
  bool waits() const noexcept { return is_live_ || source_->is_stream(); }
  /// Is called before a pipe is waited for.
  void on_wait(std::function<void()> call);
  /// Ends a capture that waits, and lets a waiting next() return. May be called by a signal
  /// handler.
  void interrupt();

  const std::string& name() const noexcept { return name_; }
  /// Decimals of the time stamps in the file.
  unsigned digits() const noexcept;
  /// Why the file ended before its end, in words; empty when it did not.
  const std::string& cut() const noexcept { return cut_; }
  /// TLS secrets that stood in the file so far, in the form of a key log; they are given out once.
  std::string take_secrets();
  /// How much of the file has been read, 0 to 1; negative when not known.
  double progress() const noexcept;

 private:
  explicit Capture(std::string name);
  bool read(Frame& frame);

  std::string name_;
  std::unique_ptr<ByteSource> source_;
  PcapngBlocks blocks_;
  std::unique_ptr<FrameFilter> filter_;  // of a file's frames
  pcap* pcap_ = nullptr;
  mysqlwire::capture::LinkType link_{};
  unsigned digits_ = 6;
  bool is_pcapng_ = false;
  bool is_live_ = false;
  std::string cut_;
};

/// Several captures as one, in the order of time.
class Captures {
 public:
  void add(std::unique_ptr<Capture> capture);
  bool next(Frame& frame);
  const std::vector<std::unique_ptr<Capture>>& all() const noexcept { return captures_; }

 private:
  std::vector<std::unique_ptr<Capture>> captures_;
  std::vector<Frame> heads_;
  std::vector<bool> has_head_;
  std::size_t taken_ = ~std::size_t{0};
};

}  // namespace pcapdecode
