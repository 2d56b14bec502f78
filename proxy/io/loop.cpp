#include "proxy/io/loop.hpp"

#include "proxy/io/socket.hpp"
#include "proxy/io/system_call.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

namespace mysqlproxy {

Waker::~Waker() {
  if (queued_) std::erase(loop_.ready_, this);
}

void Waker::notify() noexcept {
  pending_ = true;
  if (sleeper_ && !queued_) {
    queued_ = true;
    loop_.ready_.push_back(this);
  }
}

void Waker::resume() noexcept {
  queued_ = false;
  if (!sleeper_) return;
  pending_ = false;
  std::exchange(sleeper_, nullptr).resume();
}

Deadline*& Deadline::bucket() const noexcept {
  return loop_.wheel_[at_ / loop_.precision_ % loop_.wheel_.size()];
}

void Deadline::set(std::chrono::milliseconds from_now) noexcept {
  forget();
  // One tick later than asked, since the tick that it falls in is checked at its start.
  due_ = loop_.now() + static_cast<std::uint64_t>(from_now.count()) + loop_.precision_;
  if (at_ != 0 && at_ <= due_) return;
  unlink();
  link();
}

void Deadline::clear() noexcept {
  forget();
  due_ = 0;
}

void Deadline::link() noexcept {
  at_ = due_;
  loop_.due_tick_ = std::min(loop_.due_tick_, at_ / loop_.precision_);
  ++loop_.deadlines_;
  Deadline*& head = bucket();
  next_ = head;
  previous_ = nullptr;
  if (next_ != nullptr) next_->previous_ = this;
  head = this;
}

void Deadline::unlink() noexcept {
  if (at_ == 0) return;
  if (next_ != nullptr) next_->previous_ = previous_;
  (previous_ != nullptr ? previous_->next_ : bucket()) = next_;
  at_ = 0;
  --loop_.deadlines_;
}

/// The time has come where it hangs: `tick` is the one that is checked last for now.
void Deadline::check(std::uint64_t tick) noexcept {
  unlink();
  if (due_ == 0) return;
  if (due_ / loop_.precision_ > tick) return link();
  due_ = 0;
  if (!std::exchange(passed_, true)) ++waker_.alarms_;
  waker_.notify();
}

Loop::Loop(std::chrono::milliseconds precision)
    : precision_(static_cast<std::uint64_t>(precision.count())),
      scratch_(std::make_unique<std::array<std::uint8_t, scratch_size>>()) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  timespec step{};
  ::clock_getres(CLOCK_MONOTONIC_COARSE, &step);
  coarseness_ = static_cast<std::uint64_t>(step.tv_nsec) / 1'000'000;
  if (epoll_ < 0 || event_ < 0) throw std::system_error(errno, std::generic_category(), "epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  refresh_clock();
}

Loop::~Loop() {
  graves_.clear();
  ::close(event_);
  ::close(epoll_);
}

void Loop::watch(Socket& socket) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &socket;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.descriptor(), &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Loop::run() {
  tick_ = current_tick();
  while (!stopping_.load(std::memory_order_relaxed)) {
    std::array<epoll_event, 256> events;
    const int count =
        system_call::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), patience());
    refresh_clock();
    bool posted = false;
    for (int i = 0; i < count; ++i) {
      auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr)
        posted = true;
      else
        static_cast<Socket*>(event.data.ptr)->on_events(event.events);
    }
    if (posted) run_posted();
    if (current_tick() > tick_) check_deadlines();
    run_ready();
    graves_.clear();
  }
}

/// How many milliseconds may pass before there is something to do even if nothing happens; -1: any.
int Loop::patience() noexcept {
  if (!ready_.empty()) return 0;
  if (deadlines_ == 0) return -1;
  if (due_tick_ <= tick_) look_for_due_tick();
  return static_cast<int>(due_tick_ * precision_ - now_ + coarseness_);
}

/// Looked for once, and not for every batch. No look further than a second: it is not worth more
/// than waking up once in that time.
void Loop::look_for_due_tick() noexcept {
  const std::uint64_t furthest = tick_ + std::max<std::uint64_t>(1000 / precision_, 1);
  due_tick_ = tick_ + 1;
  while (due_tick_ < furthest && wheel_[due_tick_ % wheel_.size()] == nullptr) ++due_tick_;
}

void Loop::run_ready() {
  // One round: who is woken in it runs in the next one, after another look at the sockets.
  running_.swap(ready_);
  for (Waker* waker : running_) waker->resume();
  running_.clear();
}

void Loop::run_posted() {
  std::uint64_t count = 0;
  while (::read(event_, &count, sizeof count) < 0 && errno == EINTR) {
  }
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  for (auto& one : work) one();
}

void Loop::check_deadlines() {
  // After a long sleep with nothing set, one turn of the wheel sees every bucket.
  const std::uint64_t last = current_tick();
  std::uint64_t first = tick_ + 1;
  if (last - tick_ > wheel_.size()) first = last - wheel_.size() + 1;
  for (std::uint64_t at = first; at <= last; ++at) {
    for (Deadline* one = wheel_[at % wheel_.size()]; one != nullptr;) {
      Deadline* next = one->next_;
      if (one->at_ / precision_ <= at) one->check(last);
      one = next;
    }
  }
  tick_ = last;
}

void Loop::refresh_clock() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  precise_now_ = 0;
  now_ = static_cast<std::uint64_t>(time.tv_sec) * 1000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1000000;
}

void Loop::read_precise_clock() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  precise_now_ = static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

void Loop::stop() {
  stopping_.store(true);
  post([] {});
}

void Loop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  while (::write(event_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

}  // namespace mysqlproxy
