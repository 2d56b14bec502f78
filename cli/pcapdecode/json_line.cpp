#include "cli/pcapdecode/json_line.hpp"

#include "cli/common/text.hpp"

#include <mysqlwire/capture/utf8.hpp>

namespace pcapdecode {

namespace {

// U+0080 to U+009F, in UTF-8.
bool has_control_behind_ascii(std::string_view text) noexcept {
  for (std::size_t at = text.find('\xc2'); at != std::string_view::npos && at + 1 < text.size();
       at = text.find('\xc2', at + 1))
    if (static_cast<unsigned char>(text[at + 1]) < 0xa0) return true;
  return false;
}

// With U+FFFD for each byte that is no UTF-8.
void repair(std::string_view text, std::string& out) {
  out.clear();
  while (!text.empty()) {
    const unsigned length = mysqlwire::capture::utf8_length(text);
    if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out.append(text.data(), length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

}  // namespace

void JsonLine::item(std::string_view text) {
  if (cli::is_ascii(text)) {
    writer_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  } else {
    unusual_item(text);
  }
}

void JsonLine::unusual_item(std::string_view text) {
  if (!mysqlwire::capture::is_utf8(text)) {
    repair(text, scratch_);
    text = scratch_;
  }
  if (!has_control_behind_ascii(text)) {
    writer_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    return;
  }
  rapidjson::StringBuffer escaped;
  rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::ASCII<>> ascii(escaped);
  ascii.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  writer_.RawValue(escaped.GetString(), escaped.GetSize(), rapidjson::kStringType);
}

void JsonLine::item_hex(mysqlwire::Bytes bytes) {
  scratch_.clear();
  cli::append_hex(scratch_, bytes);
  writer_.String(scratch_.data(), static_cast<rapidjson::SizeType>(scratch_.size()));
}

}  // namespace pcapdecode
