// What the compiler reads once for all of mysqlproxy: no header of ours, and none that gives every
// file something to compile, as CLI11, Asio and nlohmann's do.
// Files include what they need all the same; `tests/run --sanitizer none` is without this one.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>
