// MariaDB Connector/C over the same rows as row_bench.cpp, which it gets by a socket from a server
// in this process that has them ready. Items are rows.
#include "counted.hpp"
#include "stream.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/server_handshake.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/stmt.hpp>

#include <benchmark/benchmark.h>
#include <mysql.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace mysqlwire::bench {
namespace {

constexpr std::size_t rows = 1000;

/// Answers every COM_QUERY with `rows` text rows and every COM_STMT_EXECUTE with as many binary
/// ones.
class Server {
 public:
  Server() : folder_(make_folder()), path_(folder_ / "s"), listener_(listen()) {
    thread_ = std::thread([this] { serve(::accept(listener_, nullptr, nullptr)); });
  }
  ~Server() {
    thread_.join();
    ::close(listener_);
    std::filesystem::remove_all(folder_);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  static std::filesystem::path make_folder() {
    std::string name = std::filesystem::temp_directory_path() / "codec-bench-XXXXXX";
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    return name;
  }

  int listen() const {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
    const void* generic = &address;
    if (::bind(socket, static_cast<const sockaddr*>(generic), sizeof address) != 0 ||
        ::listen(socket, 1) != 0)
      throw std::runtime_error("no socket");
    return socket;
  }

  void serve(int socket) {
    log_in(socket);
    const Buffer text = result(order_text_row()), binary = result(order_binary_row());
    const Buffer ok = ok_answer(), prepared = prepare_answer();
    for (;;) {
      const auto packet = receive(socket);
      if (!packet) break;
      switch (static_cast<Command>(packet->payload[0])) {
        case Command::com_query: send(socket, text); break;
        case Command::com_stmt_prepare: send(socket, prepared); break;
        case Command::com_stmt_execute: send(socket, binary); break;
        case Command::com_stmt_close:
        case Command::com_quit: break;
        default: send(socket, ok);
      }
    }
    ::close(socket);
  }

  void log_in(int socket) {
    ServerGreeting greeting;
    greeting.server_version = "8.0.36";
    greeting.capabilities = {Capability::protocol_41, Capability::secure_connection,
                             Capability::plugin_auth, Capability::transactions};
    greeting.auth_plugin = "mysql_native_password";
    greeting.salt.fill('x');
    ServerHandshake handshake(greeting);
    Buffer out;
    handshake.start(out);
    send(socket, out);
    out.clear();
    handshake.on_packet(*receive(socket), out);
    context_.capabilities = handshake.login().capabilities;
    handshake.accept(ok_payload(), out);
    send(socket, out);
  }

  Buffer ok_payload() const {
    Buffer payload;
    Writer writer(payload);
    OkPacket{}.encode(writer, context_);
    return payload;
  }

  Buffer ok_answer() const {
    Buffer out;
    std::uint8_t sequence_id = 1;
    append_packet(out, ok_payload(), sequence_id);
    return out;
  }

  template <Message M>
  void append(Buffer& out, const M& message, std::uint8_t& sequence_id) const {
    if (!append_message(out, message, context_, sequence_id))
      throw std::runtime_error("a message that can't be written");
  }

  void append_columns(Buffer& out, std::uint8_t& sequence_id) const {
    for (const ValueType& type : order_types()) {
      ColumnDefinition41 column;
      column.column_name = "c";
      column.character_set = 45;
      column.type = type.type;
      append(out, column, sequence_id);
    }
    append(out, EofPacket{}, sequence_id);
  }

  Buffer result(const Buffer& row) const {
    Buffer out;
    std::uint8_t sequence_id = 1;
    append_packet(out, Buffer{static_cast<std::uint8_t>(order_types().size())}, sequence_id);
    append_columns(out, sequence_id);
    for (std::size_t i = 0; i < rows; ++i) append_packet(out, row, sequence_id);
    append(out, EofPacket{}, sequence_id);
    return out;
  }

  Buffer prepare_answer() const {
    StmtPrepareOk ok;
    ok.statement_id = 1;
    ok.column_count = static_cast<std::uint16_t>(order_types().size());
    Buffer out;
    std::uint8_t sequence_id = 1;
    append(out, ok, sequence_id);
    append_columns(out, sequence_id);
    return out;
  }

  std::optional<Packet> receive(int socket) {
    for (;;) {
      const auto packet = reader_.next();
      if (packet && *packet) return **packet;
      const auto room = reader_.prepare(4096);
      const ssize_t size = ::recv(socket, room.data(), room.size(), 0);
      if (size <= 0) return std::nullopt;
      reader_.commit(static_cast<std::size_t>(size));
    }
  }

  static void send(int socket, Bytes bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      bytes = bytes.subspan(static_cast<std::size_t>(size));
    }
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
  int listener_;
  std::thread thread_;
  Context context_;
  FrameReader reader_;
};

/// Connector/C, connected to such a server.
struct Client {
  Server server;
  MYSQL* mysql = mysql_init(nullptr);

  Client() {
    if (!mysql_real_connect(mysql, "localhost", "bench", "", "", 0, server.path().c_str(), 0))
      throw std::runtime_error(mysql_error(mysql));
  }
  ~Client() { mysql_close(mysql); }
};

void connector_text_row_of_six(benchmark::State& state) {
  Client client;
  std::size_t seen = 0;
  for (auto _ : state) {
    if (mysql_query(client.mysql, "SELECT") != 0) state.SkipWithError("no result");
    MYSQL_RES* result = mysql_use_result(client.mysql);
    while (const MYSQL_ROW row = mysql_fetch_row(result)) {
      benchmark::DoNotOptimize(row);
      benchmark::DoNotOptimize(mysql_fetch_lengths(result));
      ++seen;
    }
    mysql_free_result(result);
  }
  if (seen != rows * state.iterations()) state.SkipWithError("not all rows");
  state.SetItemsProcessed(static_cast<std::int64_t>(seen));
}
BENCHMARK(connector_text_row_of_six)->Apply(counted);

void connector_binary_row_of_six(benchmark::State& state) {
  Client client;
  MYSQL_STMT* statement = mysql_stmt_init(client.mysql);
  if (mysql_stmt_prepare(statement, "SELECT", 6) != 0) state.SkipWithError("not prepared");
  std::int64_t id = 0;
  std::int32_t customer = 0;
  std::array<char, 64> mail, price, note;
  MYSQL_TIME time;
  std::array<MYSQL_BIND, 6> binds{};
  const auto bind = [&](std::size_t column, enum_field_types type, void* to, unsigned long size) {
    binds[column].buffer_type = type;
    binds[column].buffer = to;
    binds[column].buffer_length = size;
  };
  bind(0, MYSQL_TYPE_LONGLONG, &id, sizeof id);
  bind(1, MYSQL_TYPE_LONG, &customer, sizeof customer);
  bind(2, MYSQL_TYPE_STRING, mail.data(), mail.size());
  bind(3, MYSQL_TYPE_STRING, price.data(), price.size());
  bind(4, MYSQL_TYPE_DATETIME, &time, sizeof time);
  bind(5, MYSQL_TYPE_STRING, note.data(), note.size());
  mysql_stmt_bind_result(statement, binds.data());
  std::size_t seen = 0;
  for (auto _ : state) {
    if (mysql_stmt_execute(statement) != 0) state.SkipWithError("not executed");
    while (mysql_stmt_fetch(statement) == 0) ++seen;
    mysql_stmt_free_result(statement);
  }
  if (seen != rows * state.iterations()) state.SkipWithError("not all rows");
  state.SetItemsProcessed(static_cast<std::int64_t>(seen));
  mysql_stmt_close(statement);
}
BENCHMARK(connector_binary_row_of_six)->Apply(counted);

}  // namespace
}  // namespace mysqlwire::bench
