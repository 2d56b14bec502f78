#include "proxy/config/load_compression.hpp"

#include "proxy/config/config.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace mysqlproxy {
namespace {

constexpr std::string_view expected = "\"zlib\", \"zstd\" or \"uncompressed\"";

std::optional<Compression> parse(std::string_view word) {
  for (const auto one : {Compression::uncompressed, Compression::zlib, Compression::zstd}) {
    if (word == to_string(one)) return one;
  }
  return std::nullopt;
}

}  // namespace

void read_compression(TableReader& reader, CompressionConfig& compression) {
  using mysqlwire::compress::Algorithm;
  constexpr auto highest = static_cast<std::uint32_t>(max_level(Algorithm::zlib));
  reader.read("zlib_compression_level", compression.zlib_level, 1, highest);
  if (reader.take("compression") == nullptr) return;
  const auto words = reader.texts("compression", expected, true);
  if (!words) return;
  compression.allowed.clear();
  for (const Located& word : *words) {
    const auto one = parse(word.text);
    if (!one)
      reader.fault(word.at, "compression",
                   fmt::format("expected {}, found {}", expected, shown(word.text)));
    else if (compression.allows(*one))
      reader.fault(word.at, "compression", fmt::format("{:?} is in the list already", word.text));
    else
      compression.allowed.push_back(*one);
  }
}

void read_zstd_level(TableReader& reader, CompressionConfig& compression) {
  using mysqlwire::compress::Algorithm;
  constexpr auto highest = static_cast<std::uint32_t>(max_level(Algorithm::zstd));
  reader.read("zstd_compression_level", compression.zstd_level, 1, highest);
}

}  // namespace mysqlproxy
