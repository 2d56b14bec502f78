#include "proxy/app/out_of_memory.hpp"

#include "proxy/cli.hpp"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

namespace mysqlproxy {
namespace {

[[noreturn]] void end_without_memory() noexcept {
  constexpr std::string_view said = "mysqlproxy: out of memory\n";
  (void)!::write(STDERR_FILENO, said.data(), said.size());
  ::_exit(static_cast<int>(ExitCode::failure));
}

std::terminate_handler usual = nullptr;

/// Of libraries in C, which do not know of handlers, what fails is thrown by hand.
[[noreturn]] void end_uncaught() noexcept {
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      end_without_memory();
    } catch (...) {
      if (usual != nullptr) usual();  // which says what it was
    }
  }
  if (usual != nullptr) usual();
  std::abort();
}

}  // namespace

void end_when_out_of_memory() noexcept {
  std::set_new_handler(end_without_memory);
  usual = std::set_terminate(end_uncaught);
}

}  // namespace mysqlproxy
