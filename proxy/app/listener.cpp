#include "proxy/app/listener.hpp"

#include "proxy/net/address.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace mysqlproxy {
namespace {

[[noreturn]] void fail(const Endpoint& endpoint) {
  throw std::system_error(errno, std::generic_category(), "can't listen on " + to_string(endpoint));
}

/// The socket, or -1 and errno.
int listen_on(const SocketAddress& address, const Endpoint& endpoint) {
  const int family = address.storage.ss_family;
  const int socket = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  const int on = 1;
  if (family == AF_UNIX) {
    remove_stale_socket(address, endpoint.path);
  } else {
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6) ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 ||
      ::listen(socket, SOMAXCONN) != 0) {
    const int error = errno;
    ::close(socket);
    errno = error;
    return -1;
  }
  // Who may log in is a matter of accounts, as with the servers' own sockets.
  if (family == AF_UNIX) ::chmod(endpoint.path.c_str(), 0777);
  return socket;
}

/// On the first address of a name that can be had: a machine may know [::1] by name and have no
/// IPv6.
int bind_and_listen(const Endpoint& endpoint) {
  errno = EADDRNOTAVAIL;
  for (const SocketAddress& address : resolve_now(endpoint)) {
    const int socket = listen_on(address, endpoint);
    if (socket >= 0) return socket;
    if (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT) break;
  }
  fail(endpoint);
}

}  // namespace

Listener::Listener(asio::io_context& io, Log& log, std::string name, Endpoint endpoint,
                   Handler handler)
    : log_(log),
      name_(std::move(name)),
      endpoint_(std::move(endpoint)),
      handler_(std::move(handler)),
      socket_(io, bind_and_listen(endpoint_)),
      pause_(io) {}

Listener::~Listener() {
  if (endpoint_.kind == Endpoint::Kind::unix_socket) ::unlink(endpoint_.path.c_str());
}

void Listener::start() {
  if (started_) return;
  started_ = true;
  wait();
}

Endpoint Listener::bound() {
  Endpoint bound = endpoint_;
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(socket_.native_handle(), reinterpret_cast<sockaddr*>(&own), &size) != 0)
    return bound;
  if (own.ss_family == AF_INET)
    bound.port = ntohs(reinterpret_cast<const sockaddr_in&>(own).sin_port);
  if (own.ss_family == AF_INET6)
    bound.port = ntohs(reinterpret_cast<const sockaddr_in6&>(own).sin6_port);
  return bound;
}

void Listener::wait() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this](const asio::error_code& error) {
                       if (!error) accept_all();
                     });
}

void Listener::accept_all() {
  for (;;) {
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    const int client =
        ::accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
                  SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
      if (peer.storage.ss_family != AF_UNIX) {
        const int on = 1;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ::setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
      }
      Arrival arrival;
      arrival.descriptor = client;
      arrival.address = describe(peer);
      arrival.host = host_name(peer);
      arrival.from = {ip_bytes(peer), peer.storage.ss_family == AF_UNIX};
      arrival.listener = name_;
      arrival.tls = tls_;
      // What a unix socket carries nobody can listen to.
      arrival.unix_socket = arrival.from.unix_socket;
      if (arrival.unix_socket) arrival.peer = peer_credentials(client);
      arrival.tls_required = tls_required_ && !arrival.unix_socket;
      arrival.clear_password = clear_password_;
      arrival.compression = compression_;
      arrival.proxied = std::ranges::any_of(
          balancers_, [&](const Network& one) { return one.contains(ip_bytes(peer)); });
      handler_(*this, std::move(arrival));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return wait();
    // No descriptors or no memory: the queue waits, and so do we, rather than spin.
    log_.error("can't accept",
               {{"listener", name_}, {"reason", std::generic_category().message(errno)}});
    pause_.expires_after(std::chrono::milliseconds(200));
    pause_.async_wait([this](const asio::error_code& error) {
      if (!error) accept_all();
    });
    return;
  }
}

}  // namespace mysqlproxy
