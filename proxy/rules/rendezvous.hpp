// Which member of a set a value belongs to, so that little moves when the set changes.
//
// https://en.wikipedia.org/wiki/Rendezvous_hashing
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy::rules {

/// One that values belong to.
struct Member {
  std::string_view name;     ///< what stands for it: it keeps its values while it keeps its name
  std::uint32_t weight = 1;  ///< its share, at least 1
};

/// The members in the order in which `value` prefers them, by their place in `members`. When the
/// first one leaves, only its values move, each to its second one; a member that joins takes from
/// all others in proportion to its weight. The same on every machine and in every version.
std::vector<std::size_t> rendezvous(std::string_view value, std::span<const Member> members);

}  // namespace mysqlproxy::rules
