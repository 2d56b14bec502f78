#include "cli/pcapdecode/key_log.hpp"

#include <optional>

namespace pcapdecode {

using namespace mysqlwire;

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Buffer> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Buffer bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return bytes;
}

std::string_view take_word(std::string_view& line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

void KeyLog::add(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string_view label = take_word(line);
    if (label.empty() || label[0] == '#') continue;
    const auto random = from_hex(take_word(line));
    const auto secret = from_hex(take_word(line));
    if (random && secret && random->size() == 32 && !secret->empty())
      secrets_[{std::string(label), *random}] = *secret;
  }
}

const Buffer* KeyLog::find(std::string_view label, Bytes client_random) const {
  const auto found =
      secrets_.find({std::string(label), Buffer(client_random.begin(), client_random.end())});
  return found == secrets_.end() ? nullptr : &found->second;
}

}  // namespace pcapdecode
