// What a login computes of a password. Items are answers.
#include "counted.hpp"

#include <mysqlwire/crypto/native_password.hpp>

#include <benchmark/benchmark.h>

namespace mysqlwire::crypto {
namespace {

const Bytes salt = as_bytes("abcdefghijklmnopqrst");

void native_scramble(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(scramble("a password", salt));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(native_scramble)->Apply(bench::counted);

void native_check(benchmark::State& state) {
  const Sha1 stored = native_hash("a password");
  const Buffer response = native_response("a password", salt);
  for (auto _ : state) {
    const auto secret = recover_stage1(response, salt, stored);
    if (!secret) state.SkipWithError("not accepted");
    benchmark::DoNotOptimize(&*secret);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(native_check)->Apply(bench::counted);

}  // namespace
}  // namespace mysqlwire::crypto
