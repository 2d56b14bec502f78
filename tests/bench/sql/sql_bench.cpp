// Lexing, classifying and digesting statements of OLTP, beside a scan of the same bytes that does
// nothing with them. Items are statements.
#include <mysqlwire/sql/analysis.hpp>
#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/digest.hpp>
#include <mysqlwire/sql/lexer.hpp>

#include <bench/codec/counted.hpp>
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mysqlwire::sql {
namespace {

constexpr std::array<std::string_view, 8> statements = {
    "SELECT c FROM sbtest1 WHERE id=50142",
    "SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN 50142 AND 50241",
    "SELECT DISTINCT c FROM sbtest1 WHERE id BETWEEN 49831 AND 49930 ORDER BY c",
    "UPDATE sbtest1 SET k=k+1 WHERE id=50142",
    "INSERT INTO sbtest1 (id, k, c, pad) VALUES (50142, 49912, '83868641912-28773972837-60736120486"
    "-75162659906-27563526494', '67847967377-48000963322-62604785301-91415491898-96926520291')",
    "SELECT `users`.`id`, `users`.`name`, `users`.`email` FROM `users` INNER JOIN `orders` ON "
    "`orders`.`user_id` = `users`.`id` WHERE `orders`.`state` IN ('open', 'paid') ORDER BY "
    "`users`.`id` ASC LIMIT 25",
    "SELECT option_name, option_value FROM wp_options WHERE autoload = 'yes'",
    "DELETE FROM sbtest1 WHERE id=50142",
};

std::int64_t bytes_of_all() {
  std::size_t size = 0;
  for (const std::string_view statement : statements) size += statement.size();
  return static_cast<std::int64_t>(size);
}

template <typename Work>
void run(benchmark::State& state, Work work) {
  for (auto _ : state) {
    for (const std::string_view statement : statements) work(statement);
  }
  state.SetBytesProcessed(state.iterations() * bytes_of_all());
  state.counters["per_byte"] = benchmark::Counter(
      static_cast<double>(bytes_of_all()) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(statements.size()));
}

void scan(benchmark::State& state) {
  run(state, [](std::string_view sql) {
    // Or the compiler looks for the byte itself: it knows the statements.
    const char* text = sql.data();
    benchmark::DoNotOptimize(text);
    benchmark::DoNotOptimize(std::memchr(text, '\0', sql.size()));
  });
}
BENCHMARK(scan)->Apply(bench::counted);

void lex(benchmark::State& state) {
  run(state, [](std::string_view sql) {
    Lexer lexer(sql);
    while (lexer.next().kind != TokenKind::end) {
    }
    benchmark::DoNotOptimize(lexer.offset());
  });
}
BENCHMARK(lex)->Apply(bench::counted);

void classify_statements(benchmark::State& state) {
  run(state,
      [](std::string_view sql) { benchmark::DoNotOptimize(classify(sql, {}).effects.bits()); });
}
BENCHMARK(classify_statements)->Apply(bench::counted);

void digest_statements(benchmark::State& state) {
  std::array<char, 1024> buffer;
  run(state, [&](std::string_view sql) { benchmark::DoNotOptimize(digest(sql, {}, buffer).hash); });
}
BENCHMARK(digest_statements)->Apply(bench::counted);

// What a proxy does with each statement.
void analyze_statements(benchmark::State& state) {
  std::array<char, 1024> buffer;
  run(state, [&](std::string_view sql) {
    const Analysis analysis = analyze(sql, {}, buffer);
    benchmark::DoNotOptimize(analysis.what.effects.bits());
    benchmark::DoNotOptimize(analysis.digest.hash);
  });
}
BENCHMARK(analyze_statements)->Apply(bench::counted);

}  // namespace
}  // namespace mysqlwire::sql
