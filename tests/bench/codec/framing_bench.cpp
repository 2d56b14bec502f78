// Finding packet boundaries. Items are packets.
#include "counted.hpp"
#include "stream.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/packet_scanner.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>

namespace mysqlwire::bench {
namespace {

constexpr std::size_t packets_a_stream = 64;

void report(benchmark::State& state, const Buffer& stream) {
  const auto rounds = static_cast<std::int64_t>(state.iterations());
  state.SetItemsProcessed(rounds * static_cast<std::int64_t>(packets_a_stream));
  state.SetBytesProcessed(rounds * static_cast<std::int64_t>(stream.size()));
}

Buffer stream_of(const benchmark::State& state) {
  const Buffer payload(static_cast<std::size_t>(state.range(0)), 'x');
  return packets(payload, packets_a_stream, 0);
}

/// Packets that lie whole in what was read: the relay's usual case.
void scanner_whole(benchmark::State& state) {
  const Buffer stream = stream_of(state);
  for (auto _ : state) {
    PacketScanner scanner;
    PacketScanner::Whole whole;
    for (Bytes rest = stream; scanner.whole(rest, whole); rest = rest.subspan(whole.size))
      benchmark::DoNotOptimize(whole.payload.data());
  }
  report(state, stream);
}
BENCHMARK(scanner_whole)->Arg(16)->Arg(200)->Arg(4000)->Apply(counted);

/// The same stream in pieces of 1460 bytes, so that packets are cut anywhere.
void scanner_pieces(benchmark::State& state) {
  const Buffer stream = stream_of(state);
  for (auto _ : state) {
    PacketScanner scanner;
    for (Bytes left = stream; !left.empty();) {
      const std::size_t size = std::min<std::size_t>(left.size(), 1460);
      for (Bytes piece = left.first(size); !piece.empty();) {
        const auto step = scanner.next(piece);
        piece = piece.subspan(step->consumed);
      }
      left = left.subspan(size);
    }
    benchmark::DoNotOptimize(scanner.at_boundary());
  }
  report(state, stream);
}
BENCHMARK(scanner_pieces)->Arg(16)->Arg(200)->Arg(4000)->Apply(counted);

/// What the same bytes cost to be moved.
void copy_packets(benchmark::State& state) {
  const Buffer stream = stream_of(state);
  Buffer target(stream.size());
  for (auto _ : state) {
    std::memcpy(target.data(), stream.data(), stream.size());
    benchmark::DoNotOptimize(target.data());
    benchmark::ClobberMemory();
  }
  report(state, stream);
}
BENCHMARK(copy_packets)->Arg(16)->Arg(200)->Arg(4000)->Apply(counted);

/// Joined payloads, copied once into the reader's buffer.
void frame_reader(benchmark::State& state) {
  const Buffer stream = stream_of(state);
  FrameReader reader;
  for (auto _ : state) {
    reader.feed(stream);
    for (auto packet = reader.next(); packet && *packet; packet = reader.next())
      benchmark::DoNotOptimize((*packet)->payload.data());
  }
  report(state, stream);
}
BENCHMARK(frame_reader)->Arg(16)->Arg(200)->Arg(4000)->Apply(counted);

}  // namespace
}  // namespace mysqlwire::bench
