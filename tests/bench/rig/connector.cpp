// What an application does that uses MariaDB Connector/C: logins, idle connections, large results
// and large commands. Prints a line of JSON when it is done.
#include <CLI/CLI.hpp>
#include <mysql.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Options {
  std::string user;
  std::string password;
  std::string schema;
  unsigned port = 0;
  std::size_t count = 1;
  std::string sql;
  std::size_t size = 64 << 20;
  bool tls = false;
  bool compress = false;
};

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Connection {
 public:
  explicit Connection(const Options& options) : mysql_(mysql_init(nullptr)) {
    my_bool tls = options.tls;
    mysql_optionsv(mysql_, MYSQL_OPT_SSL_ENFORCE, &tls);
    if (options.compress) mysql_optionsv(mysql_, MYSQL_OPT_COMPRESS, nullptr);
    std::size_t longest = 1UL << 30;
    mysql_optionsv(mysql_, MYSQL_OPT_MAX_ALLOWED_PACKET, &longest);
    if (!mysql_real_connect(mysql_, "127.0.0.1", options.user.c_str(), options.password.c_str(),
                            options.schema.c_str(), options.port, nullptr, 0)) {
      const std::string why = mysql_error(mysql_);
      mysql_close(mysql_);
      throw std::runtime_error(why);
    }
  }
  ~Connection() { mysql_close(mysql_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Reads the result row by row and returns the bytes of its values.
  std::size_t query(const std::string& sql) {
    if (mysql_real_query(mysql_, sql.data(), sql.size()) != 0)
      throw std::runtime_error(mysql_error(mysql_));
    MYSQL_RES* result = mysql_use_result(mysql_);
    if (!result) throw std::runtime_error(mysql_error(mysql_));
    std::size_t bytes = 0;
    const unsigned columns = mysql_num_fields(result);
    while (mysql_fetch_row(result)) {
      const unsigned long* lengths = mysql_fetch_lengths(result);
      for (unsigned i = 0; i < columns; ++i) bytes += lengths[i];
    }
    const bool whole = mysql_errno(mysql_) == 0;
    mysql_free_result(result);
    if (!whole) throw std::runtime_error(mysql_error(mysql_));
    return bytes;
  }

  bool answers() { return mysql_ping(mysql_) == 0; }

 private:
  MYSQL* mysql_;
};

/// connect + login + SELECT 1 + quit, one after the other.
void log_in(const Options& options) {
  const auto start = Clock::now();
  for (std::size_t i = 0; i < options.count; ++i) Connection(options).query("SELECT 1");
  std::printf("{\"logins\": %zu, \"seconds\": %.6f}\n", options.count, seconds_since(start));
}

/// Idle connections until standard input ends. "ready" says that all are there.
void hold(const Options& options) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::size_t i = 0; i < options.count; ++i)
    connections.push_back(std::make_unique<Connection>(options));
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  const auto lost = std::ranges::count_if(connections, [](auto& one) { return !one->answers(); });
  std::printf("{\"connections\": %zu, \"lost\": %td}\n", connections.size(), lost);
}

/// A statement whose result is read row by row.
void fetch(const Options& options) {
  Connection connection(options);
  const auto start = Clock::now();
  const std::size_t bytes = connection.query(options.sql);
  std::printf("{\"bytes\": %zu, \"seconds\": %.6f}\n", bytes, seconds_since(start));
}

/// Commands of that size, one after the other.
void upload(const Options& options) {
  Connection connection(options);
  const std::string before = "SELECT LENGTH('", after = "')";
  std::string sql = before + std::string(options.size - before.size() - after.size(), 'x') + after;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < options.count; ++i) connection.query(sql);
  std::printf("{\"bytes\": %zu, \"seconds\": %.6f}\n", options.count * sql.size(),
              seconds_since(start));
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  CLI::App app("What an application does by Connector/C.");
  app.require_subcommand(1);
  app.add_option("--port", options.port)->required();
  app.add_option("--user", options.user)->required();
  app.add_option("--password", options.password)->envname("RIG_PASSWORD");
  app.add_option("--schema", options.schema);
  app.add_flag("--tls", options.tls);
  app.add_flag("--compress", options.compress);
  const auto command = [&](const char* name, const char* what, void (*work)(const Options&)) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_option("--count", options.count);
    sub->add_option("--sql", options.sql);
    sub->add_option("--size", options.size, "bytes");
    sub->callback([&options, work] { work(options); });
  };
  command("logins", "connect, log in, SELECT 1, quit", log_in);
  command("hold", "idle connections", hold);
  command("fetch", "a result", fetch);
  command("upload", "large commands", upload);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "connector: %s\n", error.what());
    return 1;
  }
}
