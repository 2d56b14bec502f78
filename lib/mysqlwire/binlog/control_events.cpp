#include <mysqlwire/binlog/control_events.hpp>
#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/wire/reader.hpp>

#include <charconv>

namespace mysqlwire::binlog {

namespace {

// Whether a server of that version says which checksums it uses.
bool knows_checksums(std::string_view version) noexcept {
  unsigned parts[3] = {0, 0, 0};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (unsigned& part : parts) {
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc()) break;
    at = next;
    if (at == end || *at != '.') break;
    ++at;
  }
  const auto from = [&](unsigned major, unsigned minor, unsigned patch) {
    if (parts[0] != major) return parts[0] > major;
    if (parts[1] != minor) return parts[1] > minor;
    return parts[2] >= patch;
  };
  if (version.find("MariaDB") != std::string_view::npos) return from(5, 3, 0);
  return from(5, 6, 1);
}

enum class HeartbeatField : std::uint8_t { end = 0, filename = 1, position = 2 };

}  // namespace

Result<FormatDescription> FormatDescription::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  FormatDescription format;
  format.binlog_version = reader.u16("binlog_version");
  if (reader.ok() && format.binlog_version != 4)
    reader.fail_at(errc::bad_value, "binlog_version", 0);
  const std::string_view padded = reader.text(version_size, "server_version");
  format.server_version = padded.substr(0, padded.find('\0'));
  format.create_time = reader.u32("create_time");
  const std::uint64_t length_at = reader.offset();
  format.header_length = reader.u8("header_length");
  if (reader.ok() && format.header_length != EventHeader::size)
    reader.fail_at(errc::bad_value, "header_length", length_at);
  std::uint64_t trailer = 0;
  if (knows_checksums(format.server_version)) trailer = 1 + checksum_size;
  if (reader.ok() && reader.left() < trailer) reader.fail(errc::truncated, "checksum_algorithm");
  if (!reader.ok()) return reader.error();
  format.post_header_lengths = reader.bytes(reader.left() - trailer, "post_header_lengths");
  if (trailer != 0) {
    format.checksum_algorithm = static_cast<ChecksumAlgorithm>(reader.u8("checksum_algorithm"));
    reader.skip(checksum_size, "checksum");
  }
  return reader.finish(format);
}

void FormatDescription::encode(Writer& writer, const Context&) const {
  writer.u16(binlog_version, "binlog_version");
  if (server_version.size() > version_size) writer.fail(errc::too_long, "server_version");
  if (!writer.ok()) return;
  writer.text(server_version);
  writer.zeros(version_size - server_version.size());
  writer.u32(create_time, "create_time");
  writer.u8(header_length, "header_length");
  writer.bytes(post_header_lengths);
  if (!knows_checksums(server_version)) return;
  writer.u8(static_cast<std::uint8_t>(checksum_algorithm), "checksum_algorithm");
  writer.zeros(checksum_size);
}

Result<Rotate> Rotate::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  Rotate rotate;
  rotate.position = reader.u64("position");
  rotate.filename = reader.rest_text("filename");
  return reader.finish(rotate);
}

void Rotate::encode(Writer& writer, const Context&) const {
  writer.u64(position, "position");
  writer.text(filename);
}

Result<Heartbeat> Heartbeat::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  return reader.finish(Heartbeat{reader.rest_text("filename")});
}

void Heartbeat::encode(Writer& writer, const Context&) const { writer.text(filename); }

Result<HeartbeatV2> HeartbeatV2::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  HeartbeatV2 heartbeat;
  while (reader.ok() && !reader.at_end()) {
    const std::uint64_t type = reader.lenenc("type");
    if (type == static_cast<std::uint64_t>(HeartbeatField::end)) break;
    const std::uint64_t value_at = reader.offset();
    const Bytes value = reader.lenenc_bytes("value");
    if (!reader.ok()) break;
    if (type == static_cast<std::uint64_t>(HeartbeatField::filename)) {
      heartbeat.filename = as_text(value);
    } else if (type == static_cast<std::uint64_t>(HeartbeatField::position)) {
      Reader inner(value, name.data(), context);
      heartbeat.position = inner.lenenc("position");
      if (!inner.ok()) reader.fail_at(inner.error().code, "position", value_at);
    }
  }
  return reader.finish(heartbeat);
}

void HeartbeatV2::encode(Writer& writer, const Context&) const {
  writer.lenenc(static_cast<std::uint64_t>(HeartbeatField::filename));
  writer.lenenc_text(filename);
  writer.lenenc(static_cast<std::uint64_t>(HeartbeatField::position));
  writer.lenenc(lenenc_size(position));
  writer.lenenc(position);
  writer.lenenc(static_cast<std::uint64_t>(HeartbeatField::end));
}

Result<Incident> Incident::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  Incident event;
  event.incident = reader.u16("incident");
  event.message = reader.text(reader.u8("message_length"), "message");
  return reader.finish(event);
}

void Incident::encode(Writer& writer, const Context&) const {
  writer.u16(incident, "incident");
  writer.u8(message.size(), "message_length");
  writer.text(message);
}

Result<BinlogCheckpoint> BinlogCheckpoint::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  BinlogCheckpoint checkpoint;
  checkpoint.filename = reader.text(reader.u32("filename_length"), "filename");
  return reader.finish(checkpoint);
}

void BinlogCheckpoint::encode(Writer& writer, const Context&) const {
  writer.u32(filename.size(), "filename_length");
  writer.text(filename);
}

Result<StartEncryption> StartEncryption::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  StartEncryption start;
  start.scheme = reader.u8("scheme");
  start.key_version = reader.u32("key_version");
  start.nonce = reader.bytes(nonce_size, "nonce");
  return reader.finish(start);
}

void StartEncryption::encode(Writer& writer, const Context&) const {
  writer.u8(scheme, "scheme");
  writer.u32(key_version, "key_version");
  if (nonce.size() != nonce_size) writer.fail(errc::bad_value, "nonce");
  writer.bytes(nonce);
}

}  // namespace mysqlwire::binlog
