// Packets at the edge of a frame, and the compressed protocol.
#include "cli/mysqlprobe/conform.hpp"

#include <mysqlwire/wire/compressed_frame.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/query.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

constexpr std::uint64_t frame_size = max_frame_payload;

void need_room(Session& session, std::uint64_t size) {
  const Answer answer = session.query("SELECT @@max_allowed_packet");
  const auto row = answer.row(0);
  if (row.empty() || std::strtoull(row[0].c_str(), nullptr, 10) < size + 1024)
    throw skip("max_allowed_packet is too small: " + (row.empty() ? answer.text() : row[0]));
}

// A query whose payload has exactly that many bytes.
Outcome query_of(Bench& bench, std::uint64_t size) {
  const auto session = bench.open();
  need_room(*session, size);
  std::string sql = "SELECT LENGTH('";
  const std::string_view tail = "')";
  const std::uint64_t letters = size - 1 - sql.size() - tail.size();
  sql.append(letters, 'x');
  sql += tail;
  return expect_row(session->query(sql), {std::to_string(letters)});
}

// A row whose payload has exactly that many bytes: one cell, its length in 4 bytes.
Outcome row_of(Bench& bench, std::uint64_t size) {
  const auto session = bench.open();
  need_room(*session, size);
  const std::uint64_t head = size - 4 > 0xffffff ? 9 : 4;
  const Answer answer = session->query(fmt::format("SELECT REPEAT('x', {})", size - head));
  const SeenPacket* row = answer.find(PacketKind::text_row);
  if (row == nullptr) return fail(answer.text());
  if (row->payload.size() != size) return fail(fmt::format("{} bytes", row->payload.size()));
  const auto frames = static_cast<std::uint8_t>(row->last_sequence_id - row->first_sequence_id + 1);
  return frames == frame_count(size) || session->has(Capability::compress)
             ? pass(fmt::format("{} frames", frame_count(size)))
             : fail(fmt::format("{} frames", frames));
}

std::unique_ptr<Session> compressed(Bench& bench) {
  bench.need(Capability::compress);
  return bench.open(Capability::compress);
}

}  // namespace

void add_size_checks(std::vector<Check>& checks) {
  const auto add = [&](const std::string& name, const char* about,
                       std::function<Outcome(Bench&)> run) {
    checks.push_back({"size." + name, about, std::move(run)});
  };
  for (const int off : {-2, -1, 0, 1})
    add(fmt::format("query-2^24-1{:+d}", off), "a query of so many bytes", [off](Bench& bench) {
      return query_of(bench, frame_size + static_cast<std::uint64_t>(off));
    });
  for (const int off : {-1, 0, 1})
    add(fmt::format("row-2^24-1{:+d}", off), "a row of so many bytes", [off](Bench& bench) {
      return row_of(bench, frame_size + static_cast<std::uint64_t>(off));
    });
  add("too-large", "more than max_allowed_packet: ERR 1153, or the end", [](Bench& bench) {
    const auto session = bench.open();
    const Answer answer = session->query("SELECT @@max_allowed_packet");
    const auto row = answer.row(0);
    const std::uint64_t most = row.empty() ? 0 : std::strtoull(row[0].c_str(), nullptr, 10);
    if (most == 0 || most > (20U << 20)) return skip("max_allowed_packet is above 20 MiB");
    std::string sql = "SELECT '" + std::string(most + 1024, 'x') + "'";
    try {
      const Answer large = session->query(sql);
      if (!large.err && large.closed) return deviation("closed without an ERR");
      return expect_err(large, {1153});
    } catch (const ProbeError&) {
      return deviation("closed while it was sent");
    }
  });
}

void add_compression_checks(std::vector<Check>& checks) {
  const auto add = [&](const std::string& name, const char* about,
                       std::function<Outcome(Bench&)> run) {
    checks.push_back({"compression." + name, about, std::move(run)});
  };
  add("ping", "a frame that is stored",
      [](Bench& bench) { return compressed(bench)->alive() ? pass("OK") : fail("no OK"); });
  add("query", "a query that gets smaller", [](Bench& bench) {
    const std::string sql = "SELECT LENGTH('" + std::string(10000, 'x') + "')";
    return expect_row(compressed(bench)->query(sql), {"10000"});
  });
  add("row", "a row of many frames", [](Bench& bench) {
    const Answer answer = compressed(bench)->query("SELECT REPEAT('x', 1000000)");
    const auto row = answer.row(0);
    return row.size() == 1 && row[0].size() == 1000000 ? pass("whole") : fail(answer.text());
  });
  add("many-rows", "rows across frames", [](Bench& bench) {
    std::string sql = "SELECT 1";
    for (int i = 0; i < 500; ++i) sql += " UNION ALL SELECT 1";
    const Answer answer = compressed(bench)->query(sql);
    return answer.count(PacketKind::text_row) == 501 ? pass("501 rows") : fail(answer.text());
  });
  add("two-commands", "one command behind the other", [](Bench& bench) {
    const auto session = compressed(bench);
    return session->alive() && session->alive() ? pass("OK, OK") : fail("no OK");
  });
  add("sequence-id", "a frame with a wrong sequence id is refused", [](Bench& bench) {
    const auto session = compressed(bench);
    const Buffer frame{0x05, 0, 0, 9, 0, 0, 0, 0x01, 0, 0, 0, 0x0e};
    session->send_raw(frame);
    std::optional<SeenPacket> reply;
    try {
      reply = session->read_raw();
    } catch (const ProbeError&) {
      return pass("refused");
    }
    if (!reply) return pass("refused");
    return !reply->payload.empty() && reply->payload[0] == ErrPacket::header
               ? pass("refused")
               : fail("answered", reply->payload);
  });
  add("plain-behind", "a packet that is not compressed does not get through", [](Bench& bench) {
    const auto session = compressed(bench);
    const Buffer plain{0x01, 0, 0, 0, 0x0e, 0, 0, 0, 0, 0, 0, 0};
    session->send_raw(plain);
    session->connection().close();
    return bench.open()->alive() ? pass("others go on") : fail("others don't go on");
  });
}

}  // namespace mysqlprobe
