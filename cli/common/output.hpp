// Where formats write: a buffer in front of standard output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace cli {

/// Buffers what is printed. While something is held back (a filter has not decided yet), text goes
/// into another string.
class Output {
 public:
  Output(std::FILE* file, bool flush_each, std::uint64_t max_records)
      : file_(file), flush_each_(flush_each), records_left_(max_records) {}

  /// Where text is appended.
  std::string& text() noexcept { return *target_; }
  /// Text goes into `target` from here on, nothing being the output itself. Returns what it went
  /// into before.
  std::string* redirect(std::string* target) noexcept {
    return std::exchange(target_, target != nullptr ? target : &buffer_);
  }

  /// Ends a record. Counts it, and writes when the buffer is full.
  void end_record() {
    if (target_ != &buffer_) return;
    if (records_left_ != 0 && --records_left_ == 0) {
      full_ = true;
      kept_ = buffer_.size();
    }
    if (flush_each_ || buffer_.size() >= flush_at) flush();
  }
  void flush();

  /// As many records as were asked for have been printed.
  bool full() const noexcept { return full_; }
  /// Writing failed: the reader has gone, or the disk is full.
  bool failed() const noexcept { return error_ != 0; }
  /// Why, as errno has it.
  int error() const noexcept { return error_; }

 private:
  static constexpr std::size_t flush_at = std::size_t{1} << 18;

  std::FILE* file_;
  std::string buffer_;
  std::string* target_ = &buffer_;
  bool flush_each_;
  bool full_ = false;
  int error_ = 0;
  std::size_t kept_ = 0;
  std::uint64_t records_left_;
};

}  // namespace cli
