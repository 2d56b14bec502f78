#include "cli/mysqlprobe/option_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace mysqlprobe {

namespace {

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Where a # outside of quotes begins a comment: at any place of a line.
std::string_view without_comment(std::string_view text) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = i > 0 && text[i - 1] == '\\';
    if ((text[i] == '"' || text[i] == '\'') && !escaped && (quote == 0 || quote == text[i]))
      quote = quote == 0 ? text[i] : '\0';
    if (text[i] == '#' && quote == 0) return text.substr(0, i);
  }
  return text;
}

std::string unescape(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'b': out += '\b'; break;
      case 's': out += ' '; break;
      case '\\': out += '\\'; break;
      case '"': out += '"'; break;
      case '\'': out += '\''; break;
      default: out += '\\'; out += text[i];
    }
  }
  return out;
}

}  // namespace

void OptionFiles::read(const std::string& path) { read(path, true, 0); }
void OptionFiles::read_if_there(const std::string& path) { read(path, false, 0); }

void OptionFiles::read(const std::string& path, bool must, unsigned depth) {
  struct ::stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (must) throw OptionFileError(path + ": can't be read");
    return;
  }
  // As the stock clients have it: anybody could have written it.
  if (S_ISREG(status.st_mode) && (status.st_mode & S_IWOTH) != 0) {
    warnings_.push_back(path + ": ignored, since everybody may write to it");
    return;
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(max_size + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || !file.is_open()) {
    if (must) throw OptionFileError(path + ": can't be read");
    return;
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > max_size) throw OptionFileError(path + ": is too large for an option file");
  parse(path, text, depth);
  mysqlwire::crypto::cleanse({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

void OptionFiles::directive(const std::string& path, std::string_view line, std::size_t number,
                            unsigned depth) {
  const std::size_t blank = line.find_first_of(" \t");
  const std::string_view word = line.substr(0, blank);
  const std::string argument(blank == std::string_view::npos ? std::string_view()
                                                             : trim(line.substr(blank)));
  if (depth >= max_depth)
    throw OptionFileError(fmt::format("{}:{}: files include each other too deeply", path, number));
  if (word == "!include") {
    read(argument, true, depth + 1);
  } else if (word == "!includedir") {
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(argument, error))
      if (entry.path().extension() == ".cnf") files.push_back(entry.path());
    if (error) throw OptionFileError(fmt::format("{}:{}: {}", path, number, error.message()));
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) read(file, true, depth + 1);
  } else {
    throw OptionFileError(fmt::format("{}:{}: unknown directive", path, number));
  }
}

void OptionFiles::parse(const std::string& path, std::string_view text, unsigned depth) {
  std::string group;
  bool wanted = false;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '!') {
      directive(path, line, number, depth);
      continue;
    }
    if (line[0] == '[') {
      const std::size_t close = line.find(']');
      if (close == std::string_view::npos)
        throw OptionFileError(fmt::format("{}:{}: a ] is missing", path, number));
      group = trim(line.substr(1, close - 1));
      wanted = groups_.contains(group);
      continue;
    }
    if (group.empty())
      throw OptionFileError(fmt::format("{}:{}: an option in front of any group", path, number));
    if (!wanted) continue;
    line = trim(without_comment(line));
    const std::size_t equals = line.find('=');
    OptionLine option;
    option.group = group;
    option.name = trim(line.substr(0, equals));
    std::replace(option.name.begin(), option.name.end(), '_', '-');
    option.where = fmt::format("{}:{}", path, number);
    if (option.name.starts_with("loose-")) {
      option.is_loose = true;
      option.name.erase(0, 6);
    }
    if (equals != std::string_view::npos) option.value = unescape(trim(line.substr(equals + 1)));
    lines_.push_back(std::move(option));
  }
}

void OptionFiles::wipe() noexcept {
  for (OptionLine& line : lines_)
    if (line.value)
      mysqlwire::crypto::cleanse(
          {reinterpret_cast<std::uint8_t*>(line.value->data()), line.value->size()});
  lines_.clear();
}

}  // namespace mysqlprobe
