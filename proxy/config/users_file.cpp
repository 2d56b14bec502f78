#include "proxy/config/users_file.hpp"

#include "proxy/config/files.hpp"
#include "proxy/config/load_user.hpp"
#include "proxy/config/user.hpp"
#include "proxy/net/descriptor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

namespace mysqlproxy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = 64U << 20;

std::string reason(int code) { return std::generic_category().message(code); }

/// The pools that the tables name, whatever they are.
std::vector<std::string> pools_of(const toml::table& root) {
  std::vector<std::string> pools;
  if (const toml::table* users = root["user"].as_table()) {
    for (const auto& [key, child] : *users) {
      const toml::table* user = child.as_table();
      if (user == nullptr) continue;
      if (const auto pool = (*user)["pool"].value<std::string>()) pools.push_back(*pool);
    }
  }
  return pools;
}

UsersFile read_text(std::string_view text, const std::string& path) {
  UsersFile file;
  Report report(path);
  try {
    const toml::table root = toml::parse(text, path);
    const auto pools = pools_of(root);
    std::vector<std::string> used;
    TableReader top(root, "", report);
    UserReader(pools, used, file.users).read(top, report, "");
    top.reject_unknown();
  } catch (const toml::parse_error& fault) {
    report.error(fault.source(), fmt::format("not TOML: {}", one_line(fault.description())));
  }
  const LoadResult result = std::move(report).finish({});
  if (!result.errors.empty()) file.fault = to_string(result.errors.front());
  return file;
}

/// Lines of a table [user.NAME], from its header to before what belongs to the next one.
struct Lines {
  std::size_t first;  ///< from 1
  std::size_t end;    ///< the one behind it
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.push_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool belongs_below(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t\r\n");
  return begin == line.npos || line[begin] == '#';
}

/// Nothing when the user does not stand below a header of its own.
std::optional<Lines> find_table(std::string_view text, std::string_view name) {
  const toml::table root = toml::parse(text);
  const toml::table* users = root["user"].as_table();
  const toml::table* user = users != nullptr ? (*users)[name].as_table() : nullptr;
  const auto lines = lines_of(text);
  const auto is_header = [&](std::size_t line) {
    const std::size_t begin = lines[line - 1].find_first_not_of(" \t");
    return begin != std::string_view::npos && lines[line - 1][begin] == '[';
  };
  if (user == nullptr || user->is_inline() || !is_header(user->source().begin.line))
    return std::nullopt;
  Lines found{user->source().begin.line, lines.size() + 1};
  for (const auto& [key, child] : *users) {
    const std::size_t line = key.source().begin.line;
    if (line > found.first) found.end = std::min<std::size_t>(found.end, line);
  }
  // Blank lines and comments above the next header are about that.
  while (found.end > found.first + 1 && belongs_below(lines[found.end - 2])) --found.end;
  return found;
}

}  // namespace

std::string format_user_table(std::string_view name, std::string_view pool,
                              const std::vector<std::string>& hosts, const StoredHashes& hashes) {
  const auto list = [](const std::vector<std::string>& texts) {
    std::string items;
    for (const std::string& text : texts)
      items += fmt::format("{}{}", items.empty() ? "" : ", ", quote_value(text));
    return texts.size() == 1 ? items : fmt::format("[{}]", items);
  };
  const std::string key = is_bare_key(name) ? std::string(name) : quote_value(name);
  std::string table = fmt::format("[user.{}]\npool = {}\nhash = {}\n", key, quote_value(pool),
                                  list(format_hashes(hashes)));
  if (!hosts.empty()) table += fmt::format("host = {}\n", list(hosts));
  return table;
}

UsersFile read_users_file(const std::string& path) {
  const auto content = read_whole_file(path, largest_file);
  if (!content.fault.empty()) return {{}, fmt::format("{}: {}", path, content.fault)};
  return read_text(content.text, path);
}

std::string with_user(std::string_view text, std::string_view name, std::string_view table,
                      bool replace, std::string& fault) {
  const UsersFile before = read_text(text, "the users file");
  fault = before.fault;
  if (!fault.empty()) return {};
  const bool known = std::ranges::find(before.users, name, &UserConfig::name) != before.users.end();
  if (known && !replace) {
    fault =
        fmt::format("there is a user {:?} already; --replace puts a new one in its place", name);
    return {};
  }
  std::string result;
  if (known) {
    const auto place = find_table(text, name);
    if (!place) {
      fault = fmt::format("user {:?} has no header [user.NAME] of its own; edit the file", name);
      return {};
    }
    const auto lines = lines_of(text);
    for (std::size_t line = 1; line <= lines.size(); ++line) {
      if (line == place->first) result += table;
      if (line < place->first || line >= place->end) result += lines[line - 1];
    }
  } else {
    result = text;
    if (!result.empty() && !result.ends_with('\n')) result += '\n';
    if (!result.empty()) result += '\n';
    result += table;
  }
  // Nobody else is to come to harm, whatever the file looks like.
  const UsersFile after = read_text(result, "the users file");
  const auto others = [&](std::vector<UserConfig> users) {
    std::erase_if(users, [&](const UserConfig& one) { return one.name == name; });
    return users;
  };
  if (!after.fault.empty() || others(after.users) != others(before.users)) {
    fault = fmt::format("user {:?} can't be put in; edit the file", name);
    return {};
  }
  return result;
}

std::string add_to_users_file(const std::string& path, const std::string& name,
                              std::string_view table, bool replace) {
  std::error_code ignored;
  fs::path target = fs::canonical(path, ignored);
  if (ignored) target = path;
  const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return fmt::format("{}: {}", parent.string(), reason(errno));
  // One at a time: what another one adds meanwhile would be lost.
  if (::flock(folder.get(), LOCK_EX) != 0)
    return fmt::format("{}: can't be locked: {}", parent.string(), reason(errno));
  std::string old;
  if (fs::exists(target, ignored)) {
    auto content = read_whole_file(target.string(), largest_file);
    if (!content.fault.empty()) return fmt::format("{}: {}", path, content.fault);
    old = std::move(content.text);
  }
  std::string fault;
  const std::string text = with_user(old, name, table, replace, fault);
  if (!fault.empty()) return fmt::format("{}: {}", path, fault);
  return replace_file(target.string(), text);
}

}  // namespace mysqlproxy
