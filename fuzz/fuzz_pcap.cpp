// Files that claim to be captures, of any kind and compression, all the way to conversations.
//
// Input: the file.
#include "cli/pcapdecode/input.hpp"
#include "cli/pcapdecode/toolbox.hpp"
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/capture/onlooker.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

using namespace mysqlwire::capture;
using mysqlwire::fuzz::require;

namespace {

/// A file in memory, with a name.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(memfd_create("input", 0)) {
    require(descriptor_ >= 0);
    require(write(descriptor_, data, size) == static_cast<ssize_t>(size));
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

class Reading final : public Observer {
 public:
  void on_message(const Conversation&, const SeenMessage& message) override {
    for (const std::uint8_t byte : message.payload) sum += byte;
  }
  unsigned sum = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // zstd's window is up to 128 MiB, and what inflates is bounded by the number of frames only.
  const mysqlwire::fuzz::Proportion proportion(size,
                                               {.bytes = std::size_t{300} << 20, .seconds = 20});
  const MemoryFile file(data, size);
  // What inflates is bounded by this, so that a small file can't take long.
  constexpr int most_frames = 2000;
  try {
    const auto capture = pcapdecode::Capture::open_file(file.path());
    Reading reading;
    pcapdecode::Tools tools;
    Onlooker::Options options;
    options.any_port = true;
    options.conversation.limits.max_payload = 1 << 20;
    Onlooker onlooker(options, reading, tools);
    pcapdecode::Frame frame;
    for (std::uint64_t number = 1; number <= most_frames && capture->next(frame); ++number) {
      tools.key_log().add(capture->take_secrets());
      require(frame.bytes.size() <= (1U << 28));
      (void)onlooker.add(frame.link, frame.bytes, frame.length, {number, frame.time});
      require(capture->progress() <= 1.0);
    }
    onlooker.finish();
    require(capture->digits() == 6 || capture->digits() == 9);
  } catch (const pcapdecode::InputError& error) {
    require(*error.what() != '\0');
  }
  return 0;
}
