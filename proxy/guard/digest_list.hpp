// Digests by user, and the file that they stand in.
#pragma once

#include "proxy/config/guard.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mysqlproxy {

/// Digests to be found by text. Hashes only say where to look: texts are compared.
class DigestSet {
 public:
  void add(std::string_view digest);
  /// `hash` is mysqlwire::sql::digest_hash(digest).
  bool has(std::uint64_t hash, std::string_view digest) const noexcept;
  std::size_t size() const noexcept { return size_; }

 private:
  std::unordered_map<std::uint64_t, std::vector<std::string>> by_hash_;
  std::size_t size_ = 0;
};

/// A line that can't be read, or the whole file where `line` is 0.
struct DigestFileFault {
  std::size_t line = 0;
  std::string text;
};

/// One digest a line: the user, a tab, the digest. `*` is all users; `\xHH` a byte and `\\` a
/// backslash, in both. Lines that are empty or begin with `#` are skipped.
DigestsByUser parse_digests(std::string_view text, std::vector<DigestFileFault>& faults);
/// The same as text, sorted.
std::string format_digests(const DigestsByUser& digests);

/// Reads an allow file; one that is not there is empty, and `exists` says so.
DigestsByUser read_digests(const std::string& path, std::vector<DigestFileFault>& faults,
                           bool& exists);
/// Puts `digests` in the place of the file, all or nothing, readable by its owner only. Returns
/// what is wrong, or an empty text.
std::string write_digests(const std::string& path, const DigestsByUser& digests);

}  // namespace mysqlproxy
