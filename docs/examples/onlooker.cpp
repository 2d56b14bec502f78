// Looks at a conversation from outside and says of every packet what it is.
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/tracker.hpp>

#include <cstdio>
#include <string>

using namespace mysqlwire;

namespace {

struct Seen {
  Direction direction;
  std::string bytes;
};

}  // namespace

int main() {
  // SELECT 1, as it crosses the wire after the login.
  const Seen conversation[] = {
      {Direction::to_server, std::string("\x09\0\0\0\x03SELECT 1", 13)},
      {Direction::to_client, std::string("\x01\0\0\x01\x01", 5)},
      {Direction::to_client, std::string("\x17\0\0\x02\x03"
                                         "def\0\0\0\x01"
                                         "1\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0",
                                         27)},
      {Direction::to_client, std::string("\x02\0\0\x03\x01"
                                         "1",
                                         6)},
      {Direction::to_client, std::string("\x07\0\0\x04\xfe\0\0\x02\0\0\0", 11)}};

  Context context;
  context.capabilities = {Capability::protocol_41, Capability::deprecate_eof};
  Tracker tracker = Tracker::in_command_phase(context);
  FrameReader readers[2];  // one for each direction
  for (const Seen& seen : conversation) {
    FrameReader& reader = readers[static_cast<int>(seen.direction)];
    reader.feed(as_bytes(seen.bytes));
    while (const auto packet = *reader.next()) {
      const auto kind = tracker.accept(seen.direction, *packet);
      if (!kind) return std::fprintf(stderr, "%s\n", to_string(kind.error()).c_str()), 1;
      std::printf("%3zu bytes  %s%s\n", packet->payload.size(),
                  std::string(to_string(*kind)).c_str(),
                  tracker.idle() ? ": the response is complete" : "");
    }
  }
}
