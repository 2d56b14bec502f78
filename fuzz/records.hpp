// Inputs that are made of packets, and a mutator that changes them as packets.
//
// Input: a head of so many bytes as the target says, then records: flags 1, length 2
// (little-endian), that many bytes. What is cut off counts as far as it goes. Targets make the
// framing themselves, so that lengths and sequence ids are right unless a flag wants them wrong.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <random>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace mysqlwire::fuzz {

struct Record {
  std::uint8_t flags = 0;
  std::vector<std::uint8_t> payload;
};

/// Bytes of a record besides its payload.
inline constexpr std::size_t record_head = 3;

inline std::vector<Record> read_records(Bytes input) {
  std::vector<Record> records;
  while (input.size() >= record_head) {
    const std::size_t length = static_cast<std::size_t>(input[1] | input[2] << 8);
    const Bytes payload = input.subspan(record_head, std::min(length, input.size() - record_head));
    records.push_back({input[0], {payload.begin(), payload.end()}});
    input = input.subspan(record_head + payload.size());
  }
  return records;
}

/// What can be inserted: a typical packet with its flags.
struct TypicalRecord {
  std::uint8_t flags = 0;
  std::string_view payload;
};

/// Changes the records of an input, one or a few steps at a time.
class RecordMutator {
 public:
  RecordMutator(std::size_t head, std::span<const TypicalRecord> typical, unsigned seed)
      : head_(head), typical_(typical), random_(seed) {}

  std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t max_size) {
    if (max_size < head_ + record_head) return 0;
    read({data, size});
    for (unsigned steps = 1 + below(4); steps != 0; --steps) change(max_size);
    return write(data, max_size);
  }

  /// The beginning of one input with the end of another.
  std::size_t cross(Bytes one, Bytes other, std::uint8_t* out, std::size_t max_size) {
    if (max_size < head_ + record_head) return 0;
    read(one);
    const std::vector<Record> tail =
        other.size() > head_ ? read_records(other.subspan(head_)) : std::vector<Record>();
    records_.resize(below(records_.size() + 1));
    const std::size_t from = below(tail.size() + 1);
    records_.insert(records_.end(), tail.begin() + static_cast<std::ptrdiff_t>(from), tail.end());
    return write(out, max_size);
  }

 private:
  unsigned below(std::size_t limit) {
    return limit == 0 ? 0 : static_cast<unsigned>(random_() % limit);
  }
  Record& any() { return records_[below(records_.size())]; }

  void read(Bytes input) {
    first_.assign(head_, 0);
    std::copy_n(input.begin(), std::min(head_, input.size()), first_.begin());
    records_ = input.size() > head_ ? read_records(input.subspan(head_)) : std::vector<Record>();
  }

  std::size_t write(std::uint8_t* out, std::size_t max_size) const {
    std::uint8_t* at = std::copy(first_.begin(), first_.end(), out);
    const std::uint8_t* const end = out + max_size;
    for (const Record& record : records_) {
      const std::size_t length = std::min<std::size_t>(record.payload.size(), 0xffff);
      if (static_cast<std::size_t>(end - at) < record_head + length) break;
      *at++ = record.flags;
      *at++ = static_cast<std::uint8_t>(length);
      *at++ = static_cast<std::uint8_t>(length >> 8);
      at = std::copy_n(record.payload.begin(), length, at);
    }
    return static_cast<std::size_t>(at - out);
  }

  void insert_typical() {
    if (typical_.empty()) return;
    const TypicalRecord& typical = typical_[below(typical_.size())];
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(typical.payload.data());
    Record record{typical.flags, {bytes, bytes + typical.payload.size()}};
    records_.insert(records_.begin() + below(records_.size() + 1), std::move(record));
  }

  void change(std::size_t max_size) {
    const unsigned what = below(12);
    if (what == 0 && head_ != 0) {
      (void)LLVMFuzzerMutate(first_.data(), head_, head_);
      return;
    }
    if (what <= 2 || records_.empty()) {
      insert_typical();
      return;
    }
    switch (what) {
      case 3: records_.erase(records_.begin() + below(records_.size())); break;
      case 4: {
        const Record copy = any();
        records_.insert(records_.begin() + below(records_.size() + 1), copy);
        break;
      }
      case 5: std::swap(any(), any()); break;
      case 6: any().flags ^= static_cast<std::uint8_t>(1U << below(8)); break;
      case 7: {
        Record& record = any();
        record.payload.resize(below(record.payload.size() + 1));
        break;
      }
      case 8: {
        // What a packet is is mostly said by its first byte.
        constexpr std::uint8_t telling[] = {0x00, 0x01, 0x02, 0x03, 0x0a, 0xfb, 0xfe, 0xff};
        Record& record = any();
        if (!record.payload.empty()) record.payload[0] = telling[below(std::size(telling))];
        break;
      }
      default: {
        Record& record = any();
        const std::size_t most = std::min<std::size_t>(max_size, record.payload.size() + 64);
        const std::size_t size = record.payload.size();
        record.payload.resize(most);
        record.payload.resize(LLVMFuzzerMutate(record.payload.data(), size, most));
        break;
      }
    }
  }

  std::size_t head_;
  std::span<const TypicalRecord> typical_;
  std::minstd_rand random_;
  std::vector<std::uint8_t> first_;
  std::vector<Record> records_;
};

}  // namespace mysqlwire::fuzz

/// What libFuzzer calls: to be put into a target once.
#define MYSQLWIRE_FUZZ_RECORDS(head, typical)                                                \
  extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,       \
                                                 std::size_t max_size, unsigned seed) {      \
    return mysqlwire::fuzz::RecordMutator(head, typical, seed).mutate(data, size, max_size); \
  }                                                                                          \
  extern "C" std::size_t LLVMFuzzerCustomCrossOver(                                          \
      const std::uint8_t* one, std::size_t one_size, const std::uint8_t* other,              \
      std::size_t other_size, std::uint8_t* out, std::size_t max_size, unsigned seed) {      \
    return mysqlwire::fuzz::RecordMutator(head, typical, seed)                               \
        .cross({one, one_size}, {other, other_size}, out, max_size);                         \
  }
