// A file's bytes, inflated when it is gzip or zstd, as a FILE that libpcap can read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pcapdecode {

/// Reads a file front to back. What is read can be looked at on its way (blocks of a pcapng that
/// libpcap skips).
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
  /// Bytes of the file consumed so far, and its size (0 if unknown).
  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t size() const noexcept { return size_; }

  /// A FILE on the inflated bytes, for libpcap, which closes it. This object must outlive it.
  std::FILE* open(std::function<void(const std::uint8_t*, std::size_t)> on_read);

 private:
  class Inflater;
  class Gzip;
  class Zstd;

  std::size_t read_raw(std::uint8_t* out, std::size_t size);
  std::size_t read_inflated(std::uint8_t* out, std::size_t size);

  std::FILE* file_ = nullptr;
  bool owns_ = false;
  std::unique_ptr<Inflater> inflater_;
  std::vector<std::uint8_t> raw_;  // read to tell the kind of the file
  std::size_t raw_used_ = 0;
  std::vector<std::uint8_t> head_;
  std::size_t head_used_ = 0;
  bool head_read_ = false;
  std::uint64_t position_ = 0;
  std::uint64_t size_ = 0;
  std::string failure_;
  std::function<void(const std::uint8_t*, std::size_t)> on_read_;
};

}  // namespace pcapdecode
