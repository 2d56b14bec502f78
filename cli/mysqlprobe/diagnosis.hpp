// From a failure to its likely causes, and what to do about them.
#pragma once

#include "cli/mysqlprobe/failure.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mysqlprobe {

/// One possible cause.
struct Cause {
  std::string cause;
  std::string advice;
};

struct Diagnosis {
  ExitCode exit = ExitCode::good;
  std::vector<Cause> causes;  ///< the likeliest first; never empty
};

Diagnosis diagnose(const Failure& failure, const LoginFacts& facts);

/// What speaks there, by the first bytes that it sent: "an HTTP server"; empty when not known.
std::string_view recognise_protocol(std::string_view first_bytes) noexcept;

}  // namespace mysqlprobe
