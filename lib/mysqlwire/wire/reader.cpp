#include <mysqlwire/wire/reader.hpp>

#include <cstring>

namespace mysqlwire {

std::uint64_t Reader::lenenc(const char* field) noexcept {
  const auto start = offset();
  const auto value = lenenc_or_null(field);
  if (!value) {
    if (ok()) fail_at(errc::bad_value, field, start);
    return 0;
  }
  return *value;
}

std::optional<std::uint64_t> Reader::lenenc_or_null(const char* field) noexcept {
  const auto start = offset();
  const std::uint8_t* const start_cursor = cursor_;
  const auto first = static_cast<std::uint8_t>(take_int(1, field));
  if (!ok()) return std::nullopt;
  std::uint64_t value = first;
  switch (first) {
    case 0xfb: tell(FieldForm::null, field, start_cursor); return std::nullopt;
    case 0xfc: value = take_int(2, field); break;
    case 0xfd: value = take_int(3, field); break;
    case 0xfe: value = take_int(8, field); break;
    case 0xff: fail_at(errc::bad_value, field, start); return std::nullopt;
    default: break;
  }
  if (!ok()) {
    error_offset_ = start;  // the field began at its prefix byte
    return std::nullopt;
  }
  tell(FieldForm::lenenc, field, start_cursor, value);
  return value;
}

Bytes Reader::long_lenenc_bytes(const char* field) noexcept {
  if (!ok()) return {};  // the first failure keeps its offset
  const auto start = offset();
  const std::uint64_t size = lenenc(field);
  const Bytes value = bytes(size, field);
  if (!ok()) error_offset_ = start;
  return value;
}

std::optional<Bytes> Reader::long_lenenc_bytes_or_null(const char* field) noexcept {
  const auto start = offset();
  const auto size = lenenc_or_null(field);
  if (!size) return std::nullopt;
  const Bytes value = bytes(*size, field);
  if (!ok()) {
    error_offset_ = start;
    return std::nullopt;
  }
  return value;
}

Bytes Reader::nul_bytes(const char* field) noexcept {
  if (at_end()) {
    fail(errc::not_terminated, field);
    return {};
  }
  const auto* nul = static_cast<const std::uint8_t*>(std::memchr(cursor_, 0, left()));
  if (nul == nullptr) {
    fail(errc::not_terminated, field);
    return {};
  }
  const Bytes value{cursor_, nul};
  cursor_ = nul + 1;
  tell(FieldForm::nul_terminated, field, value.data());
  return value;
}

Bytes Reader::nul_bytes_or_rest(const char* field) noexcept {
  if (!at_end() && std::memchr(cursor_, 0, left()) != nullptr) return nul_bytes(field);
  note(at_end() ? errc::missing_field : errc::not_terminated, field);
  return rest(field);
}

void Reader::tell_observer(FieldForm form, const char* field, const std::uint8_t* start,
                           std::uint64_t value) noexcept {
  if (!ok()) return;
  observer_->on_field({message_, field, form, Bytes(start, cursor_), value});
}

void Reader::fail_at(errc code, const char* field, std::uint64_t offset) noexcept {
  if (!ok()) return;
  code_ = code;
  field_ = field;
  error_offset_ = offset;
  cursor_ = end_;
}

void Reader::note(errc code, const char* field) noexcept {
  if (!ok()) return;
  if (strict_) {
    fail(code, field);
  } else if (notes_ != nullptr) {
    notes_->add({code, offset(), message_, field});
  }
}

}  // namespace mysqlwire
