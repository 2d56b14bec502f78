#include "proxy/log/writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <system_error>
#include <utility>

namespace mysqlproxy {
namespace {

/// How long a reader may keep the writer waiting before lines are dropped.
constexpr int patience_ms = 1'000;

/// Blocks every signal in this thread while it lives, and in threads started meanwhile: the
/// program's signals belong to its main thread, and a closed pipe is an error, no SIGPIPE.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

LineWriter::LineWriter(int standard, const std::string& target) : standard_(standard) {
  put(open_target(target), target);
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

LineWriter::~LineWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  thread_.join();
  if (descriptor_ >= 0 && descriptor_ != standard_) close(descriptor_);
}

bool LineWriter::on() const {
  const std::lock_guard lock(mutex_);
  return on_;
}

void LineWriter::write(std::string line) noexcept {
  const std::lock_guard lock(mutex_);
  if (!on_) return;
  try {
    line += '\n';
    const std::size_t size = line.size();
    if (size > queue_limit - queued_bytes_) {
      ++dropped_;
      return;
    }
    queue_.push_back(std::move(line));
    queued_bytes_ += size;
  } catch (const std::bad_alloc&) {
    ++dropped_;
    return;
  }
  filled_.notify_one();
}

int LineWriter::open_target(const std::string& target) const {
  if (target.empty()) return -1;
  if (target == "-") return standard_;
  // O_NONBLOCK: a FIFO that nobody reads is an error, not a wait without end.
  const int descriptor = ::open(
      target.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), target);
  return descriptor;
}

void LineWriter::put(int descriptor, const std::string& target) {
  const std::lock_guard output(output_);
  if (descriptor_ >= 0 && descriptor_ != standard_) close(descriptor_);
  descriptor_ = descriptor;
  target_ = target;
  stuck_ = false;
  torn_ = false;
  const std::lock_guard lock(mutex_);
  on_ = descriptor >= 0;
}

void LineWriter::open(const std::string& target) { put(open_target(target), target); }

void LineWriter::reopen() {
  std::string target;
  {
    const std::lock_guard output(output_);
    target = target_;
  }
  open(target);
}

void LineWriter::flush() {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return queue_.empty() && !busy_; });
}

std::uint64_t LineWriter::take_dropped() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(dropped_, 0);
}

void LineWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::deque<std::string> lines = std::exchange(queue_, {});
    queued_bytes_ = 0;
    busy_ = true;
    lock.unlock();
    write_out(lines);
    lock.lock();
    busy_ = false;
    written_.notify_all();
  }
}

void LineWriter::write_out(std::deque<std::string>& lines) {
  std::uint64_t lost = 0;
  std::string chunk;
  while (!lines.empty()) {
    // As many lines as a pipe takes in one piece, so that two writers of one pipe do not mix.
    std::uint64_t count = 0;
    chunk.clear();
    do {
      chunk += lines.front();
      lines.pop_front();
      ++count;
    } while (!lines.empty() && chunk.size() + lines.front().size() <= PIPE_BUF);
    const std::lock_guard output(output_);
    if (!write_chunk(chunk)) lost += count;
  }
  const std::lock_guard lock(mutex_);
  dropped_ += lost;
}

/// False when the chunk, or a part of it, is lost.
bool LineWriter::write_chunk(const std::string& chunk) {
  if (descriptor_ < 0) return true;  // switched off meanwhile
  const std::string text = torn_ ? "\n" + chunk : chunk;
  std::size_t done = 0;
  while (done < text.size()) {
    if (!wait_for_room()) break;
    const ssize_t count = ::write(descriptor_, text.data() + done, text.size() - done);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  if (done > 0) torn_ = done < text.size();
  return done == text.size();
}

bool LineWriter::wait_for_room() {
  pollfd entry{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  const int ready = poll(&entry, 1, stuck_ ? 0 : patience_ms);
  stuck_ = ready == 0;
  return ready > 0;
}

}  // namespace mysqlproxy
