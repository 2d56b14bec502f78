// How often benchmarks run.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace mysqlwire::bench {

/// To be applied to every benchmark. With BENCH_ITERATIONS in the environment it runs exactly that
/// often, so that instructions can be counted by the difference of two runs; else for a while.
inline void counted(benchmark::internal::Benchmark* one) {
  if (const char* times = std::getenv("BENCH_ITERATIONS")) one->Iterations(std::atoll(times));
}

}  // namespace mysqlwire::bench
