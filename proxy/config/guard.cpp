#include "proxy/config/guard.hpp"

#include <algorithm>

namespace mysqlproxy {
namespace {

bool is_off(const GuardSettings& settings) noexcept {
  return std::ranges::all_of(settings.modes, [](GuardMode mode) { return mode == GuardMode::off; });
}

}  // namespace

std::string_view to_string(GuardCheck check) noexcept {
  switch (check) {
    case GuardCheck::no_where: return "no_where";
    case GuardCheck::no_limit: return "no_limit";
    case GuardCheck::ddl: return "ddl";
    case GuardCheck::account: return "account";
    case GuardCheck::admin: return "admin";
    case GuardCheck::read_file: return "read_file";
    case GuardCheck::write_file: return "write_file";
    case GuardCheck::sleep: return "sleep";
    case GuardCheck::several_statements: return "several_statements";
    case GuardCheck::comment: return "comment";
    case GuardCheck::version_comment: return "version_comment";
    case GuardCheck::union_: return "union";
    case GuardCheck::tautology: return "tautology";
    case GuardCheck::prepare_from_variable: return "prepare_from_variable";
    case GuardCheck::unreadable: return "unreadable";
    case GuardCheck::denied: return "denied";
    case GuardCheck::unknown_digest: return "unknown_digest";
    case GuardCheck::statement_size: return "statement_size";
    case GuardCheck::result_rows: return "result_rows";
    case GuardCheck::result_bytes: return "result_bytes";
    case GuardCheck::running_time: return "running_time";
  }
  return {};
}

std::string_view to_string(GuardMode mode) noexcept {
  switch (mode) {
    case GuardMode::off: return "off";
    case GuardMode::observe: return "observe";
    case GuardMode::enforce: return "enforce";
  }
  return {};
}

bool GuardConfig::idle() const noexcept {
  return !learn && is_off(settings) &&
         std::ranges::all_of(profiles, is_off, &GuardProfile::settings);
}

}  // namespace mysqlproxy
