#include "proxy/config/load_lending.hpp"

#include "proxy/config/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlproxy {

using namespace std::chrono_literals;

namespace {

toml::source_region place_of(TableReader& reader, std::string_view key) {
  const toml::node* const node = reader.take(key);
  return node != nullptr ? node->source() : toml::source_region{};
}

constexpr std::uint32_t most = 1'000'000;

void read_limits(TableReader& reader, LendingConfig& lending) {
  reader.read("min_idle", lending.min_idle, 0, most);
  reader.read("max_idle", lending.max_idle, 0, most);
  reader.read("idle_timeout", lending.idle_timeout, 0ms);
  reader.read("max_lifetime", lending.max_lifetime, 0ms);
  reader.read("max_uses", lending.max_uses, 0, 1'000'000'000);
  reader.read("queue_limit", lending.queue_limit, 0, most);
  reader.read("queue_timeout", lending.queue_timeout, 0ms);
  reader.read("linger", lending.linger, 0ms);
  reader.read("replay_reads", lending.replay_reads);
}

}  // namespace

void LendingReader::read(TableReader& reader, PoolConfig& pool) {
  reader.read("pooling", pool.pooling, {Pooling::session, Pooling::transaction});
  const auto belongs = [&](std::string_view key, bool does, std::string_view to) {
    const toml::node* const own = reader.take(key);
    if (own != nullptr && !does)
      reader.fault(own->source(), key, fmt::format("belongs to a pool {}", to));
  };
  for (const std::string_view key :
       {"min_idle", "max_idle", "idle_timeout", "max_lifetime", "max_uses", "queue_limit",
        "queue_timeout", "linger", "replay_reads", "read_pool"})
    belongs(key, pool.pooling == Pooling::transaction, "of pooling = \"transaction\"");
  read_limits(reader, pool.lending);
  const Placed place{pool.name, reader.path(), place_of(reader, "read_pool"),
                     place_of(reader, "min_idle")};
  const LendingConfig& lending = pool.lending;
  if (lending.max_idle != 0 && lending.min_idle > lending.max_idle)
    reader.fault(place.min_idle, "min_idle",
                 fmt::format("{} is more than max_idle = {}", lending.min_idle, lending.max_idle));
  SplitConfig& split = pool.split;
  if (const auto name = reader.text("read_pool", "a pool's name")) split.read_pool = name->text;
  belongs("causal_reads", !split.read_pool.empty(), "with a read_pool");
  reader.read("causal_reads", split.causal_reads,
              {CausalReads::none, CausalReads::session, CausalReads::global});
  belongs("causal_wait", split.causal_reads != CausalReads::none, "with causal_reads");
  reader.read("causal_wait", split.causal_wait, 0ms);
  if (pool.pooling == Pooling::transaction) places_.push_back(place);
}

void LendingReader::check(const Config& config, Report& report,
                          std::vector<std::string>& used_pools) const {
  for (const Placed& place : places_) {
    const PoolConfig& pool = *config.find_pool(place.pool);
    for (const std::string& name : pool.servers) {
      const ServerConfig* const server = config.find_server(name);
      if (server != nullptr && server->max_connections != 0 &&
          pool.lending.min_idle > server->max_connections)
        report.error(place.min_idle,
                     fmt::format("{}.min_idle: {} is more than max_connections = {} of server.{}",
                                 place.path, pool.lending.min_idle, server->max_connections,
                                 quote_key(name)));
    }
    if (pool.split.read_pool.empty()) continue;
    used_pools.push_back(pool.split.read_pool);
    check_split(place, config, report);
  }
}

void LendingReader::check_split(const Placed& place, const Config& config, Report& report) const {
  const PoolConfig& pool = *config.find_pool(place.pool);
  const std::string& name = pool.split.read_pool;
  const auto fault = [&](const std::string& text) {
    report.error(place.read_pool, fmt::format("{}.read_pool: {}", place.path, text));
  };
  const PoolConfig* const reads = config.find_pool(name);
  if (reads == nullptr) {
    std::vector<std::string> names;
    for (const PoolConfig& one : config.pools) names.push_back(one.name);
    return fault(fmt::format("there is no pool {}{}", shown(name), did_you_mean(name, names)));
  }
  if (reads == &pool) return fault("reads are in this pool already");
  if (reads->pooling != Pooling::transaction)
    fault(fmt::format("pool.{} lends nothing: it is not of pooling = \"transaction\"",
                      quote_key(name)));
  if (!reads->split.read_pool.empty())
    fault(fmt::format("pool.{} has a read_pool of its own", quote_key(name)));
  if (pool.role == PoolRole::replica)
    fault("a pool of role = \"replica\" has no writes to tell reads from");
}

}  // namespace mysqlproxy
