#include <mysqlwire/wire/ip_text_detail.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>
#include <mysqlwire/wire/reader.hpp>

#include <algorithm>
#include <charconv>

namespace mysqlwire {
namespace {

constexpr std::uint8_t signature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                      0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::string_view v1_start = "PROXY ";
constexpr std::uint8_t v2_local = 0x20;
constexpr std::uint8_t v2_proxy = 0x21;
constexpr std::size_t path_size = 108;
constexpr std::size_t tlv_head = 3;

std::uint16_t big_endian_u16(const std::uint8_t* bytes) noexcept {
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

void write_u16(Writer& writer, std::uint16_t value) {
  writer.u8(value >> 8);
  writer.u8(value & 0xff);
}

bool is_ip4(ProxyFamily family) noexcept {
  return family == ProxyFamily::tcp4 || family == ProxyFamily::udp4;
}
bool is_ip6(ProxyFamily family) noexcept {
  return family == ProxyFamily::tcp6 || family == ProxyFamily::udp6;
}
bool is_unix(ProxyFamily family) noexcept {
  return family == ProxyFamily::unix_stream || family == ProxyFamily::unix_datagram;
}
bool is_known(ProxyFamily family) noexcept {
  return family == ProxyFamily::unspecified || is_ip4(family) || is_ip6(family) || is_unix(family);
}

/// The polynomial of CRC32C, its bits mirrored.
std::uint32_t crc32c(std::uint32_t crc, std::uint8_t byte) noexcept {
  crc ^= byte;
  for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  return crc;
}

/// Of the header, with the 4 bytes at `hole` taken as zero.
std::uint32_t checksum_of(Bytes header, std::size_t hole) noexcept {
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 0; i < header.size(); ++i)
    crc = crc32c(crc, i - hole < 4 ? std::uint8_t{0} : header[i]);
  return ~crc;
}

/// Where in `block` the value of its CRC32C lies, if it has one.
std::optional<std::size_t> checksum_offset(Bytes block) noexcept {
  ProxyTlvs tlvs(block);
  while (const auto tlv = tlvs.next()) {
    if (tlv->type == static_cast<std::uint8_t>(ProxyTlvType::crc32c) && tlv->value.size() == 4)
      return static_cast<std::size_t>(tlv->value.data() - block.data());
  }
  return std::nullopt;
}

Bytes without_nuls(Bytes path) noexcept {
  while (!path.empty() && path.back() == 0) path = path.first(path.size() - 1);
  return path;
}

/// The next word of a v1 header: words have one space between them.
std::string_view next_word(std::string_view& line) noexcept {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(line.size(), end + 1));
  return word;
}

bool read_port(std::string_view text, std::uint16_t& port) noexcept {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  return code == std::errc() && end == text.data() + text.size();
}

Result<ProxyHeader> decode_v1(Bytes bytes) noexcept {
  const std::string_view all = as_text(bytes);
  const auto bad = [&](const char* field, std::string_view at) {
    return Error{errc::bad_value, static_cast<std::uint64_t>(at.data() - all.data()), "ProxyHeader",
                 field};
  };
  if (all.size() > ProxyHeader::max_v1_size) return Error{errc::too_long, 0, "ProxyHeader", "line"};
  if (!all.ends_with("\r\n") || all.find("\r\n") != all.size() - 2)
    return Error{errc::not_terminated, 0, "ProxyHeader", "line"};
  std::string_view line = all.substr(v1_start.size(), all.size() - v1_start.size() - 2);
  ProxyHeader header;
  header.version = 1;
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return header;
  if (family != "TCP4" && family != "TCP6") return bad("family", family);
  const bool four = family == "TCP4";
  header.family = four ? ProxyFamily::tcp4 : ProxyFamily::tcp6;
  const auto read_ip = [four](std::string_view text, ProxyAddress& address) {
    return four ? detail::read_ip4(text, std::span(address.ip).first<4>())
                : detail::read_ip6(text, address.ip);
  };
  std::string_view word = next_word(line);
  if (!read_ip(word, header.source)) return bad("source", word);
  word = next_word(line);
  if (!read_ip(word, header.destination)) return bad("destination", word);
  word = next_word(line);
  if (!read_port(word, header.source.port)) return bad("source_port", word);
  // The last word is all that is left: no space may follow it.
  if (!read_port(line, header.destination.port)) return bad("destination_port", line);
  return header;
}

void read_addresses(Reader& reader, ProxyHeader& header) noexcept {
  const auto read_ip = [&](std::size_t size, ProxyAddress& address, const char* field) {
    std::ranges::copy(reader.bytes(size, field), address.ip.begin());
  };
  const auto read_port = [&](const char* field) {
    const Bytes port = reader.bytes(2, field);
    return port.empty() ? std::uint16_t{0} : big_endian_u16(port.data());
  };
  if (is_unix(header.family)) {
    header.source_path = without_nuls(reader.bytes(path_size, "source"));
    header.destination_path = without_nuls(reader.bytes(path_size, "destination"));
  } else if (header.family != ProxyFamily::unspecified) {
    const std::size_t size = is_ip4(header.family) ? 4 : 16;
    read_ip(size, header.source, "source");
    read_ip(size, header.destination, "destination");
    header.source.port = read_port("source_port");
    header.destination.port = read_port("destination_port");
  }
}

Result<ProxyHeader> decode_v2(Bytes bytes, const Context& context) noexcept {
  Reader reader(bytes, ProxyHeader::name.data(), context);
  reader.skip(sizeof signature, "signature");
  ProxyHeader header;
  const std::uint8_t command = reader.u8("command");
  if (reader.ok() && command != v2_local && command != v2_proxy)
    reader.fail_at(errc::bad_value, "command", reader.offset() - 1);
  header.local = command == v2_local;
  const std::uint8_t family = reader.u8("family");
  const Bytes length = reader.bytes(2, "length");
  if (reader.ok() && big_endian_u16(length.data()) != reader.left())
    reader.fail_at(
        big_endian_u16(length.data()) > reader.left() ? errc::truncated : errc::trailing_bytes,
        "length", reader.offset() - 2);
  // The family of LOCAL is not to be looked at.
  if (reader.ok() && !header.local) {
    header.family = static_cast<ProxyFamily>(family);
    if (!is_known(header.family))
      reader.fail_at(errc::unsupported, "family", ProxyHeader::v2_fixed_size - 3);
  }
  read_addresses(reader, header);
  const bool opaque = header.local || header.family == ProxyFamily::unspecified;
  const std::uint64_t block_at = reader.offset();
  const Bytes block = reader.rest("tlvs");
  if (!reader.ok() || opaque) return reader.finish(header);

  header.tlvs = block;
  ProxyTlvs tlvs(block);
  while (tlvs.next()) {
  }
  if (!tlvs.at_end()) reader.fail_at(errc::truncated, "tlvs", block_at);
  if (const auto offset = checksum_offset(block)) {
    const auto at = static_cast<std::size_t>(block_at) + *offset;
    const std::uint32_t wanted = static_cast<std::uint32_t>(big_endian_u16(&bytes[at])) << 16 |
                                 big_endian_u16(&bytes[at + 2]);
    if (checksum_of(bytes, at) != wanted) reader.fail_at(errc::bad_value, "crc32c", at);
  }
  return reader.finish(header);
}

void encode_v1(const ProxyHeader& header, Writer& writer) {
  std::string line(v1_start);
  if (header.family != ProxyFamily::tcp4 && header.family != ProxyFamily::tcp6) {
    line += "UNKNOWN";
  } else {
    line += header.family == ProxyFamily::tcp4 ? "TCP4 " : "TCP6 ";
    line += ip_text(header.family, header.source) + ' ';
    line += ip_text(header.family, header.destination) + ' ';
    line += std::to_string(header.source.port) + ' ' + std::to_string(header.destination.port);
  }
  writer.text(line);
  writer.text("\r\n");
}

void write_path(Writer& writer, Bytes path, const char* field) {
  if (path.size() > path_size) {
    writer.fail(errc::too_long, field);
    return;
  }
  writer.bytes(path);
  writer.zeros(path_size - path.size());
}

void write_addresses(Writer& writer, const ProxyHeader& header) {
  if (is_unix(header.family)) {
    write_path(writer, header.source_path, "source");
    write_path(writer, header.destination_path, "destination");
  } else if (header.family != ProxyFamily::unspecified) {
    const std::size_t size = is_ip4(header.family) ? 4 : 16;
    writer.bytes(Bytes(header.source.ip).first(size));
    writer.bytes(Bytes(header.destination.ip).first(size));
    write_u16(writer, header.source.port);
    write_u16(writer, header.destination.port);
  }
}

void encode_v2(const ProxyHeader& header, Writer& writer) {
  // Together first: the checksum runs over all of it.
  Buffer bytes;
  Writer whole(bytes, ProxyHeader::name.data());
  whole.bytes(signature);
  whole.u8(header.local ? v2_local : v2_proxy);
  const bool opaque = header.local || header.family == ProxyFamily::unspecified;
  whole.u8(opaque ? 0 : static_cast<std::uint8_t>(header.family));
  whole.zeros(2);
  if (!opaque) {
    write_addresses(whole, header);
    whole.bytes(header.tlvs);
  }
  const std::size_t length = bytes.size() - ProxyHeader::v2_fixed_size;
  if (length > 0xffff) whole.fail(errc::too_long, "tlvs");
  if (!whole.ok()) return writer.fail(whole.error().code, whole.error().field);
  bytes[14] = static_cast<std::uint8_t>(length >> 8);
  bytes[15] = static_cast<std::uint8_t>(length);
  if (const auto offset = opaque ? std::nullopt : checksum_offset(header.tlvs)) {
    const std::size_t at = bytes.size() - header.tlvs.size() + *offset;
    const std::uint32_t crc = checksum_of(bytes, at);
    for (unsigned i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
  }
  writer.bytes(bytes);
}

}  // namespace

std::optional<ProxyTlv> ProxyTlvs::next() noexcept {
  if (rest_.size() < tlv_head) return std::nullopt;
  const std::size_t size = big_endian_u16(&rest_[1]);
  if (size > rest_.size() - tlv_head) return std::nullopt;
  const ProxyTlv tlv{rest_[0], rest_.subspan(tlv_head, size)};
  rest_ = rest_.subspan(tlv_head + size);
  return tlv;
}

Result<std::optional<std::size_t>> ProxyHeader::size_in(Bytes stream,
                                                        std::size_t max_size) noexcept {
  using Size = std::optional<std::size_t>;
  const auto begins_as = [&](Bytes start) {
    const std::size_t size = std::min(start.size(), stream.size());
    return std::ranges::equal(start.first(size), stream.first(size));
  };
  if (begins_as(as_bytes(v1_start))) {
    const std::size_t limit = std::min(max_v1_size, max_size);
    const std::size_t end = as_text(stream.first(std::min(stream.size(), limit))).find("\r\n");
    if (end != std::string_view::npos) return Size(end + 2);
    if (stream.size() >= limit) return Error{errc::too_long, 0, "ProxyHeader", "line"};
    return Size();
  }
  if (!begins_as(signature)) return Error{errc::bad_value, 0, "ProxyHeader", "signature"};
  if (stream.size() < v2_fixed_size) return Size();
  const std::size_t size = v2_fixed_size + big_endian_u16(&stream[14]);
  if (size > max_size) return Error{errc::too_long, 14, "ProxyHeader", "length"};
  if (stream.size() < size) return Size();
  return Size(size);
}

Result<ProxyHeader> ProxyHeader::decode(Bytes header, const Context& context) noexcept {
  if (as_text(header).starts_with(v1_start)) return decode_v1(header);
  if (as_text(header).starts_with(as_text(signature))) return decode_v2(header, context);
  return Error{header.size() < sizeof signature ? errc::truncated : errc::bad_value, 0,
               "ProxyHeader", "signature"};
}

void ProxyHeader::encode(Writer& writer, const Context&) const {
  if (version == 1) {
    encode_v1(*this, writer);
  } else {
    encode_v2(*this, writer);
  }
}

std::optional<Bytes> ProxyHeader::tlv(ProxyTlvType type) const noexcept {
  ProxyTlvs all(tlvs);
  while (const auto tlv = all.next()) {
    if (tlv->type == static_cast<std::uint8_t>(type)) return tlv->value;
  }
  return std::nullopt;
}

std::string ip_text(ProxyFamily family, const ProxyAddress& address) {
  if (is_ip4(family)) return detail::ip4_text(std::span(address.ip).first<4>());
  if (is_ip6(family)) return detail::ip6_text(address.ip);
  return {};
}

}  // namespace mysqlwire
