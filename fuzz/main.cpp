// Runs inputs without libFuzzer: every file of the folders that are named, once; with --runs=N so
// many more that are made of them, always the same; and with --long=N so many of them said again
// and again, up to a length at which work that grows with the square of it shows (proportion.hpp).
// A folder without files is an error, since nothing would be tested. An input that fails is printed
// in hex.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

extern "C" {
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Those that a target or a sanitizer may have.
__attribute__((weak)) std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                                          std::size_t max_size, unsigned seed);
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
}

namespace {

namespace fs = std::filesystem;
using Input = std::vector<std::uint8_t>;

constexpr std::size_t largest = 4096;
constexpr std::size_t long_size = 128 << 10;
std::minstd_rand random_numbers;

std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_numbers() % limit; }

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

Input content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What is being run, for when it fails.
const std::uint8_t* current = nullptr;
std::size_t current_size = 0;

void print_current() {
  constexpr char digits[] = "0123456789abcdef";
  char text[2];
  (void)!write(STDERR_FILENO, "\nfailed with: ", 14);
  for (std::size_t i = 0; i < current_size; ++i) {
    text[0] = digits[current[i] >> 4];
    text[1] = digits[current[i] & 15];
    (void)!write(STDERR_FILENO, text, 2);
  }
  (void)!write(STDERR_FILENO, "\n", 1);
}

void on_abort(int) { print_current(); }

void run(const Input& input) {
  // On the heap and of the exact size, so that a sanitizer sees one byte too far.
  const auto data = std::make_unique<std::uint8_t[]>(input.size());
  std::ranges::copy(input, data.get());
  current = data.get();
  current_size = input.size();
  LLVMFuzzerTestOneInput(data.get(), input.size());
  current_size = 0;
}

void run_mutations(const std::vector<Input>& inputs, unsigned long runs) {
  Input buffer;
  for (unsigned long i = 0; i < runs; ++i) {
    const Input& from = inputs[below(inputs.size())];
    buffer = from;
    buffer.resize(std::max(largest, from.size()));
    const std::size_t size =
        LLVMFuzzerCustomMutator != nullptr
            ? LLVMFuzzerCustomMutator(buffer.data(), from.size(), buffer.size(),
                                      static_cast<unsigned>(random_numbers()))
            : LLVMFuzzerMutate(buffer.data(), from.size(), buffer.size());
    buffer.resize(size);
    run(buffer);
  }
}

// Evenly over all of them.
void run_long(const std::vector<Input>& inputs, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Input& from = inputs[i * inputs.size() / count];
    Input input;
    while (!from.empty() && input.size() < long_size)
      input.insert(input.end(), from.begin(), from.end());
    run(input);
  }
}

}  // namespace

// What libFuzzer has, blindly: a few bytes are changed, put in, taken out or said again.
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size) {
  constexpr std::uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
  for (std::size_t steps = 1 + below(4); steps != 0; --steps) {
    const std::size_t at = below(size);
    const std::size_t length = std::min(size - at, 1 + below(8));
    switch (below(6)) {
      case 0:
        if (size != 0) data[at] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 1:
        if (size != 0) data[at] = edges[below(std::size(edges))];
        break;
      case 2:
        if (size != 0) data[at] = static_cast<std::uint8_t>(random_numbers());
        break;
      case 3:
        if (size < max_size) {
          std::memmove(data + at + 1, data + at, size - at);
          data[at] = static_cast<std::uint8_t>(random_numbers());
          ++size;
        }
        break;
      case 4:
        std::memmove(data + at, data + at + length, size - at - length);
        size -= length;
        break;
      default:
        if (size + length <= max_size) {
          std::memmove(data + at + length, data + at, size - at);
          size += length;
        }
        break;
    }
  }
  return size;
}

int main(int argc, char** argv) {
  std::signal(SIGABRT, on_abort);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(print_current);
  unsigned long runs = 0;
  unsigned long long_runs = 0;
  std::vector<Input> inputs;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--runs=")) {
      runs = std::strtoul(argv[i] + 7, nullptr, 10);
      continue;
    }
    if (argument.starts_with("--long=")) {
      long_runs = std::strtoul(argv[i] + 7, nullptr, 10);
      continue;
    }
    const auto files = files_of(argument);
    if (files.empty()) {
      std::fprintf(stderr, "%s: no inputs\n", argv[i]);
      return 1;
    }
    for (const auto& file : files) {
      std::fprintf(stderr, "%s\n", file.filename().c_str());
      inputs.push_back(content_of(file));
      run(inputs.back());
    }
  }
  if (inputs.empty()) return 1;
  run_mutations(inputs, runs);
  long_runs = std::min(long_runs, inputs.size());
  run_long(inputs, long_runs);
  std::printf("%zu inputs, %lu made of them, and %lu long ones\n", inputs.size(), runs, long_runs);
  return 0;
}
