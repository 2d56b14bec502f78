#include "cli/mysqlprobe/pcapng.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

constexpr std::size_t max_segment = 32768;

void big16(Buffer& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void big32(Buffer& out, std::uint32_t value) {
  big16(out, value >> 16);
  big16(out, value & 0xffff);
}

// The Internet checksum (RFC 1071) over several pieces, each but the last of even length.
class Checksum {
 public:
  void add(Bytes bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      sum_ += i % 2 == 0 ? static_cast<std::uint64_t>(bytes[i]) << 8 : bytes[i];
  }
  std::uint16_t value() const {
    std::uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
  }

 private:
  std::uint64_t sum_ = 0;
};

void put16(Buffer& out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

Bytes address_of(const capture::Endpoint& end) {
  return Bytes(end.address).first(end.is_v6 ? 16 : 4);
}

void append(Buffer& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void ip_header(Buffer& out, const capture::Endpoint& from, const capture::Endpoint& to,
               std::size_t size) {
  constexpr std::uint8_t tcp = 6, hops = 64;
  if (from.is_v6) {
    big32(out, 0x60000000);
    big16(out, size);
    out.push_back(tcp);
    out.push_back(hops);
    append(out, address_of(from));
    append(out, address_of(to));
    return;
  }
  big16(out, 0x4500);
  big16(out, size + 20);
  big32(out, 0x00004000);  // do not fragment
  out.push_back(hops);
  out.push_back(tcp);
  big16(out, 0);
  append(out, address_of(from));
  append(out, address_of(to));
  Checksum checksum;
  checksum.add(out);
  put16(out, 10, checksum.value());
}

}  // namespace

PcapngWriter::PcapngWriter(const capture::Endpoint& client, const capture::Endpoint& server)
    : ends_{client, server} {
  ends_[0].is_v6 = ends_[0].is_v6 || ends_[1].is_v6;
  ends_[1].is_v6 = ends_[0].is_v6;
  blocks_.add_interface(capture::LinkType::raw);
}

void PcapngWriter::packet(Direction direction, std::uint8_t flags, Bytes payload,
                          std::int64_t time) {
  const auto side = static_cast<std::size_t>(direction);
  const capture::Endpoint& from = ends_[side];
  const capture::Endpoint& to = ends_[1 - side];
  constexpr std::size_t tcp_size = 20;
  Buffer tcp;
  big16(tcp, from.port);
  big16(tcp, to.port);
  big32(tcp, sequence_[side]);
  big32(tcp, (flags & capture::tcp_flags::ack) != 0 ? sequence_[1 - side] : 0);
  tcp.push_back(tcp_size / 4 << 4);
  tcp.push_back(flags);
  big16(tcp, 65535);
  big32(tcp, 0);
  Buffer pseudo;
  append(pseudo, address_of(from));
  append(pseudo, address_of(to));
  big32(pseudo, static_cast<std::uint32_t>(tcp_size + payload.size()));
  big32(pseudo, 6);
  Checksum checksum;
  checksum.add(pseudo);
  checksum.add(tcp);
  checksum.add(payload);
  put16(tcp, 16, checksum.value());

  Buffer frame;
  ip_header(frame, from, to, tcp_size + payload.size());
  append(frame, tcp);
  append(frame, payload);

  blocks_.add_packet(0, time, frame, frame.size());
  sequence_[side] += static_cast<std::uint32_t>(payload.size());
  if ((flags & (capture::tcp_flags::syn | capture::tcp_flags::fin)) != 0) ++sequence_[side];
}

void PcapngWriter::open(std::int64_t time) {
  using namespace capture::tcp_flags;
  packet(Direction::to_server, syn, {}, time);
  packet(Direction::to_client, syn | ack, {}, time);
  packet(Direction::to_server, ack, {}, time);
}

void PcapngWriter::add(Direction direction, Bytes bytes, std::int64_t time) {
  constexpr std::uint8_t push = 0x08;
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(bytes.size(), max_segment));
    packet(direction, capture::tcp_flags::ack | push, piece, time);
    bytes = bytes.subspan(piece.size());
  }
}

void PcapngWriter::close(std::int64_t time) {
  using namespace capture::tcp_flags;
  packet(Direction::to_server, fin | ack, {}, time);
  packet(Direction::to_client, fin | ack, {}, time);
  packet(Direction::to_server, ack, {}, time);
}

void PcapngWriter::save(const std::string& path) const {
  const auto refuse = [&] { throw std::runtime_error(path + ": " + std::strerror(errno)); };
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) refuse();
  for (std::size_t at = 0; at < out_.size();) {
    const ssize_t written = ::write(file, out_.data() + at, out_.size() - at);
    if (written < 0 && errno != EINTR) {
      ::close(file);
      refuse();
    }
    if (written > 0) at += static_cast<std::size_t>(written);
  }
  if (::close(file) != 0) refuse();
}

}  // namespace mysqlprobe
