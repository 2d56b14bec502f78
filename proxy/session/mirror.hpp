// Statements that another pool gets too, with answers that nobody reads.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/rules/rule_book.hpp"
#include "proxy/session/credentials.hpp"
#include "proxy/session/server_connection.hpp"

#include <mysqlwire/session/frame_reader.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// One account's statements to one pool, from all sessions of a data thread: one connection, one
/// statement after the other. What comes faster than that is dropped, and counted.
class Mirror {
 public:
  static constexpr std::size_t most_statements = 256;  ///< that wait
  static constexpr std::size_t most_bytes = 4 << 20;   ///< of their texts
  /// An answer with a longer row ends the connection.
  static constexpr std::size_t largest_packet = 16 << 20;

  struct Statement {
    std::string schema;
    std::string text;
    std::shared_ptr<rules::RuleState> state;  ///< whose rule wants it
  };

  Mirror(Loop& loop, std::shared_ptr<Pool> pool, Credentials credentials, SessionWishes wishes,
         std::chrono::milliseconds timeout);

  /// Drops the statement where too many wait.
  void offer(Statement statement);
  /// Has had nothing to do for a while and is over; whoever owns it may let it go.
  bool done() const noexcept { return task_.done(); }

 private:
  Task<void> run();
  Task<bool> connect(std::string_view schema);
  Task<bool> change_schema(const std::string& schema);
  Task<bool> send(mysqlwire::Buffer payload);
  void give_up();

  Loop& loop_;
  Waker waker_;
  std::shared_ptr<Pool> pool_;
  Credentials credentials_;
  SessionWishes wishes_;
  std::chrono::milliseconds timeout_;
  std::deque<Statement> waiting_;
  std::size_t bytes_ = 0;
  std::unique_ptr<ServerConnection> connection_;
  mysqlwire::FrameReader reader_;
  std::string schema_;  ///< of connection_
  std::uint64_t retry_at_ = 0;
  Task<void> task_;
};

/// The mirrors of a data thread.
class Mirrors {
 public:
  static constexpr std::size_t most = 64;

  explicit Mirrors(Loop& loop) : loop_(loop) {}

  /// Whose statements go where. `wishes` are those of the first session that wants it.
  void offer(const std::shared_ptr<Pool>& pool, const Credentials& credentials,
             const SessionWishes& wishes, std::chrono::milliseconds timeout,
             Mirror::Statement statement);
  void clear() noexcept { mirrors_.clear(); }

 private:
  struct Entry {
    std::string account;
    std::shared_ptr<Pool> pool;
    std::unique_ptr<Mirror> mirror;
  };

  Loop& loop_;
  std::vector<Entry> mirrors_;
};

}  // namespace mysqlproxy
