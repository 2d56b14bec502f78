#include "proxy/guard/digest_list.hpp"

#include "proxy/config/files.hpp"

#include <mysqlwire/sql/digest.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace mysqlproxy {
namespace {

constexpr std::size_t largest_file = 256U << 20;

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\')
      out += "\\\\";
    else if (byte < 0x20 || byte == 0x7F)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    else
      out += c;
  }
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (text.substr(i).starts_with("\\\\")) {
      out += text[++i];
    } else {
      if (!text.substr(i).starts_with("\\x") || i + 3 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 2]);
      const int low = hex_digit(text[i + 3]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 3;
    }
  }
  return out;
}

/// Returns what is wrong with the line, or an empty text.
std::string_view read_line(std::string_view line, DigestsByUser& digests) {
  const std::size_t tab = line.find('\t');
  if (tab == line.npos) return "expected a user, a tab and a digest; there is no tab";
  const auto user = unescaped(line.substr(0, tab));
  auto digest = unescaped(line.substr(tab + 1));
  if (!user || !digest) return "a backslash stands in front of a backslash or of xHH";
  if (user->empty()) return "there is no user; * is all of them";
  if (digest->empty()) return "there is no digest";
  // A user of the name "*" is written as \x2a.
  digests[line.substr(0, tab) == "*" ? "" : *user].insert(std::move(*digest));
  return {};
}

}  // namespace

void DigestSet::add(std::string_view digest) {
  auto& texts = by_hash_[mysqlwire::sql::digest_hash(digest)];
  if (std::ranges::find(texts, digest) != texts.end()) return;
  texts.emplace_back(digest);
  ++size_;
}

bool DigestSet::has(std::uint64_t hash, std::string_view digest) const noexcept {
  const auto found = by_hash_.find(hash);
  return found != by_hash_.end() && std::ranges::find(found->second, digest) != found->second.end();
}

DigestsByUser parse_digests(std::string_view text, std::vector<DigestFileFault>& faults) {
  DigestsByUser digests;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const std::string_view why = read_line(line, digests);
    if (!why.empty()) faults.push_back({number, std::string(why)});
  }
  return digests;
}

std::string format_digests(const DigestsByUser& digests) {
  std::string out =
      "# Statements that mysqlproxy knows: the user (* for all), a tab, the digest.\n";
  for (const auto& [user, texts] : digests) {
    std::string name = "*";
    if (user == "*" || user.starts_with('#'))
      name = fmt::format("\\x{:02x}", static_cast<unsigned char>(user.front()));
    if (!user.empty()) {
      if (name == "*") name.clear();
      append_escaped(name, std::string_view(user).substr(name.empty() ? 0 : 1));
    }
    for (const std::string& digest : texts) {
      out += name;
      out += '\t';
      append_escaped(out, digest);
      out += '\n';
    }
  }
  return out;
}

DigestsByUser read_digests(const std::string& path, std::vector<DigestFileFault>& faults,
                           bool& exists) {
  exists = ::access(path.c_str(), F_OK) == 0;
  if (!exists) return {};
  const FileText content = read_whole_file(path, largest_file);
  if (!content.fault.empty()) {
    faults.push_back({0, content.fault});
    return {};
  }
  return parse_digests(content.text, faults);
}

std::string write_digests(const std::string& path, const DigestsByUser& digests) {
  return replace_file(path, format_digests(digests));
}

}  // namespace mysqlproxy
