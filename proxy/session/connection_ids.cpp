#include "proxy/session/connection_ids.hpp"

#include <utility>

namespace mysqlproxy {

ConnectionIds::Ticket ConnectionIds::allocate() {
  const std::lock_guard lock(mutex_);
  for (;;) {
    const std::uint32_t id = next_;
    next_ = next_ == last ? first : next_ + 1;
    const auto [client, added] = clients_.try_emplace(id);
    if (added) return Ticket(*this, client->second, id);
  }
}

ConnectionIds::Ticket::~Ticket() {
  if (ids_ == nullptr) return;
  const std::lock_guard lock(ids_->mutex_);
  ids_->clients_.erase(id_);
}

void ConnectionIds::Ticket::move(ServerConnectionId where) {
  const std::lock_guard lock(ids_->lock_of(id_));
  // Never is it taken to be there before it says so.
  client_->attached.store(false, std::memory_order_relaxed);
  // What was there before goes behind the lock.
  std::swap(client_->where, where);
}

void ConnectionIds::Ticket::set_end(std::string user, std::function<void()> end) {
  const std::lock_guard lock(ids_->lock_of(id_));
  client_->user = std::move(user);
  client_->end = std::move(end);
}

ConnectionIds::Kill ConnectionIds::kill_unattached(std::uint64_t id, std::string_view user,
                                                   bool connection) {
  if (id < first || id > last) return Kill::elsewhere;
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(static_cast<std::uint32_t>(id));
  if (found == clients_.end()) return Kill::elsewhere;
  Client& client = found->second;
  const std::lock_guard client_lock(lock_of(found->first));
  if (client.attached.load() || !client.end) return Kill::elsewhere;
  if (client.user != user) return Kill::denied;
  if (connection) {
    client.killed = true;
    client.end();
  }
  return Kill::done;
}

void ConnectionIds::note_kill(const ServerConnectionId& where) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, client] : clients_) {
    const std::lock_guard client_lock(lock_of(id));
    if (client.attached.load() && client.where.server == where.server &&
        client.where.thread_id == where.thread_id)
      client.killed = true;
  }
}

std::optional<ServerConnectionId> ConnectionIds::find(std::uint64_t id, const Server* own) const {
  const std::lock_guard lock(mutex_);
  if (id >= first && id <= last) {
    const auto found = clients_.find(static_cast<std::uint32_t>(id));
    if (found != clients_.end()) {
      const std::lock_guard client_lock(lock_of(found->first));
      if (found->second.attached.load()) return found->second.where;
    }
  }
  std::optional<ServerConnectionId> elsewhere;
  unsigned matches = 0;
  for (const auto& [id_of_client, client] : clients_) {
    const std::lock_guard client_lock(lock_of(id_of_client));
    const ServerConnectionId& where = client.where;
    if (!client.attached.load() || where.thread_id != id) continue;
    if (where.server.get() == own) return where;
    elsewhere = where;
    ++matches;
  }
  if (matches != 1) return std::nullopt;
  return elsewhere;
}

}  // namespace mysqlproxy
