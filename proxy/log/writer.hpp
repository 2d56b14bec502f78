// Lines to a descriptor, by a thread of its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace mysqlproxy {

/// A bounded queue of lines and the thread that writes them. Whoever logs never waits for a disk
/// or for the reader of a pipe. Any thread may call any member at any time.
class LineWriter {
 public:
  /// Bytes that wait at most; a line that would go beyond is dropped.
  static constexpr std::size_t queue_limit = 4U << 20;

  /// Writes to `target`: "-" is the descriptor `standard`, which is borrowed; empty is nowhere; all
  /// else is a file to append to. Throws std::system_error when that can't be opened.
  LineWriter(int standard, const std::string& target);
  /// Writes what is queued, unless the reader is stuck.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  bool on() const;
  /// Queues a line, to which the newline is added.
  void write(std::string line) noexcept;

  /// Goes over to another target. Throws std::system_error, and changes nothing, when it can't be
  /// opened.
  void open(const std::string& target);
  /// Opens the current target anew; the same failures.
  void reopen();
  /// Waits until the lines of before are written or dropped.
  void flush();

  /// Lines that were dropped since the last call: no room, a reader that is stuck, a full disk.
  std::uint64_t take_dropped() noexcept;

 private:
  int open_target(const std::string& target) const;
  void put(int descriptor, const std::string& target);
  void run();
  void write_out(std::deque<std::string>& lines);
  bool write_chunk(const std::string& chunk);
  bool wait_for_room();

  const int standard_;

  mutable std::mutex mutex_;  // the queue's
  std::condition_variable filled_;
  std::condition_variable written_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool busy_ = false;
  bool stopping_ = false;
  bool on_ = false;

  std::mutex output_;  // the descriptor's; taken before mutex_ where both are
  std::string target_;
  int descriptor_ = -1;
  bool stuck_ = false;  // the last line found no room
  bool torn_ = false;   // the last line was written in part

  std::thread thread_;
};

}  // namespace mysqlproxy
