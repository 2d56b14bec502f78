#include "cli/common/pcapng.hpp"

namespace cli {

using namespace mysqlwire;

namespace {

constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t enhanced_packet = 6;
constexpr std::uint32_t decryption_secrets = 10;
constexpr std::uint32_t byte_order = 0x1a2b3c4d;
constexpr std::uint32_t tls_key_log = 0x544c534b;
constexpr std::uint16_t option_time_resolution = 9;

}  // namespace

PcapngBlocks::PcapngBlocks(Buffer& out, unsigned digits) : out_(out), digits_(digits) {
  for (unsigned i = digits; i < 9; ++i) unit_ *= 10;
  Writer writer(body_);
  writer.u32(byte_order);
  writer.u16(1);  // version 1.0
  writer.u16(0);
  writer.u64(~std::uint64_t{0});  // length not given
  block(section_header, body_);
}

void PcapngBlocks::block(std::uint32_t type, Bytes body) {
  const std::size_t padding = (4 - body.size() % 4) % 4;
  const std::size_t size = body.size() + padding + 12;
  Writer writer(out_);
  writer.u32(type);
  writer.u32(size);
  writer.bytes(body);
  writer.zeros(padding);
  writer.u32(size);
}

void PcapngBlocks::add_interface(capture::LinkType link) {
  body_.clear();
  Writer writer(body_);
  writer.u16(static_cast<std::uint16_t>(link));
  writer.u16(0);
  writer.u32(0);  // no snap length
  writer.u16(option_time_resolution);
  writer.u16(1);
  writer.u32(digits_);
  writer.u32(0);  // end of options
  block(interface_description, body_);
}

void PcapngBlocks::add_secrets(std::string_view key_log) {
  body_.clear();
  Writer writer(body_);
  writer.u32(tls_key_log);
  writer.u32(key_log.size());
  writer.text(key_log);
  block(decryption_secrets, body_);
}

void PcapngBlocks::add_packet(std::uint32_t interface, std::int64_t time, Bytes frame,
                              std::uint64_t length) {
  body_.clear();
  Writer writer(body_);
  const auto stamp = static_cast<std::uint64_t>(time / unit_);
  writer.u32(interface);
  writer.u32(stamp >> 32);
  writer.u32(stamp & 0xffffffff);
  writer.u32(frame.size());
  writer.u32(length);
  writer.bytes(frame);
  block(enhanced_packet, body_);
}

}  // namespace cli
