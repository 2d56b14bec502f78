#include <mysqlwire/capture/segment.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace mysqlwire::capture {

namespace {

constexpr std::uint16_t ethertype_ipv4 = 0x0800;
constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::size_t max_datagram = 65535;
constexpr int max_extension_headers = 16;

std::uint16_t be16(const std::uint8_t* bytes) noexcept {
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

std::uint32_t be32(const std::uint8_t* bytes) noexcept {
  return static_cast<std::uint32_t>(be16(bytes)) << 16 | be16(bytes + 2);
}

bool is_vlan(std::uint16_t ethertype) noexcept {
  return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

// Where the IP packet starts behind an Ethernet-like header: behind its VLAN tags. 0 for no IP.
std::size_t skip_vlan_tags(Bytes frame, std::size_t type_at) noexcept {
  for (;; type_at += 4) {
    if (frame.size() < type_at + 2) return 0;
    const std::uint16_t type = be16(frame.data() + type_at);
    if (type == ethertype_ipv4 || type == ethertype_ipv6) return type_at + 2;
    if (!is_vlan(type)) return 0;
  }
}

// Bytes in front of the IP packet; 0 with `is_ip` false for what carries none.
std::size_t link_header(LinkType type, Bytes frame, bool& is_ip) noexcept {
  is_ip = true;
  std::size_t size = 0;
  switch (type) {
    case LinkType::raw:
    case LinkType::raw_12:
    case LinkType::raw_14:
    case LinkType::ipv4:
    case LinkType::ipv6: return 0;
    case LinkType::null:
    case LinkType::loop: size = frame.size() > 4 ? 4 : 0; break;
    case LinkType::ethernet: size = skip_vlan_tags(frame, 12); break;
    case LinkType::linux_sll: size = skip_vlan_tags(frame, 14); break;
    case LinkType::linux_sll2: {
      // The protocol stands in front here; a tag's own bytes stand behind the header.
      if (frame.size() < 20) break;
      const std::uint16_t protocol = be16(frame.data());
      if (protocol == ethertype_ipv4 || protocol == ethertype_ipv6) size = 20;
      if (is_vlan(protocol)) size = skip_vlan_tags(frame, 22);
      break;
    }
  }
  is_ip = size != 0;
  return size;
}

void append_number(std::string& out, unsigned value, int base = 10) {
  char digits[12];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, base).ptr;
  out.append(digits, end);
}

// RFC 5952: the longest run of two or more zero groups becomes "::".
void append_v6(std::string& out, const std::array<std::uint8_t, 16>& address) {
  int best = -1, best_length = 1;
  for (int start = 0; start < 8; ++start) {
    int end = start;
    while (end < 8 && be16(address.data() + 2 * end) == 0) ++end;
    if (end - start > best_length) best = start, best_length = end - start;
  }
  for (int i = 0; i < 8; ++i) {
    if (i == best) {
      out += "::";
      i += best_length - 1;
      continue;
    }
    if (i != 0 && out.back() != ':') out += ':';
    append_number(out, be16(address.data() + 2 * i), 16);
  }
}

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  std::string text;
  if (endpoint.is_v6) {
    text += '[';
    append_v6(text, endpoint.address);
    text += ']';
  } else {
    for (std::size_t i = 0; i < 4; ++i) {
      if (i != 0) text += '.';
      append_number(text, endpoint.address[i]);
    }
  }
  text += ':';
  append_number(text, endpoint.port);
  return text;
}

bool is_supported(LinkType type) noexcept {
  switch (type) {
    case LinkType::null:
    case LinkType::ethernet:
    case LinkType::raw_12:
    case LinkType::raw_14:
    case LinkType::raw:
    case LinkType::loop:
    case LinkType::linux_sll:
    case LinkType::ipv4:
    case LinkType::ipv6:
    case LinkType::linux_sll2: return true;
  }
  return false;
}

FrameKind Dissector::dissect(LinkType type, Bytes frame, std::uint64_t length, Segment& segment) {
  bool is_ip = false;
  const std::size_t header = link_header(type, frame, is_ip);
  if (!is_ip) return FrameKind::other;
  length = std::max<std::uint64_t>(length, frame.size());
  return dissect_ip(frame.subspan(header), length - header, segment);
}

FrameKind Dissector::dissect_ip(Bytes packet, std::uint64_t length, Segment& segment) {
  if (packet.empty()) return FrameKind::cut;
  Ip ip;
  const unsigned version = packet[0] >> 4;
  if (version != 4 && version != 6) return FrameKind::other;
  FrameKind kind = version == 4 ? read_ipv4(packet, length, ip) : read_ipv6(packet, length, ip);
  if (kind != FrameKind::tcp || ip.protocol != protocol_tcp)
    return kind == FrameKind::tcp ? FrameKind::other : kind;
  if (ip.fragment_offset != 0 || ip.more_fragments) {
    kind = join(ip);
    if (kind != FrameKind::tcp) return kind;
  }
  return read_tcp(ip, segment);
}

FrameKind Dissector::read_ipv4(Bytes packet, std::uint64_t length, Ip& ip) {
  if (packet.size() < 20) return FrameKind::cut;
  const std::size_t header = std::size_t{packet[0] & 0x0fU} * 4;
  // Segmentation offload leaves the total length 0 in what the kernel shows: all of the frame.
  std::uint64_t total = be16(packet.data() + 2);
  if (total == 0) total = length;
  if (header < 20 || total < header) return FrameKind::broken;
  if (packet.size() < header) return FrameKind::cut;
  std::copy_n(packet.data() + 12, 4, ip.source.address.begin());
  std::copy_n(packet.data() + 16, 4, ip.destination.address.begin());
  ip.protocol = packet[9];
  ip.fragment_id = be16(packet.data() + 4);
  const std::uint16_t fragment = be16(packet.data() + 6);
  ip.fragment_offset = (fragment & 0x1fffU) * 8;
  ip.more_fragments = (fragment & 0x2000U) != 0;
  ip.length = total - header;
  const std::uint64_t there = packet.size() - header;
  ip.payload = packet.subspan(header, static_cast<std::size_t>(std::min(there, ip.length)));
  return FrameKind::tcp;
}

FrameKind Dissector::read_ipv6(Bytes packet, std::uint64_t length, Ip& ip) {
  constexpr std::size_t header = 40;
  if (packet.size() < header) return FrameKind::cut;
  std::uint64_t left = be16(packet.data() + 4);
  if (left == 0) left = length >= header ? length - header : 0;  // offload, or a jumbogram
  ip.source.is_v6 = ip.destination.is_v6 = true;
  std::copy_n(packet.data() + 8, 16, ip.source.address.begin());
  std::copy_n(packet.data() + 24, 16, ip.destination.address.begin());
  std::uint8_t next = packet[6];
  Bytes rest = packet.subspan(header);
  for (int i = 0; i < max_extension_headers; ++i) {
    std::size_t size = 0;
    switch (next) {
      case 0:    // hop-by-hop options
      case 43:   // routing
      case 60:   // destination options
      case 135:  // mobility
        if (rest.size() < 8) return FrameKind::cut;
        size = (std::size_t{rest[1]} + 1) * 8;
        break;
      case 51:  // authentication
        if (rest.size() < 8) return FrameKind::cut;
        size = (std::size_t{rest[1]} + 2) * 4;
        break;
      case 44:  // fragment
        if (rest.size() < 8) return FrameKind::cut;
        ip.fragment_offset = be16(rest.data() + 2) & 0xfff8U;
        ip.more_fragments = (rest[3] & 1) != 0;
        ip.fragment_id = be32(rest.data() + 4);
        size = 8;
        break;
      default:
        ip.protocol = next;
        ip.length = left;
        ip.payload =
            rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), left)));
        return FrameKind::tcp;
    }
    if (size > left) return FrameKind::broken;
    if (size > rest.size()) return FrameKind::cut;
    next = rest[0];
    rest = rest.subspan(size);
    left -= size;
    // Behind the first fragment only: what follows in later ones is the middle of something.
    if (ip.fragment_offset != 0) {
      ip.protocol = next;
      ip.length = left;
      ip.payload = rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), left)));
      return FrameKind::tcp;
    }
  }
  return FrameKind::broken;
}

// Puts the fragment where it belongs; with the last missing one, `ip` becomes the whole datagram.
FrameKind Dissector::join(Ip& ip) {
  if (ip.payload.size() < ip.length) return FrameKind::cut;
  const std::size_t end = ip.fragment_offset + ip.payload.size();
  if (end > max_datagram || (ip.more_fragments && ip.payload.size() % 8 != 0))
    return FrameKind::broken;
  auto found = std::find_if(datagrams_.begin(), datagrams_.end(), [&](const Datagram& datagram) {
    return datagram.id == ip.fragment_id && datagram.protocol == ip.protocol &&
           datagram.source == ip.source && datagram.destination == ip.destination;
  });
  if (found == datagrams_.end()) {
    if (datagrams_.size() == max_datagrams)
      datagrams_.erase(
          std::min_element(datagrams_.begin(), datagrams_.end(),
                           [](const Datagram& a, const Datagram& b) { return a.age < b.age; }));
    found = datagrams_.emplace(datagrams_.end());
    found->source = ip.source;
    found->destination = ip.destination;
    found->id = ip.fragment_id;
    found->protocol = ip.protocol;
  }
  found->age = ++clock_;
  if (found->data.size() < end) {
    found->data.resize(end);
    found->have.resize((end + 7) / 8);
  }
  std::copy(ip.payload.begin(), ip.payload.end(),
            found->data.begin() + static_cast<std::ptrdiff_t>(ip.fragment_offset));
  for (std::size_t unit = ip.fragment_offset / 8; unit < (end + 7) / 8; ++unit)
    found->have[unit] = true;
  if (!ip.more_fragments) found->size = end;
  if (found->size == 0 || found->size != found->data.size() ||
      std::find(found->have.begin(), found->have.end(), false) != found->have.end())
    return FrameKind::fragment;
  joined_ = std::move(found->data);
  datagrams_.erase(found);
  ip.payload = joined_;
  ip.length = joined_.size();
  return FrameKind::tcp;
}

FrameKind Dissector::read_tcp(const Ip& ip, Segment& segment) {
  if (ip.length < 20) return FrameKind::broken;
  if (ip.payload.size() < 20) return FrameKind::cut;
  const std::uint8_t* tcp = ip.payload.data();
  const std::size_t header = std::size_t{tcp[12]} / 16 * 4;
  if (header < 20 || header > ip.length) return FrameKind::broken;
  segment.source = ip.source;
  segment.destination = ip.destination;
  segment.source.port = be16(tcp);
  segment.destination.port = be16(tcp + 2);
  segment.sequence = be32(tcp + 4);
  segment.acknowledged = be32(tcp + 8);
  segment.flags = tcp[13];
  segment.payload = header < ip.payload.size() ? ip.payload.subspan(header) : Bytes{};
  segment.cut = static_cast<std::uint32_t>(ip.length - header - segment.payload.size());
  return FrameKind::tcp;
}

}  // namespace mysqlwire::capture
