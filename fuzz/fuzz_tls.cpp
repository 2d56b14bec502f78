// TLS read from outside, with a key log that may hold anything: what comes out does not depend on
// how the bytes are split.
//
// Input: size of the pieces 1, then records (records.hpp). Flags: bit 6 lines of the key log, else
// bytes of a direction, bit 7 the server's; bit 5 bytes of that direction are missing here.
#include "cli/pcapdecode/tls.hpp"
#include "proportion.hpp"
#include "records.hpp"
#include "round_trip.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

namespace {

constexpr std::size_t head_size = 1;

struct Seen {
  std::array<Buffer, 2> plain;
  capture::TlsInfo info;
  bool established = false;
};

Seen read(const std::vector<Record>& records, std::size_t piece) {
  pcapdecode::KeyLog key_log;
  Seen seen;
  const auto reader = pcapdecode::make_tls_reader(key_log);
  std::size_t fed = 0;
  for (const Record& record : records) {
    const Direction direction =
        (record.flags & 0x80) != 0 ? Direction::to_client : Direction::to_server;
    if ((record.flags & 0x40) != 0) {
      key_log.add(as_text(record.payload));
      continue;
    }
    if ((record.flags & 0x20) != 0) reader->lose(direction);
    fed += record.payload.size();
    in_pieces(record.payload, piece, [&](Bytes part) {
      reader->feed(direction, part, seen.plain[static_cast<std::size_t>(direction)]);
      return true;
    });
  }
  require(seen.plain[0].size() + seen.plain[1].size() <= fed);
  seen.established = reader->established();
  seen.info = reader->info();
  return seen;
}

}  // namespace

MYSQLWIRE_FUZZ_RECORDS(head_size, {})

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < head_size) return 0;
  const auto records = read_records({data + head_size, size - head_size});
  const Seen whole = read(records, size);
  const Seen pieces = read(records, std::size_t{data[0]} + 1);
  require(whole.plain == pieces.plain);
  require(whole.established == pieces.established);
  require(whole.info.version == pieces.info.version && whole.info.cipher == pieces.info.cipher);
  require(whole.info.server_name == pieces.info.server_name);
  require(whole.info.certificate == pieces.info.certificate);
  require(whole.info.decrypted == pieces.info.decrypted);
  return 0;
}
