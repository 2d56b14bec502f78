#include "proxy/config/load_guard.hpp"

#include "proxy/config/config.hpp"
#include "proxy/config/files.hpp"
#include "proxy/config/named_tables.hpp"
#include "proxy/guard/digest_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mysqlproxy {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t largest_size = 1ULL << 40;
constexpr std::uint32_t most_rows = 0xFFFFFFFF;
constexpr std::initializer_list<GuardMode> all_modes = {GuardMode::off, GuardMode::observe,
                                                        GuardMode::enforce};
constexpr std::array limits = {GuardCheck::statement_size, GuardCheck::result_rows,
                               GuardCheck::result_bytes, GuardCheck::running_time};

bool is_limit(GuardCheck check) noexcept {
  return std::ranges::find(limits, check) != limits.end();
}

/// A key of [guard], which can't be the name of a profile.
bool is_setting(std::string_view key) noexcept {
  for (std::size_t i = 0; i < guard_checks; ++i)
    if (key == to_string(static_cast<GuardCheck>(i))) return true;
  for (const std::string_view other :
       {"allow_file", "learn", "audit_log", "limits", "limit_tables", "deny", "users",
        "max_statement_size", "max_result_rows", "max_result_bytes", "max_running_time"})
    if (key == other) return true;
  return false;
}

/// What can't be inspected is treated as the strictest check treats what it finds, unless the file
/// says otherwise: nobody knows what is in there.
GuardMode strictest(const GuardSettings& settings) noexcept {
  GuardMode mode = GuardMode::off;
  for (std::size_t i = 0; i < guard_checks; ++i) {
    const auto check = static_cast<GuardCheck>(i);
    if (check != GuardCheck::unreadable && !is_limit(check))
      mode = std::max(mode, settings.mode(check));
  }
  return mode;
}

std::vector<std::string> read_texts(TableReader& reader, std::string_view key,
                                    std::string_view expected) {
  std::vector<std::string> texts;
  for (const Located& text : reader.texts(key, expected, true).value_or(std::vector<Located>())) {
    if (text.text.empty())
      reader.fault(text.at, key, fmt::format("expected {}, found an empty text", expected));
    else if (std::ranges::find(texts, text.text) != texts.end())
      reader.fault(text.at, key, fmt::format("{} is in the list already", shown(text.text)));
    else
      texts.push_back(text.text);
  }
  return texts;
}

void read_modes(TableReader& reader, const toml::table& table, GuardSettings& settings) {
  for (std::size_t i = 0; i < guard_checks; ++i) {
    const auto check = static_cast<GuardCheck>(i);
    if (is_limit(check)) continue;
    reader.read(to_string(check), settings.mode(check), all_modes);
  }
  if (!table.contains("unreadable")) settings.mode(GuardCheck::unreadable) = strictest(settings);
}

void read_limits(TableReader& reader, const toml::table& table, GuardSettings& settings) {
  // As in [guard], where that has limits.
  GuardMode mode = settings.has_limits() ? GuardMode::off : GuardMode::enforce;
  for (const GuardCheck check : limits)
    if (settings.mode(check) != GuardMode::off) mode = settings.mode(check);
  reader.read("limits", mode, all_modes);
  reader.read_size("max_statement_size", settings.max_statement_size, 0, largest_size);
  reader.read_size("max_result_bytes", settings.max_result_bytes, 0, largest_size);
  auto rows = static_cast<std::uint32_t>(settings.max_result_rows);
  reader.read("max_result_rows", rows, 0, most_rows);
  settings.max_result_rows = rows;
  reader.read("max_running_time", settings.max_running_time, 0ms);
  const auto set = [&](GuardCheck check, bool limited) {
    settings.mode(check) = limited ? mode : GuardMode::off;
  };
  set(GuardCheck::statement_size, settings.max_statement_size != 0);
  set(GuardCheck::result_rows, settings.max_result_rows != 0);
  set(GuardCheck::result_bytes, settings.max_result_bytes != 0);
  set(GuardCheck::running_time, settings.max_running_time != 0ms);
  if (table.contains("limits") && !settings.has_limits() && mode != GuardMode::off)
    reader.fault(reader.source(), "limits",
                 "there is no limit: set max_statement_size, max_result_rows, max_result_bytes or "
                 "max_running_time");
}

void read_settings(TableReader& reader, const toml::table& table, GuardSettings& settings) {
  if (table.contains("limit_tables"))
    settings.limit_tables =
        read_texts(reader, "limit_tables", "a table such as \"orders\" or \"shop.orders\"");
  reader.take("limit_tables");
  if (table.contains("deny")) settings.deny = read_texts(reader, "deny", "a statement or a digest");
  reader.take("deny");
  // A list is there to be obeyed.
  if (!settings.limit_tables.empty() && !table.contains("no_limit") &&
      settings.mode(GuardCheck::no_limit) == GuardMode::off)
    settings.mode(GuardCheck::no_limit) = GuardMode::enforce;
  if (!settings.deny.empty() && !table.contains("denied") &&
      settings.mode(GuardCheck::denied) == GuardMode::off)
    settings.mode(GuardCheck::denied) = GuardMode::enforce;
  read_modes(reader, table, settings);
  read_limits(reader, table, settings);
  if (table.contains("no_limit") && settings.mode(GuardCheck::no_limit) != GuardMode::off &&
      settings.limit_tables.empty())
    reader.fault(reader.source(), "no_limit",
                 "there is no table that it is about: set limit_tables");
  if (table.contains("denied") && settings.mode(GuardCheck::denied) != GuardMode::off &&
      settings.deny.empty())
    reader.fault(reader.source(), "denied", "there is nothing to deny: set deny");
}

void check_lists(TableReader& reader, const toml::table& table, const GuardConfig& guard,
                 const GuardSettings& settings) {
  if (!table.contains("unknown_digest") ||
      settings.mode(GuardCheck::unknown_digest) == GuardMode::off)
    return;
  if (guard.allow_file.empty())
    reader.fault(reader.source(), "unknown_digest",
                 "nothing is known: set allow_file, and learn for a while");
}

void read_profile(const Named& item, Report& report, const GuardConfig& guard,
                  std::map<std::string, std::string>& taken, GuardProfile& profile) {
  TableReader reader(*item.table, fmt::format("guard.{}", quote_key(item.name)), report);
  if (item.table->contains("users")) {
    for (const Located& user :
         reader.texts("users", "a user's name", true).value_or(std::vector<Located>())) {
      const auto [other, is_new] = taken.emplace(user.text, reader.path());
      if (!is_new)
        reader.fault(user.at, "users",
                     fmt::format("{} is in {} already", shown(user.text), other->second));
      profile.users.push_back(user.text);
    }
  } else {
    reader.missing("users", "the names of those whom it is about");
  }
  reader.take("users");
  for (const std::string_view key : {"allow_file", "learn", "audit_log"})
    reader.hint(key, "it is for all users: put it into [guard]");
  read_settings(reader, *item.table, profile.settings);
  check_lists(reader, *item.table, guard, profile.settings);
  reader.reject_unknown();
}

/// What is learnt makes the file; otherwise there is one, or nothing would be known.
void read_allow_file(TableReader& reader, Report& report, const Located& file, GuardConfig& guard) {
  guard.allow_file = beside(report.file(), file.text);
  std::vector<DigestFileFault> faults;
  bool exists = false;
  auto known = read_digests(guard.allow_file, faults, exists);
  for (const DigestFileFault& fault : faults)
    reader.fault(file.at, "allow_file",
                 fault.line == 0
                     ? fmt::format("{}: {}", shown(guard.allow_file), fault.text)
                     : fmt::format("{}:{}: {}", shown(guard.allow_file), fault.line, fault.text));
  if (!exists && !guard.learn)
    report.warn(file.at, fmt::format("guard.allow_file: there is no {}: no statement is known",
                                     shown(guard.allow_file)));
  guard.known = std::make_shared<const DigestsByUser>(std::move(known));
}

}  // namespace

void read_guard(TableReader& top, Report& report, GuardConfig& guard) {
  const toml::node* node = top.take("guard");
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) return top.expected("guard", *node, "a table [guard]");
  TableReader reader(*table, "guard", report);
  reader.read("learn", guard.learn);
  if (const auto file = reader.text("allow_file", "a path"); file && !file->text.empty())
    read_allow_file(reader, report, *file, guard);
  if (guard.learn && guard.allow_file.empty())
    reader.fault(reader.source(), "learn", "there is no place for it: set allow_file");
  if (const auto file = reader.text("audit_log", "\"-\", \"\" or a file's name"))
    guard.audit_log =
        file->text.empty() || file->text == "-" ? file->text : beside(report.file(), file->text);
  read_settings(reader, *table, guard.settings);
  check_lists(reader, *table, guard, guard.settings);
  std::vector<Named> profiles;
  for (const auto& [key, child] : *table) {
    const toml::table* profile = child.as_table();
    if (profile == nullptr || is_setting(key.str())) continue;
    reader.take(key.str());
    profiles.push_back({std::string(key.str()), key.source(), profile});
  }
  std::ranges::sort(profiles,
                    [](const Named& a, const Named& b) { return a.at.begin < b.at.begin; });
  std::map<std::string, std::string> taken;
  for (const Named& item : profiles) {
    GuardProfile profile{.name = item.name, .users = {}, .settings = guard.settings};
    read_profile(item, report, guard, taken, profile);
    guard.profiles.push_back(std::move(profile));
  }
  reader.reject_unknown();
}

}  // namespace mysqlproxy
