#include <mysqlwire/capture/proxy_header.hpp>
#include <mysqlwire/capture/segment.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace mysqlwire::capture {

namespace {

constexpr std::string_view v1_start = "PROXY ";
constexpr std::size_t v1_longest = 107;
constexpr std::array<std::uint8_t, 12> v2_start{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t v2_header = 16;

bool agrees(Bytes bytes, Bytes start) noexcept {
  const std::size_t size = std::min(bytes.size(), start.size());
  return std::equal(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(size),
                    bytes.begin());
}

ProxyHeader incomplete() {
  ProxyHeader header;
  header.state = ProxyHeader::State::incomplete;
  return header;
}

// "PROXY TCP4 source destination port port\r\n"
ProxyHeader read_v1(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  const std::size_t end = text.substr(0, v1_longest).find("\r\n");
  if (end == std::string_view::npos) return text.size() < v1_longest ? incomplete() : ProxyHeader{};
  ProxyHeader header;
  header.state = ProxyHeader::State::present;
  header.size = end + 2;
  header.text = "v1 ";
  header.text += text.substr(v1_start.size(), end - v1_start.size());
  return header;
}

ProxyHeader read_v2(Bytes bytes) {
  if (bytes.size() < v2_header) return incomplete();
  const std::size_t size = static_cast<std::size_t>(bytes[14] << 8 | bytes[15]);
  if (bytes.size() - v2_header < size) return incomplete();
  ProxyHeader header;
  header.state = ProxyHeader::State::present;
  header.size = v2_header + size;
  header.text = (bytes[12] & 0x0f) == 0 ? "v2 LOCAL" : "v2 PROXY";
  const unsigned family = bytes[13] >> 4;
  const std::size_t width = family == 1 ? 4 : 16;
  if ((family != 1 && family != 2) || size < 2 * width + 4) return header;
  Endpoint ends[2];
  const Bytes addresses = bytes.subspan(v2_header, size);
  for (std::size_t i = 0; i < 2; ++i) {
    ends[i].is_v6 = family == 2;
    std::copy_n(addresses.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                ends[i].address.begin());
    const std::uint8_t* port = addresses.data() + 2 * width + 2 * i;
    ends[i].port = static_cast<std::uint16_t>(port[0] << 8 | port[1]);
    header.text += ' ';
    header.text += to_string(ends[i]);
  }
  return header;
}

}  // namespace

ProxyHeader read_proxy_header(Bytes bytes) {
  if (bytes.empty()) return incomplete();
  if (agrees(bytes, as_bytes(v1_start)))
    return bytes.size() < v1_start.size() ? incomplete() : read_v1(bytes);
  if (agrees(bytes, v2_start))
    return bytes.size() < v2_start.size() ? incomplete() : read_v2(bytes);
  return {};
}

}  // namespace mysqlwire::capture
