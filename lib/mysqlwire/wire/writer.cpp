#include <mysqlwire/wire/writer.hpp>

namespace mysqlwire {

void Writer::fail(errc code, const char* field) noexcept {
  if (!ok()) return;
  code_ = code;
  field_ = field;
  error_offset_ = size();
}

void Writer::fixed_int(std::uint64_t value, unsigned size, const char* field) {
  if (size < 8 && (value >> (8 * size)) != 0) fail(errc::too_long, field);
  if (!ok()) return;
  for (unsigned i = 0; i < size; ++i) out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void Writer::lenenc(std::uint64_t value) {
  switch (lenenc_size(value)) {
    case 1: return u8(value);
    case 3: u8(0xfc); return u16(value);
    case 4: u8(0xfd); return u24(value);
    default: u8(0xfe); return u64(value);
  }
}

void Writer::bytes(Bytes value) {
  if (ok()) out_.insert(out_.end(), value.begin(), value.end());
}

void Writer::nul_text(std::string_view value, const char* field) {
  if (value.find('\0') != std::string_view::npos) fail(errc::bad_value, field);
  bytes(as_bytes(value));
  u8(0, field);
}

void Writer::zeros(std::size_t count) {
  if (ok()) out_.insert(out_.end(), count, 0);
}

}  // namespace mysqlwire
