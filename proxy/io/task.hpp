// A lazily started coroutine with one awaiter: the shape of everything that a data thread does.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace mysqlproxy {

// GCC 12 miscompiles some of what the standard allows, and this is written around it. It destroys
// temporaries of a co_await's full expression twice when they are built by braces, by a capturing
// lambda or inside ?:. And it loses the frame when a Task is awaited inside the condition of an if
// or in a branch of a switch. So awaiters have written constructors and trivially destructible
// members, and a co_await is a statement or the initialiser of a named local, nothing more.

namespace detail {

/// What both Task<T> and Task<void> promise: start when awaited, resume the awaiter at the end.
class TaskPromiseBase {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct FinalAwaiter {
    FinalAwaiter() noexcept {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().continuation_;
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return FinalAwaiter(); }

  /// Exceptions do not cross coroutines on the data path; what is left (no memory) ends the
  /// process.
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

  void resume_at_end(std::coroutine_handle<> continuation) noexcept {
    continuation_ = continuation;
  }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  std::coroutine_handle<TaskPromise> get_return_object() noexcept {
    return std::coroutine_handle<TaskPromise>::from_promise(*this);
  }
  void return_value(T value) noexcept { value_.emplace(std::move(value)); }
  T take() noexcept { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  std::coroutine_handle<TaskPromise> get_return_object() noexcept {
    return std::coroutine_handle<TaskPromise>::from_promise(*this);
  }
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

/// A coroutine that starts when it is awaited and resumes its awaiter when it ends. Owns its frame:
/// destroying a suspended task destroys everything below it.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task(Handle handle) noexcept : handle_(handle) {}  // NOLINT: how the compiler makes one
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(Handle handle) noexcept : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
      handle_.promise().resume_at_end(awaiting);
      return handle_;
    }
    T await_resume() const noexcept { return handle_.promise().take(); }

   private:
    Handle handle_;
  };
  Awaiter operator co_await() const noexcept { return Awaiter(handle_); }

  /// Runs a top-level task up to its first suspension. Its owner keeps the Task until done().
  void start() const noexcept { handle_.resume(); }
  bool done() const noexcept { return handle_.done(); }

 private:
  Handle handle_;
};

}  // namespace mysqlproxy
