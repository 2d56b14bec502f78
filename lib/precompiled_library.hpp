// What the compiler reads once for the whole library: headers of the standard library, none of
// ours. Files include what they need all the same; tests/package builds them without this one.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
