// Single packets out of the transcripts in examples.hpp.
#pragma once

#include <support/hex.hpp>

#include <cstddef>
#include <stdexcept>
#include <string_view>

namespace mysqlwire::test {

/// The hex of the n-th packet of a transcript, counted from 0, header included.
inline std::string_view packet_hex(std::string_view transcript, std::size_t n) {
  std::size_t begin = transcript.find_first_not_of('\n');
  for (; n > 0 && begin < transcript.size(); --n) begin = transcript.find('\n', begin) + 1;
  const std::size_t end = transcript.find('\n', begin);
  if (end == std::string_view::npos) throw std::out_of_range("the transcript is shorter");
  const std::string_view line = transcript.substr(begin, end - begin);
  return line.substr(line.find(' ') + 1);
}

/// The payload of the n-th packet, which is one frame.
inline ExactBytes packet_payload(std::string_view transcript, std::size_t n) {
  const ExactBytes packet = hex(packet_hex(transcript, n));
  return ExactBytes(packet.get().subspan(4));
}

}  // namespace mysqlwire::test
