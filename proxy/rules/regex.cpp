#include "proxy/rules/regex.hpp"

namespace mysqlproxy::rules {
namespace {

/// Of one expression with its automatons: a bad one is refused at load instead of eating memory.
constexpr std::int64_t most_memory = 4 << 20;

}  // namespace

RE2::Options regex_options(bool case_sensitive) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_case_sensitive(case_sensitive);
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(most_memory);
  return options;
}

std::string regex_fault(std::string_view pattern, bool case_sensitive) {
  const RE2 regex(piece(pattern), regex_options(case_sensitive));
  return regex.ok() ? std::string() : regex.error();
}

int regex_groups(std::string_view pattern) {
  const RE2 regex(piece(pattern), regex_options(false));
  return regex.NumberOfCapturingGroups();
}

std::string replacement_fault(std::string_view pattern, std::string_view replacement) {
  const RE2 regex(piece(pattern), regex_options(false));
  std::string fault;
  regex.CheckRewriteString(piece(replacement), &fault);
  return fault;
}

}  // namespace mysqlproxy::rules
