// Following a conversation. Items are packets.
#include "counted.hpp"
#include "stream.hpp"

#include <mysqlwire/session/tracker.hpp>

#include <benchmark/benchmark.h>
#include <support/examples.hpp>
#include <support/transcript.hpp>

namespace mysqlwire::bench {
namespace {

constexpr std::size_t rows_a_result = 100;

Context context() {
  Context context;
  context.capabilities = Capability::protocol_41 | Capability::transactions;
  return context;
}

/// One packet as accept() gets it from a relay.
struct Step {
  Direction direction;
  std::uint8_t sequence_id;
  Buffer payload;
};

/// The packets of example E8: a query of three columns and one row, 8 packets with the command.
std::vector<Step> query() {
  std::vector<Step> steps;
  for (std::uint8_t n = 0; n < 8; ++n) {
    const test::ExactBytes payload = test::packet_payload(test::examples::e8, n);
    const auto direction = n == 0 ? Direction::to_server : Direction::to_client;
    steps.push_back({direction, n, Buffer(payload.get().begin(), payload.get().end())});
  }
  return steps;
}

bool accept(Tracker& tracker, const Step& step) {
  const auto length = static_cast<std::uint32_t>(step.payload.size());
  return bool(tracker.accept({step.direction, step.sequence_id, length, step.payload}));
}

void tracker_query(benchmark::State& state) {
  const std::vector<Step> steps = query();
  Tracker tracker = Tracker::in_command_phase(context());
  for (auto _ : state) {
    for (const Step& step : steps)
      if (!accept(tracker, step)) state.SkipWithError("not accepted");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * steps.size()));
}
BENCHMARK(tracker_query)->Apply(counted);

/// A tracker that waits for the rows of query().
Tracker before_rows() {
  const std::vector<Step> steps = query();
  Tracker tracker = Tracker::in_command_phase(context());
  for (std::size_t n = 0; n < 6; ++n) accept(tracker, steps[n]);
  return tracker;
}

void tracker_row_by_row(benchmark::State& state) {
  const Tracker before = before_rows();
  const Buffer row = text_row();
  for (auto _ : state) {
    Tracker tracker = before;
    for (std::size_t n = 0; n < rows_a_result; ++n)
      if (!accept(tracker, {Direction::to_client, static_cast<std::uint8_t>(6 + n), row}))
        state.SkipWithError("not accepted");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * rows_a_result));
}
BENCHMARK(tracker_row_by_row)->Apply(counted);

void tracker_rows_in_bulk(benchmark::State& state) {
  const Tracker before = before_rows();
  const Buffer stream = packets(text_row(), rows_a_result, 6);
  for (auto _ : state) {
    Tracker tracker = before;
    if (tracker.accept_bulk(stream).size != stream.size()) state.SkipWithError("not accepted");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * rows_a_result));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * stream.size()));
}
BENCHMARK(tracker_rows_in_bulk)->Apply(counted);

}  // namespace
}  // namespace mysqlwire::bench
