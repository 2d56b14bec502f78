#include "proxy/session/connection_ids.hpp"

#include <utility>

namespace mysqlproxy {

std::uint32_t ConnectionIds::allocate() {
  const std::lock_guard lock(mutex_);
  for (;;) {
    const std::uint32_t id = next_;
    next_ = next_ == last ? first : next_ + 1;
    if (clients_.try_emplace(id).second) return id;
  }
}

void ConnectionIds::release(std::uint32_t id) {
  const std::lock_guard lock(mutex_);
  clients_.erase(id);
}

void ConnectionIds::attach(std::uint32_t id, ServerConnectionId where) {
  const std::lock_guard lock(mutex_);
  Client& client = clients_[id];
  client.where = std::move(where);
  client.killed = false;
}

void ConnectionIds::set_end(std::uint32_t id, std::string user, std::function<void()> end) {
  const std::lock_guard lock(mutex_);
  Client& client = clients_[id];
  client.user = std::move(user);
  client.end = std::move(end);
}

ConnectionIds::Kill ConnectionIds::kill_unattached(std::uint64_t id, std::string_view user,
                                                   bool connection) {
  if (id < first || id > last) return Kill::elsewhere;
  const std::lock_guard lock(mutex_);
  const auto client = clients_.find(static_cast<std::uint32_t>(id));
  if (client == clients_.end() || client->second.where.server || !client->second.end)
    return Kill::elsewhere;
  if (client->second.user != user) return Kill::denied;
  if (connection) {
    client->second.killed = true;
    client->second.end();
  }
  return Kill::done;
}

void ConnectionIds::detach(std::uint32_t id) { attach(id, {}); }

void ConnectionIds::note_kill(const ServerConnectionId& where) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, client] : clients_) {
    if (client.where.server == where.server && client.where.thread_id == where.thread_id)
      client.killed = true;
  }
}

bool ConnectionIds::killed(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto client = clients_.find(id);
  return client != clients_.end() && client->second.killed;
}

std::optional<ServerConnectionId> ConnectionIds::find(std::uint64_t id, const Server* own) const {
  const std::lock_guard lock(mutex_);
  if (id >= first && id <= last) {
    const auto client = clients_.find(static_cast<std::uint32_t>(id));
    if (client != clients_.end() && client->second.where.server) return client->second.where;
  }
  std::optional<ServerConnectionId> elsewhere;
  unsigned matches = 0;
  for (const auto& [id_of_client, client] : clients_) {
    const ServerConnectionId& where = client.where;
    if (!where.server || where.thread_id != id) continue;
    if (where.server.get() == own) return where;
    elsewhere = where;
    ++matches;
  }
  if (matches != 1) return std::nullopt;
  return elsewhere;
}

}  // namespace mysqlproxy
