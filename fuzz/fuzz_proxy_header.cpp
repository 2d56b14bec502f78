// The PROXY protocol's header: where it ends, what it holds, and the same written again.
//
// Input: the stream.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/wire/proxy_protocol.hpp>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  const Exact stream(Bytes(data, size));
  const auto found = ProxyHeader::size_in(stream);
  // What is no header with some bytes is none with more; a header ends where it ends.
  for (std::size_t i = 0; i < std::min<std::size_t>(size, 64); ++i) {
    const Exact prefix(Bytes(data, i));
    const auto sooner = ProxyHeader::size_in(prefix);
    if (!sooner) {
      require(!found);
    } else if (*sooner) {
      require(found && *found == *sooner && **found <= i);
    }
  }
  round_trip<ProxyHeader>(Bytes(data, size), Context{});
  if (!found || !*found) return 0;
  require(**found <= size && **found <= ProxyHeader::default_max_size);
  round_trip(
      Bytes(data, **found), Context{},
      [](Bytes bytes, const Context& with) { return ProxyHeader::decode(bytes, with); },
      [](const ProxyHeader& header) {
        require(ip_text(header.family, header.source).size() <= 45);
        ProxyTlvs tlvs(header.tlvs);
        while (tlvs.next()) {
        }
        require(tlvs.at_end());
      });
  return 0;
}
