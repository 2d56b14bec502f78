// Configurations: every text is a configuration or has errors that say where, and what is printed
// of one loads to the same.
//
// Input: the text.
#include "proportion.hpp"
#include "proxy/config/load.hpp"
#include "round_trip.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace mysqlproxy;
using mysqlwire::fuzz::require;

namespace {

// Where nothing is, so that no file is read for a name in the text.
constexpr const char* nowhere = "/nonexistent/proxy.toml";

// Absolute names of files would be opened, whatever they are: nothing but networks has a `/`.
bool names_files(std::string_view text) {
  for (std::size_t at = text.find('/'); at != std::string_view::npos; at = text.find('/', at + 1)) {
    if (at == 0 || text[at - 1] < '0' || text[at - 1] > '9') return true;
  }
  constexpr std::string_view escapes[] = {"\\u", "\\U", "\\x"};
  return std::ranges::any_of(escapes, [&](std::string_view escape) {
    return text.find(escape) != std::string_view::npos;
  });
}

void check(const Problem& problem) {
  require(!problem.where.empty() && !problem.text.empty());
  const std::string line = to_string(problem);
  for (const char c : line) require(static_cast<unsigned char>(c) >= 0x20);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const mysqlwire::fuzz::Proportion proportion(size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (names_files(text)) return 0;
  const LoadResult first = load_text(text, nowhere);
  require(first.errors.empty() == first.config.has_value());
  for (const Problem& problem : first.errors) check(problem);
  for (const Problem& problem : first.warnings) check(problem);
  if (!first.config) return 0;
  const std::string printed = to_toml(*first.config, true);
  const LoadResult second = load_text(printed, nowhere);
  require(second.config.has_value());
  require(to_toml(*second.config, true) == printed);
  require(to_toml(*first.config, false).size() <= printed.size());
  return 0;
}
