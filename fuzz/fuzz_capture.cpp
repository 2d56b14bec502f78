// Captured frames that may hold anything: the onlooker must stay within its bounds, and end.
//
// Input: link type 1 (its index below), then frames: captured length 2, big-endian, and bytes.
#include "no_tools.hpp"
#include "proportion.hpp"

#include <mysqlwire/capture/onlooker.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>

using namespace mysqlwire;
using namespace mysqlwire::capture;
using namespace mysqlwire::fuzz;

namespace {

constexpr LinkType types[] = {LinkType::ethernet,  LinkType::raw,        LinkType::null,
                              LinkType::linux_sll, LinkType::linux_sll2, LinkType::loop};

// Reads all that it is shown, so that a sanitizer sees what is not there.
class Reading final : public Observer {
 public:
  void on_message(const Conversation&, const SeenMessage& message) override {
    for (const std::uint8_t byte : message.payload) sum += byte;
  }
  void on_exchange(const Conversation&, const Exchange& exchange) override {
    for (const char byte : exchange.expanded) sum += static_cast<unsigned char>(byte);
  }
  unsigned sum = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < 1) return 0;
  const LinkType type = types[data[0] % std::size(types)];
  Bytes rest(data + 1, size - 1);
  NoTools tools;
  Reading reading;
  Onlooker::Options options;
  options.any_port = true;
  options.conversation.expand_parameters = true;
  options.conversation.limits.max_payload = 1 << 20;
  Onlooker onlooker(options, reading, tools);
  for (std::uint64_t frame = 1; rest.size() >= 2; ++frame) {
    const std::size_t length = static_cast<std::size_t>(rest[0] << 8 | rest[1]);
    rest = rest.subspan(2);
    const Bytes bytes = rest.first(length < rest.size() ? length : rest.size());
    rest = rest.subspan(bytes.size());
    (void)onlooker.add(type, bytes, length, {frame, static_cast<std::int64_t>(frame)});
  }
  onlooker.finish();
  return 0;
}
