#include <mysqlwire/binlog/control_events.hpp>
#include <mysqlwire/binlog/rows.hpp>
#include <mysqlwire/binlog/stream.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace mysqlwire::binlog {

namespace {

constexpr std::size_t flags_at = 17;
constexpr std::uint16_t in_use = 0x0001;  // of a format description whose file is still written

std::uint32_t stored_checksum(Bytes event) noexcept {
  const Bytes last = event.last(checksum_size);
  return static_cast<std::uint32_t>(last[0]) | static_cast<std::uint32_t>(last[1]) << 8 |
         static_cast<std::uint32_t>(last[2]) << 16 | static_cast<std::uint32_t>(last[3]) << 24;
}

// The flag that a file is in use changes later, so it does not count.
std::uint32_t computed_checksum(Bytes event, const EventHeader& header) noexcept {
  const Bytes covered = event.first(event.size() - checksum_size);
  if (header.type != EventType::format_description_event || (header.flags & in_use) == 0)
    return crc32(covered);
  const std::array<std::uint8_t, 1> flag{
      static_cast<std::uint8_t>(covered[flags_at] & ~static_cast<unsigned>(in_use))};
  return crc32(covered.subspan(flags_at + 1), crc32(flag, crc32(covered.first(flags_at))));
}

// In columns and labels, of which each takes some dozens of bytes.
std::size_t weight_of(const Table& table, std::size_t map_size) noexcept {
  constexpr std::size_t bytes_of_one = 64;
  std::size_t weight = table.columns.size() + map_size / bytes_of_one + 1;
  for (const Column& column : table.columns) weight += column.labels.size();
  return weight;
}

constexpr std::size_t most_weight = std::size_t{1} << 18;

Result<Event> split(Bytes bytes, const Context& context) noexcept {
  constexpr std::uint64_t size_at = 9;
  const auto header = EventHeader::decode(bytes, context);
  if (!header) return header.error();
  if (header->event_size != bytes.size())
    return Error{header->event_size > bytes.size() ? errc::truncated : errc::bad_value, size_at,
                 EventHeader::name.data(), "event_size"};
  return Event{*header, bytes.subspan(EventHeader::size), std::nullopt, false};
}

}  // namespace

Result<Event> Stream::take(Bytes bytes, const Context& context) {
  const auto whole = split(bytes, context);
  if (!whole) return whole;
  Event event = *whole;
  const bool is_format = event.header.type == EventType::format_description_event;
  if (is_format) {
    const auto format = FormatDescription::decode(event.body, context);
    if (!format) return format.error();
    algorithm_ = format->checksum_algorithm;
    flavor_ = format->server_version.find("MariaDB") == std::string_view::npos ? Flavor::mysql
                                                                               : Flavor::mariadb;
    forget();
  }
  if (!algorithm_ || *algorithm_ == ChecksumAlgorithm::crc32) {
    if (event.body.size() < checksum_size) {
      if (!algorithm_) return event;
      return Error{errc::truncated, EventHeader::size, EventHeader::name.data(), "checksum"};
    }
    const std::uint32_t stored = stored_checksum(bytes);
    const bool matches = stored == computed_checksum(bytes, event.header);
    if (algorithm_ || matches) {
      event.checksum = stored;
      event.checksum_ok = matches;
      if (!is_format) event.body = event.body.first(event.body.size() - checksum_size);
    }
  }
  remember(event, context);
  return event;
}

Result<Event> Stream::take_inner(Bytes bytes, const Context& context) {
  const auto event = split(bytes, context);
  if (event) remember(*event, context);
  return event;
}

void Stream::forget() noexcept {
  tables_.clear();
  weight_ = 0;
}

void Stream::remember(const Event& event, const Context& context) {
  if (rows_kind(event.header.type) != RowsKind::none) {
    const auto rows = RowsEvent::decode(event.body, context, event.header.type);
    if (rows && (rows->flags & RowsEvent::statement_end) != 0) statement_ended_ = true;
    return;
  }
  if (event.header.type != EventType::table_map_event) return;
  const auto map = TableMap::decode(event.body, context);
  if (!map) return;
  if (statement_ended_) forget();
  statement_ended_ = false;
  Context writer = context;
  if (flavor_) writer.flavor = *flavor_;
  auto table = Table::from(*map, writer);
  if (!table) {
    tables_.erase(map->table_id);
    return;
  }
  const std::size_t weight = weight_of(*table, event.body.size());
  if (weight > most_weight - weight_) forget();
  if (weight > most_weight) return;
  weight_ += weight;
  tables_.insert_or_assign(map->table_id, std::move(*table));
}

const Table* Stream::table(std::uint64_t id) const noexcept {
  const auto found = tables_.find(id);
  return found == tables_.end() ? nullptr : &found->second;
}

void finish_event(Buffer& out, std::size_t start, EventHeader header, ChecksumAlgorithm algorithm,
                  const Context& context) {
  const bool is_format = header.type == EventType::format_description_event;
  const bool has_checksum = algorithm == ChecksumAlgorithm::crc32;
  if (has_checksum && !is_format) out.insert(out.end(), checksum_size, 0);
  header.event_size = static_cast<std::uint32_t>(out.size() - start);
  Buffer head;
  Writer writer(head, EventHeader::name.data());
  header.encode(writer, context);
  std::copy(head.begin(), head.end(), out.begin() + static_cast<std::ptrdiff_t>(start));
  if (!has_checksum) return;
  const std::uint32_t sum = computed_checksum(Bytes(out).subspan(start), header);
  for (std::size_t i = 0; i < checksum_size; ++i)
    out[out.size() - checksum_size + i] = static_cast<std::uint8_t>(sum >> (8 * i));
}

}  // namespace mysqlwire::binlog
