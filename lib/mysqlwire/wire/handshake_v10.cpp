#include <mysqlwire/wire/ascii_detail.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/reader.hpp>

#include <algorithm>

namespace mysqlwire {
namespace {

constexpr std::uint8_t protocol_version = 10;
constexpr std::uint8_t protocol_version_320 = 9;
constexpr std::size_t part1_size = 8;
/// Part 2 takes at least this much, however little is announced.
constexpr std::uint64_t part2_min_size = 13;
/// The announced length of both parts is one byte.
constexpr std::uint64_t part2_max_size = 0xff - part1_size;

constexpr std::string_view mariadb_prefix = "5.5.5-";

bool has_plugin_data_part2(Capabilities capabilities) noexcept {
  return capabilities.has(Capability::secure_connection) ||
         capabilities.has(Capability::plugin_auth);
}

/// The size of part 2 on the wire. Announced lengths below 8 must not wrap around.
std::uint64_t part2_wire_size(std::uint8_t announced) noexcept {
  const std::uint64_t rest = announced > part1_size ? announced - part1_size : 0;
  return std::max(part2_min_size, rest);
}

Bytes read_part2(Reader& reader, std::uint8_t announced, Capabilities capabilities) noexcept {
  std::uint64_t size = part2_wire_size(announced);
  // A server without plugins may end its greeting at the salt and leave out the NUL behind it.
  if (!capabilities.has(Capability::plugin_auth) && reader.left() == part2_min_size - 1) {
    reader.note(errc::not_terminated, "auth_plugin_data_part2");
    size = part2_min_size - 1;
    return reader.bytes(size, "auth_plugin_data_part2");
  }
  const Bytes field = reader.bytes(size, "auth_plugin_data_part2");
  return !field.empty() && field.back() == 0 ? field.first(field.size() - 1) : field;
}

}  // namespace

std::string_view strip_version_prefix(std::string_view announced) noexcept {
  if (!announced.starts_with(mariadb_prefix)) return announced;
  const std::string_view rest = announced.substr(mariadb_prefix.size());
  if (rest.empty() || rest.front() < '0' || rest.front() > '9') return announced;
  return rest;
}

Flavor detect_flavor(std::string_view announced, Capabilities capabilities) noexcept {
  constexpr std::string_view brand = "MARIADB";
  const bool named = !std::ranges::search(announced, brand, {}, detail::ascii_upper).empty();
  const bool prefixed = strip_version_prefix(announced).size() != announced.size();
  const bool no_mysql_bit = !capabilities.has(Capability::long_password);
  return named || prefixed || no_mysql_bit ? Flavor::mariadb : Flavor::mysql;
}

Salt HandshakeV10::salt() const noexcept {
  Salt salt{};
  const auto part1 =
      auth_plugin_data_part1.first(std::min(auth_plugin_data_part1.size(), part1_size));
  const auto part2 =
      auth_plugin_data_part2.first(std::min(auth_plugin_data_part2.size(), salt_size - part1_size));
  std::ranges::copy(part1, salt.begin());
  std::ranges::copy(part2, salt.begin() + part1_size);
  return salt;
}

Result<HandshakeV10> HandshakeV10::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "HandshakeV10", context);
  HandshakeV10 greeting;
  const std::uint8_t version = reader.u8("protocol_version");
  if (reader.ok() && version != protocol_version) {
    reader.fail_at(version == protocol_version_320 ? errc::unsupported : errc::bad_value,
                   "protocol_version", 0);
  }
  greeting.server_version = reader.nul_text("server_version");
  greeting.connection_id = reader.u32("connection_id");
  greeting.auth_plugin_data_part1 = reader.bytes(part1_size, "auth_plugin_data_part1");
  reader.skip(1, "filler");
  std::uint64_t capabilities = reader.u16("capability_flags_1");
  greeting.capabilities = Capabilities(capabilities);
  if (reader.ok() && reader.at_end()) return reader.finish(greeting);

  greeting.collation = reader.u8("character_set");
  greeting.status = StatusFlags(reader.u16("status_flags"));
  capabilities |= static_cast<std::uint64_t>(reader.u16("capability_flags_2")) << 16;
  const std::uint8_t announced = reader.u8("auth_plugin_data_len");
  reader.skip(6, "filler");
  const std::uint64_t extended = reader.u32("capability_flags_3");
  if (!Capabilities(capabilities).has(Capability::long_password)) capabilities |= extended << 32;
  greeting.capabilities = Capabilities(capabilities);

  if (has_plugin_data_part2(greeting.capabilities)) {
    const bool plugin_auth = greeting.capabilities.has(Capability::plugin_auth);
    greeting.auth_plugin_data_part2 =
        read_part2(reader, plugin_auth ? announced : std::uint8_t{0}, greeting.capabilities);
    if (plugin_auth) greeting.auth_plugin_name = reader.nul_text_or_rest("auth_plugin_name");
  }
  return reader.finish(greeting);
}

void HandshakeV10::encode(Writer& writer, const Context&) const {
  const std::uint64_t bits = capabilities.bits();
  const bool plugin_auth = capabilities.has(Capability::plugin_auth);
  // Without PLUGIN_AUTH no length is announced, and readers take 13 bytes. The longest field that
  // can be announced leaves no room for a NUL.
  const std::uint64_t with_nul =
      std::min<std::uint64_t>(auth_plugin_data_part2.size() + 1, part2_max_size);
  const std::uint64_t part2_size =
      plugin_auth ? std::max(part2_min_size, with_nul) : part2_min_size;
  if (auth_plugin_data_part2.size() > part2_size) {
    writer.fail(errc::too_long, "auth_plugin_data_part2");
  }
  if (auth_plugin_data_part1.size() != part1_size) {
    writer.fail(errc::bad_value, "auth_plugin_data_part1");
  }
  writer.u8(protocol_version);
  writer.nul_text(server_version, "server_version");
  writer.u32(connection_id);
  writer.bytes(auth_plugin_data_part1);
  writer.u8(0);
  writer.u16(bits & 0xffff);
  writer.u8(collation);
  writer.u16(status.bits());
  writer.u16(bits >> 16 & 0xffff);
  writer.u8(plugin_auth ? part1_size + part2_size : 0, "auth_plugin_data_len");
  writer.zeros(6);
  writer.u32(capabilities.has(Capability::long_password) ? 0 : bits >> 32);
  if (!has_plugin_data_part2(capabilities)) return;
  writer.bytes(auth_plugin_data_part2);
  if (writer.ok()) writer.zeros(part2_size - auth_plugin_data_part2.size());
  if (plugin_auth) writer.nul_text(auth_plugin_name, "auth_plugin_name");
}

}  // namespace mysqlwire
