#include <mysqlwire/wire/session_track.hpp>

namespace mysqlwire {

std::string_view to_string(SessionTrackType type) noexcept {
  switch (type) {
    case SessionTrackType::system_variables: return "SESSION_TRACK_SYSTEM_VARIABLES";
    case SessionTrackType::schema: return "SESSION_TRACK_SCHEMA";
    case SessionTrackType::state_change: return "SESSION_TRACK_STATE_CHANGE";
    case SessionTrackType::gtids: return "SESSION_TRACK_GTIDS";
    case SessionTrackType::transaction_characteristics:
      return "SESSION_TRACK_TRANSACTION_CHARACTERISTICS";
    case SessionTrackType::transaction_state: return "SESSION_TRACK_TRANSACTION_STATE";
  }
  return {};
}

Result<std::string_view> SessionTrackItem::text(const Context& context) const noexcept {
  Reader reader(data, "SessionTrackItem", context);
  std::string_view text;
  switch (type) {
    case SessionTrackType::schema: text = reader.lenenc_text("schema"); break;
    case SessionTrackType::transaction_characteristics:
      text = reader.lenenc_text("transaction_characteristics");
      break;
    case SessionTrackType::transaction_state: text = reader.lenenc_text("transaction_state"); break;
    case SessionTrackType::state_change: text = reader.text(1, "state_change"); break;
    case SessionTrackType::gtids:
      if (reader.u8("encoding") != 0) reader.note(errc::bad_value, "encoding");
      text = reader.lenenc_text("gtids");
      break;
    default: reader.fail(errc::unsupported, "type");
  }
  return reader.finish(text);
}

void SessionTrackItem::write_text(Writer& writer, SessionTrackType type, std::string_view text) {
  writer.lenenc(static_cast<std::uint8_t>(type));
  if (type == SessionTrackType::state_change) return writer.lenenc_text(text);
  const bool gtids = type == SessionTrackType::gtids;
  writer.lenenc(lenenc_size(text.size()) + text.size() + (gtids ? 1 : 0));
  if (gtids) writer.u8(0);
  writer.lenenc_text(text);
}

void SessionTrackItem::write_variable(Writer& writer, std::string_view name,
                                      std::string_view value) {
  writer.lenenc(static_cast<std::uint8_t>(SessionTrackType::system_variables));
  writer.lenenc(lenenc_size(name.size()) + name.size() + lenenc_size(value.size()) + value.size());
  writer.lenenc_text(name);
  writer.lenenc_text(value);
}

std::optional<SystemVariable> SystemVariables::next() noexcept {
  if (reader_.at_end()) return std::nullopt;
  SystemVariable variable;
  variable.name = reader_.lenenc_text("name");
  variable.value = reader_.lenenc_text("value");
  if (!reader_.ok()) return std::nullopt;
  return variable;
}

std::optional<SessionTrackItem> SessionTrackItems::next() noexcept {
  if (reader_.at_end()) return std::nullopt;
  SessionTrackItem item;
  const std::uint64_t type = reader_.lenenc("type");
  if (type > 0xff) reader_.fail(errc::too_long, "type");
  item.type = static_cast<SessionTrackType>(type);
  item.data = reader_.lenenc_bytes("data");
  if (!reader_.ok()) return std::nullopt;
  return item;
}

}  // namespace mysqlwire
