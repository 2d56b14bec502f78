#include "proxy/app/control.hpp"

#include "proxy/net/address.hpp"

#include <asio/buffer.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <deque>
#include <system_error>
#include <utility>

namespace mysqlproxy {

namespace {

constexpr std::size_t longest_request = 64 * 1024;

/// A listening descriptor on a path that nobody but its owner may use.
int listen_privately(const std::string& path) {
  Endpoint endpoint;
  endpoint.kind = Endpoint::Kind::unix_socket;
  endpoint.path = path;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  const auto addresses = resolve_now(endpoint);
  remove_stale_socket(addresses[0], path);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  // The file gets the mode that the socket has now: there is no moment at which others can use it.
  if (::fchmod(socket, S_IRUSR | S_IWUSR) != 0 ||
      ::bind(socket, reinterpret_cast<const sockaddr*>(&addresses[0].storage), addresses[0].size) !=
          0 ||
      ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(socket, SOMAXCONN) != 0) {
    const int error = errno;
    ::close(socket);
    errno = error;
    return -1;
  }
  return socket;
}

}  // namespace

/// Lives as long as something of it is under way: a read, a write, a command that may answer.
class Control::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::local::stream_protocol::socket socket, std::shared_ptr<const Handlers> handlers)
      : socket_(std::move(socket)), handlers_(std::move(handlers)) {}

  void read() {
    asio::async_read_until(
        socket_, asio::dynamic_buffer(request_, longest_request), '\n',
        [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
          if (!error) self->obey(size);
        });
  }

 private:
  void obey(std::size_t size) {
    const auto request =
        nlohmann::json::parse(request_.substr(0, size), nullptr, /*allow_exceptions=*/false);
    if (!request.is_object() || !request.contains("command") || !request["command"].is_string())
      return refuse("a request is an object with a command");
    const auto& name = request["command"].get_ref<const std::string&>();
    const auto handler = handlers_->find(name);
    if (handler == handlers_->end()) return refuse("unknown command");
    handler->second(request, [self = shared_from_this()](const nlohmann::ordered_json& answer) {
      self->send(answer);
    });
  }

  void refuse(const char* why) { send({{"text", why}, {"over", true}, {"good", false}}); }

  void send(const nlohmann::ordered_json& answer) {
    using Handling = nlohmann::ordered_json::error_handler_t;
    out_.push_back(answer.dump(-1, ' ', false, Handling::replace) + "\n");
    if (out_.size() == 1) write();
  }

  void write() {
    asio::async_write(socket_, asio::buffer(out_.front()),
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        if (error) return self->out_.clear();
                        self->out_.pop_front();
                        if (!self->out_.empty()) self->write();
                      });
  }

  asio::local::stream_protocol::socket socket_;
  const std::shared_ptr<const Handlers> handlers_;
  std::string request_;
  std::deque<std::string> out_;
};

Control::Control(asio::io_context& io, Log& log, std::string path, Handlers handlers)
    : log_(log),
      path_(std::move(path)),
      handlers_(std::make_shared<const Handlers>(std::move(handlers))),
      acceptor_(io),
      pause_(io) {
  const int socket = listen_privately(path_);
  if (socket < 0)
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("can't listen on the control socket {}", path_));
  acceptor_.assign(asio::local::stream_protocol(), socket);
  accept();
}

Control::~Control() { ::unlink(path_.c_str()); }

void Control::accept() {
  acceptor_.async_accept(
      [this](const asio::error_code& error, asio::local::stream_protocol::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (!error) {
          std::make_shared<Connection>(std::move(socket), handlers_)->read();
          return accept();
        }
        // No descriptors or no memory: rather wait than spin.
        log_.error("can't accept on the control socket", {{"reason", error.message()}});
        pause_.expires_after(std::chrono::milliseconds(200));
        pause_.async_wait([this](const asio::error_code& ended) {
          if (!ended) accept();
        });
      });
}

}  // namespace mysqlproxy
