// The simple commands, and those of replication.
//
// Input: Parameters of round_trip.hpp (flag: semi-sync), then the payload.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/replication.hpp>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < Parameters::size) return 0;
  const Parameters parameters(data);
  const Bytes payload(data + Parameters::size, size - Parameters::size);
  const Context& context = parameters.context;
  switch (parameters.what) {
    case 0: round_trip<ComPing>(payload, context); break;
    case 1: round_trip<ComInitDb>(payload, context); break;
    case 2: round_trip<ComFieldList>(payload, context); break;
    case 3: round_trip<ComRefresh>(payload, context); break;
    case 4: round_trip<ComShutdown>(payload, context); break;
    case 5: round_trip<ComProcessKill>(payload, context); break;
    case 6: round_trip<ComSetOption>(payload, context); break;
    case 7: round_trip<LocalInfileRequest>(payload, context); break;
    case 8: round_trip<ComRegisterSlave>(payload, context); break;
    case 9: round_trip<ComBinlogDump>(payload, context); break;
    case 10: round_trip<ComBinlogDumpGtid>(payload, context); break;
    case 11:
      round_trip(
          payload, context,
          [&](Bytes bytes, const Context& with) {
            return BinlogEventPacket::decode(bytes, with, parameters.flag);
          },
          [&](const BinlogEventPacket& packet) { require(packet.semi_sync == parameters.flag); });
      break;
    case 12: round_trip<SemiSyncAck>(payload, context); break;
    case 13: round_trip<ComTableDump>(payload, context); break;
    default: break;
  }
  return 0;
}
