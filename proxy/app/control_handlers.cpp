// What operators can ask of the running proxy.
#include "proxy/app/proxy.hpp"

#include <asio/post.hpp>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace mysqlproxy {

namespace {

using nlohmann::ordered_json;

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ordered_json status_of(Pool& pool, const Server& server) {
  static constexpr const char* states[] = {"unknown", "up", "down"};
  ordered_json one{{"name", server.name()},
                   {"address", to_string(server.config().address)},
                   {"state", states[static_cast<std::size_t>(server.reachability())]},
                   {"text", pool.describe(server)},
                   {"connections", server.connections()}};
  if (const auto standing = server.standing()) {
    one["writable"] = standing->writable;
    one["replicating"] = standing->replicating;
    one["out_of_step"] = standing->out_of_step;
    one["fenced"] = pool.fenced(server);
    one["lag_seconds"] = standing->lag ? ordered_json(standing->lag->count()) : ordered_json();
  }
  if (const auto threads = server.threads())
    one["threads"] = {{"connected", threads->connected},
                      {"running", threads->running},
                      {"max_connections", threads->most}};
  return one;
}

ordered_json status_of(const Topology& topology) {
  ordered_json pools = ordered_json::array();
  for (const PoolConfig& config : topology.config().pools) {
    const auto pool = topology.find_pool(config.name);
    ordered_json one{{"name", config.name},
                     {"role", to_string(config.role)},
                     {"balance", to_string(config.balance)}};
    if (config.role == PoolRole::primary) {
      const auto primary = pool->primary();
      one["failover"] = to_string(config.failover.mode);
      one["held"] = pool->brake()->held.load();
      one["primary"] = primary ? ordered_json(primary->name()) : ordered_json();
    }
    one["servers"] = ordered_json::array();
    for (const auto& server : pool->servers()) one["servers"].push_back(status_of(*pool, *server));
    pools.push_back(std::move(one));
  }
  return {{"pools", std::move(pools)}};
}

}  // namespace

Control::Handlers Proxy::control_handlers() {
  Control::Handlers handlers;
  handlers["status"] = [this](const nlohmann::json&, const Control::Reply& reply) {
    reply({{"status", status_of(*topology_)}, {"over", true}, {"good", true}});
  };
  handlers["failback"] = [this](const nlohmann::json& request, const Control::Reply& reply) {
    const std::string name = text_of(request, "pool");
    const auto pool = topology_->find_pool(name);
    std::string fault;
    if (!pool)
      fault = fmt::format("there is no pool {:?}", name);
    else if (pool->config().balance != Balance::first_available)
      fault = fmt::format("pool {} has no balance = \"first_available\"", name);
    const auto server = fault.empty() ? pool->fail_back() : nullptr;
    if (fault.empty() && !server) fault = fmt::format("no server of pool {} is up", name);
    if (!fault.empty())
      return reply({{"text", "failed: " + fault}, {"over", true}, {"good", false}});
    const std::string text = fmt::format("pool {} uses {}", name, server->name());
    log_.info("failback: " + text);
    reply({{"text", text}, {"over", true}, {"good", true}});
  };
  handlers["switchover"] = [this](const nlohmann::json& request, const Control::Reply& reply) {
    move_primary(MoveRequest::Kind::switchover, request, reply);
  };
  handlers["promote"] = [this](const nlohmann::json& request, const Control::Reply& reply) {
    move_primary(MoveRequest::Kind::promote, request, reply);
  };
  return handlers;
}

void Proxy::move_primary(MoveRequest::Kind kind, const nlohmann::json& request,
                         const Control::Reply& reply) {
  MoveRequest move;
  move.kind = kind;
  move.pool = text_of(request, "pool");
  move.to = text_of(request, "to");
  if (const auto dry = request.find("dry_run"); dry != request.end() && dry->is_boolean())
    move.dry_run = dry->get<bool>();
  if (const auto time = request.find("timeout_ms");
      time != request.end() && time->is_number_unsigned()) {
    constexpr std::uint64_t longest = 3'600'000;
    move.timeout = std::chrono::milliseconds(std::min(time->get<std::uint64_t>(), longest));
  }
  if (kind == MoveRequest::Kind::promote && move.to.empty())
    return reply({{"text", "failed: promote wants a server"}, {"over", true}, {"good", false}});
  mover_.move(std::move(move), [this, reply](const MoveNote& note) {
    asio::post(io_, [reply, note] {
      ordered_json answer = ordered_json::object();
      if (!note.text.empty()) answer["text"] = note.text;
      if (note.over) answer["over"] = true;
      if (note.over) answer["good"] = note.good;
      reply(answer);
    });
  });
}

}  // namespace mysqlproxy
