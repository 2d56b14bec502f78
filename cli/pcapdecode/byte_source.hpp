// A file's bytes, inflated when it is gzip or zstd, as a FILE that libpcap can read.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pcapdecode {

/// Reads a file front to back. What is read can be looked at, and changed, on its way.
class ByteSource {
 public:
  /// `path`: "-" is standard input. Throws std::runtime_error when it can't be opened.
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// The first bytes, inflated, without consuming them; fewer at the end of the file.
  const std::vector<std::uint8_t>& head();
  /// Inflated bytes; 0 at the end, and after a failure.
  std::size_t read(std::uint8_t* out, std::size_t size);
  /// What inflating failed at; empty for nothing.
  const std::string& failure() const noexcept { return failure_; }
  /// A pipe or the like: its bytes come when they come.
  bool is_stream() const noexcept { return stream_; }
  /// Is called before a stream is waited for.
  void on_wait(std::function<void()> call) { on_wait_ = std::move(call); }
  /// Nothing more is read of a stream. May be called by a signal handler.
  void stop() noexcept { stopped_ = 1; }
  bool stopped() const noexcept { return stopped_ != 0; }
  /// Bytes of the file consumed so far, and its size (0 if unknown).
  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t size() const noexcept { return size_; }

  /// Is shown what has been read, and says how much of it goes on now. The rest is shown again,
  /// with what follows it; at the end of the file it goes on as it is.
  using Look = std::function<std::size_t(std::uint8_t*, std::size_t)>;

  /// A FILE on the inflated bytes, for libpcap, which closes it. This object must outlive it.
  std::FILE* open(Look look = {});

 private:
  class Inflater;
  class Gzip;
  class Zstd;

  std::size_t read_file(std::uint8_t* out, std::size_t size);
  std::size_t read_raw(std::uint8_t* out, std::size_t size);
  std::size_t read_inflated(std::uint8_t* out, std::size_t size);
  std::size_t read_plain(std::uint8_t* out, std::size_t size);
  void show_more();

  int descriptor_ = -1;
  bool owns_ = false;
  bool stream_ = false;
  volatile std::sig_atomic_t stopped_ = 0;
  std::function<void()> on_wait_;
  std::unique_ptr<Inflater> inflater_;
  std::vector<std::uint8_t> raw_;  // read to tell the kind of the file
  std::size_t raw_used_ = 0;
  std::vector<std::uint8_t> head_;
  std::size_t head_used_ = 0;
  bool head_read_ = false;
  std::uint64_t position_ = 0;
  std::uint64_t size_ = 0;
  std::string failure_;
  Look look_;
  std::vector<std::uint8_t> shown_;  // what look_ has been shown last
  std::size_t passed_ = 0;           // so much of it may go on
  std::size_t given_ = 0;            // and so much has
};

}  // namespace pcapdecode
