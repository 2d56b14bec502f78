// OK, ERR, EOF, progress reports and session state.
//
// Input: Parameters of round_trip.hpp, then the payload.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/progress.hpp>
#include <mysqlwire/wire/session_track.hpp>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

namespace {

/// Walks over the session state; an item takes two bytes at least, a variable too.
void walk(const OkPacket& ok, const Context& context) {
  SessionTrackItems items(ok.session_state, context);
  std::size_t count = 0;
  while (const auto item = items.next()) {
    ++count;
    if (item->type == SessionTrackType::system_variables) {
      SystemVariables variables(item->data, context);
      std::size_t pairs = 0;
      while (variables.next()) ++pairs;
      require(2 * pairs <= item->data.size());
    } else if (const auto text = item->text(context)) {
      require(text->size() <= item->data.size());
    }
  }
  require(2 * count <= ok.session_state.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < Parameters::size) return 0;
  const Parameters parameters(data);
  const Bytes payload(data + Parameters::size, size - Parameters::size);
  Context context = parameters.context;
  switch (parameters.what) {
    case 0:
      round_trip(
          payload, context,
          [](Bytes bytes, const Context& with) { return OkPacket::decode(bytes, with); },
          [&](const OkPacket& ok) { walk(ok, parameters.context); });
      break;
    case 1:
      // Without it an SQLSTATE is read but not written, and the message may look like another.
      context.capabilities.set(Capability::protocol_41);
      round_trip<ErrPacket>(payload, context);
      break;
    case 2: round_trip<EofPacket>(payload, context); break;
    case 3: round_trip<ProgressReport>(payload, context); break;
    default: break;
  }
  return 0;
}
