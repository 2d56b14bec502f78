// Two captures of what should be the same conversations.
#pragma once

#include "cli/pcapdecode/options.hpp"

#include <string>
#include <vector>

namespace pcapdecode {

/// What was said in one connection, without what differs from run to run.
struct Transcript {
  struct Line {
    std::string json;
    std::uint64_t frame = 0;
  };
  std::uint64_t stream = 0;
  std::vector<Line> lines;
};

/// The connections of a capture in which a login or a command was seen, in the order of their
/// appearance; those and their commands that the filter lets through. Throws std::runtime_error
/// when there is too much to keep, and InputError.
std::vector<Transcript> transcripts_of(const Options& options, const std::string& path);

/// What a member of two lines differs in: "affected", "values[2]", "columns[0].type"; empty when
/// the lines are no objects of the same type.
std::string differing_member(const std::string& a, const std::string& b);

/// Compares the first two files of the options: prints the first difference, or that there is none.
ExitCode diff(const Options& options);

}  // namespace pcapdecode
