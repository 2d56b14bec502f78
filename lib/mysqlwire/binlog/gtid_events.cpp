#include <mysqlwire/binlog/gtid_events.hpp>

namespace mysqlwire::binlog {

namespace {

constexpr std::size_t uuid_size = 16;
constexpr std::uint64_t has_original_time = std::uint64_t{1} << 55;
constexpr std::uint32_t has_original_version = std::uint32_t{1} << 31;
constexpr std::size_t least_size = 19;  // of a MariadbGtidEvent

std::uint64_t u56(Reader& reader, const char* field) noexcept {
  const std::uint64_t low = reader.u32(field);
  return low | std::uint64_t{reader.u24(field)} << 32;
}

void write_u56(Writer& writer, std::uint64_t value, const char* field) {
  writer.u32(value & 0xffffffff, field);
  writer.u24(value >> 32, field);
}

}  // namespace

void append_uuid(std::string& out, Bytes uuid) {
  static constexpr char digits[] = "0123456789abcdef";
  if (uuid.size() != uuid_size) return;
  for (std::size_t i = 0; i < uuid_size; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += digits[uuid[i] >> 4];
    out += digits[uuid[i] & 15];
  }
}

Result<GtidLog> GtidLog::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  GtidLog gtid;
  gtid.flags = reader.u8("flags");
  gtid.source_uuid = reader.bytes(uuid_size, "source_uuid");
  gtid.transaction_number = reader.u64("transaction_number");
  if (reader.at_end() || reader.peek() != logical_timestamps) return reader.finish(gtid);
  reader.skip(1, "logical_timestamps");
  const std::uint64_t last_committed = reader.u64("last_committed");
  gtid.logical = Logical{last_committed, reader.u64("sequence_number")};
  if (reader.at_end()) return reader.finish(gtid);
  const std::uint64_t immediate = u56(reader, "immediate_commit");
  gtid.immediate_commit = immediate & ~has_original_time;
  if ((immediate & has_original_time) != 0) gtid.original_commit = u56(reader, "original_commit");
  if (reader.at_end()) return reader.finish(gtid);
  gtid.transaction_length = reader.lenenc("transaction_length");
  if (reader.at_end()) return reader.finish(gtid);
  const std::uint32_t version = reader.u32("immediate_server_version");
  gtid.immediate_server_version = version & ~has_original_version;
  if ((version & has_original_version) != 0)
    gtid.original_server_version = reader.u32("original_server_version");
  if (!reader.at_end()) gtid.commit_group_ticket = reader.u64("commit_group_ticket");
  return reader.finish(gtid);
}

void GtidLog::encode(Writer& writer, const Context&) const {
  writer.u8(flags, "flags");
  if (source_uuid.size() != uuid_size) writer.fail(errc::bad_value, "source_uuid");
  writer.bytes(source_uuid);
  writer.u64(transaction_number, "transaction_number");
  if (!logical) return;
  writer.u8(logical_timestamps);
  writer.u64(logical->last_committed, "last_committed");
  writer.u64(logical->sequence_number, "sequence_number");
  if (!immediate_commit) return;
  if (*immediate_commit >= has_original_time) writer.fail(errc::too_long, "immediate_commit");
  write_u56(writer, *immediate_commit | (original_commit ? has_original_time : 0),
            "immediate_commit");
  if (original_commit) write_u56(writer, *original_commit, "original_commit");
  if (!transaction_length) return;
  writer.lenenc(*transaction_length);
  if (!immediate_server_version) return;
  writer.u32(*immediate_server_version | (original_server_version ? has_original_version : 0),
             "immediate_server_version");
  if (original_server_version) writer.u32(*original_server_version, "original_server_version");
  if (commit_group_ticket) writer.u64(*commit_group_ticket, "commit_group_ticket");
}

Result<PreviousGtids> PreviousGtids::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  PreviousGtids gtids;
  gtids.sources = reader.u64("sources");
  // The format with tags has its version in the first and the last byte of that number.
  if (gtids.sources >> 56 != 0) reader.fail_at(errc::unsupported, "sources", 0);
  gtids.set = reader.remaining();
  for (std::uint64_t i = 0; i < gtids.sources && reader.ok(); ++i) {
    reader.skip(uuid_size, "uuid");
    const std::uint64_t intervals = reader.u64("intervals");
    constexpr std::uint64_t interval_size = 16;
    if (reader.ok() && intervals > reader.left() / interval_size)
      reader.fail(errc::truncated, "interval");
    if (!reader.ok()) break;
    reader.skip(intervals * interval_size, "interval");
  }
  if (reader.ok()) gtids.set = gtids.set.first(gtids.set.size() - reader.left());
  return reader.finish(gtids);
}

void PreviousGtids::encode(Writer& writer, const Context&) const {
  writer.u64(sources, "sources");
  writer.bytes(set);
}

void PreviousGtids::append_text(std::string& out) const {
  Reader reader(set, name.data(), Context{});
  for (std::uint64_t i = 0; i < sources && reader.ok() && !reader.at_end(); ++i) {
    if (i != 0) out += ',';
    append_uuid(out, reader.bytes(uuid_size, "uuid"));
    const std::uint64_t intervals = reader.u64("intervals");
    for (std::uint64_t j = 0; j < intervals && !reader.at_end(); ++j) {
      const std::uint64_t first = reader.u64("first");
      const std::uint64_t end = reader.u64("end");
      out += ':';
      out += std::to_string(first);
      if (end != first + 1) {
        out += '-';
        out += std::to_string(end - 1);
      }
    }
  }
}

std::string to_string(const MariadbGtid& gtid) {
  return std::to_string(gtid.domain_id) + '-' + std::to_string(gtid.server_id) + '-' +
         std::to_string(gtid.sequence);
}

Result<MariadbGtidEvent> MariadbGtidEvent::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  MariadbGtidEvent gtid;
  gtid.sequence = reader.u64("sequence");
  gtid.domain_id = reader.u32("domain_id");
  gtid.flags = reader.u8("flags");
  if ((gtid.flags & group_commit) != 0) gtid.commit_id = reader.u64("commit_id");
  if ((gtid.flags & (prepared_xa | completed_xa)) != 0) {
    gtid.xa_format = reader.u32("xa_format");
    const std::uint8_t global = reader.u8("xa_global_length");
    const std::uint8_t branch = reader.u8("xa_branch_length");
    gtid.xa_global = reader.bytes(global, "xa_global");
    gtid.xa_branch = reader.bytes(branch, "xa_branch");
  }
  gtid.more = reader.rest("more");
  return reader.finish(gtid);
}

void MariadbGtidEvent::encode(Writer& writer, const Context&) const {
  writer.u64(sequence, "sequence");
  writer.u32(domain_id, "domain_id");
  writer.u8(flags, "flags");
  if ((flags & group_commit) != 0) writer.u64(commit_id, "commit_id");
  if ((flags & (prepared_xa | completed_xa)) != 0) {
    writer.u32(xa_format, "xa_format");
    writer.u8(xa_global.size(), "xa_global_length");
    writer.u8(xa_branch.size(), "xa_branch_length");
    writer.bytes(xa_global);
    writer.bytes(xa_branch);
  }
  writer.bytes(more);
  if (writer.size() < least_size) writer.zeros(least_size - writer.size());
}

MariadbGtid GtidList::operator[](std::size_t index) const noexcept {
  Reader reader(entries.subspan(index * entry_size, entry_size), name.data(), Context{});
  MariadbGtid gtid;
  gtid.domain_id = reader.u32("domain_id");
  gtid.server_id = reader.u32("server_id");
  gtid.sequence = reader.u64("sequence");
  return gtid;
}

Result<GtidList> GtidList::decode(Bytes body, const Context& context) noexcept {
  constexpr std::uint32_t count_bits = 28;
  Reader reader(body, name.data(), context);
  GtidList list;
  const std::uint32_t count = reader.u32("count");
  list.flags = static_cast<std::uint8_t>(count >> count_bits);
  list.entries =
      reader.bytes(std::uint64_t{count & ((1U << count_bits) - 1)} * entry_size, "entries");
  // Servers fill an empty list up to the length that the event's post-header must have.
  if (list.entries.empty() && reader.left() == 2) reader.skip(2, "padding");
  return reader.finish(list);
}

void GtidList::encode(Writer& writer, const Context&) const {
  constexpr std::uint32_t count_bits = 28;
  if (size() >= 1U << count_bits) writer.fail(errc::too_long, "count");
  if (entries.size() % entry_size != 0) writer.fail(errc::bad_value, "entries");
  if (flags > 15) writer.fail(errc::too_long, "flags");
  writer.u32(size() | std::uint64_t{flags} << count_bits, "count");
  writer.bytes(entries);
  if (entries.empty()) writer.zeros(2);
}

}  // namespace mysqlwire::binlog
