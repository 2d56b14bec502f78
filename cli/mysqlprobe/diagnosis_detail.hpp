// The parts of diagnose().
#pragma once

#include "cli/mysqlprobe/diagnosis.hpp"

#include <string>
#include <utility>

namespace mysqlprobe::detail {

inline void add(Diagnosis& out, std::string cause, std::string advice) {
  out.causes.push_back({std::move(cause), std::move(advice)});
}

/// For an ERR packet; sets the exit code too.
void diagnose_err(Diagnosis& out, const Failure& failure, const LoginFacts& facts);
/// For what goes wrong with TLS.
void diagnose_tls(Diagnosis& out, const Failure& failure, const LoginFacts& facts);

}  // namespace mysqlprobe::detail
