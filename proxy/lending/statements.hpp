// Prepared statements of clients, and what of them is prepared on which server connection.
#pragma once

#include "proxy/lending/session_image.hpp"

#include <mysqlwire/wire/value.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mysqlproxy::lending {

/// A statement's text, with the settings that decide how a server reads it.
struct StatementSource {
  std::string text;
  SharedImage image;  ///< of the session that prepared it, at that time
  /// The text is only its beginning: it can't be prepared anywhere else.
  bool partial = false;
};
using SharedSource = std::shared_ptr<const StatementSource>;

/// What a connection that is like `image` has to be like to read the source as it was meant.
SessionImage as_read_by(const SessionImage& image, const StatementSource& source);

/// Equal sources of one thread's sessions are one object, so that they are compared by address.
class StatementSources {
 public:
  /// Equal are those with the same text, schema, sql_mode, character set and collation.
  SharedSource find(const SharedImage& image, std::string_view text);
  /// One that is like no other, of a text too long to be kept.
  static SharedSource partial(const SharedImage& image);
  std::size_t size() const noexcept { return sources_.size(); }

 private:
  void sweep();

  std::unordered_map<std::string, std::weak_ptr<const StatementSource>> sources_;
  std::size_t sweep_at_ = 1024;
};

/// Of parameters; null: none. Shared, so that mostly their address tells that they are the same.
using SharedTypes = std::shared_ptr<const std::vector<mysqlwire::ValueType>>;

inline bool same_types(const SharedTypes& one, const SharedTypes& other) {
  return one == other || (one && other && *one == *other);
}

struct ClientStatement;

/// What is prepared on one server connection. Clients share it, but for as long as one of them has
/// a cursor or long data in it.
class PreparedHere {
 public:
  /// Servers have a limit for all connections together (max_prepared_stmt_count, 16,382).
  static constexpr std::size_t most = 128;

  struct Entry {
    SharedSource source;
    std::uint32_t server_id = 0;
    /// Of the parameters, as the server was told last; it goes by them until it is told others.
    SharedTypes types;
    /// The client's statement that has a cursor or long data here; 0: none.
    std::uint32_t holder = 0;
  };

 private:
  using Entries = std::list<Entry>;  ///< the one used last is the first

 public:
  /// Where a client's statement was found last. Counts as long as nothing has been closed here.
  class Place {
    friend class PreparedHere;
    std::uint64_t version_ = 0;
    Entries::iterator entry_;
  };

  /// What the client's statement `id` can be executed by; null: it has to be prepared. The entry
  /// stays where it is until the next make_room() or clear().
  Entry* find(ClientStatement& statement, std::uint32_t id) noexcept;
  /// The server has given it this id.
  Entry& add(SharedSource source, std::uint32_t server_id);
  /// The ids of those that are to be closed before another one is prepared: the ones used least
  /// recently. They are forgotten.
  std::vector<std::uint32_t> make_room();
  /// Closes what `client_statement` holds; true when it held something.
  bool let_go(std::uint32_t client_statement) noexcept;
  /// The server has forgotten everything.
  void clear() noexcept;
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  bool search(const StatementSource& source, std::uint32_t id, Place& place) noexcept;
  static std::uint64_t new_version() noexcept;

  Entries entries_;
  std::unordered_multimap<const StatementSource*, Entries::iterator> by_source_;
  std::uint64_t version_ = new_version();  ///< no two have the same
};

/// One prepared statement as its client knows it.
struct ClientStatement {
  SharedSource source;
  std::uint16_t parameters = 0;
  bool long_data = false;  ///< some was sent since the last execute
  bool cursor = false;     ///< the last execute has left one open
  /// Is about the statement before it, which only the connection knows, or is known there only.
  bool bound = false;
  /// One of the three, or values too long to be told types for again: it stays where it is.
  bool held = false;
  /// As the client sent them last; null: never.
  SharedTypes types;
  PreparedHere::Place place;
  /// The last execute from its flags up to its first value: one that begins alike has these types
  /// as well, or counts on them.
  mysqlwire::Buffer head;
};

/// Those of one client, by ids that the proxy gives.
class ClientStatements {
 public:
  /// Servers count from 1 on each connection, and don't get that far: an id of a client that is
  /// passed on by mistake, or to hear that there is no such statement, is never that of another's.
  static constexpr std::uint32_t first_id = 0x1000'0001;

  /// As many as all clients together may have on a server (max_prepared_stmt_count).
  static constexpr std::size_t most = 16'382;

  bool full() const noexcept { return statements_ && statements_->size() >= most; }
  /// The id of the next one that is added.
  std::uint32_t next_id() const noexcept { return last_ + 1; }
  ClientStatement& add(ClientStatement statement);
  /// Goes on behind the ids of `before`.
  void number_behind(const ClientStatements& before) noexcept { last_ = before.last_; }
  /// Null when there is none. `mysqlwire::last_prepared_statement` means the one added last.
  ClientStatement* find(std::uint32_t id) noexcept;
  /// The id itself, or that of the one added last.
  std::uint32_t resolve(std::uint32_t id) const noexcept;
  void close(std::uint32_t id) noexcept;
  void clear() noexcept;
  void hold(ClientStatement& statement, bool on) noexcept;
  /// Some statement has something on the connection that the client has now.
  bool holds_connection() const noexcept { return held_ != 0; }

 private:
  using Statements = std::unordered_map<std::uint32_t, ClientStatement>;

  std::unique_ptr<Statements> statements_;  ///< null: none; many clients never prepare one
  ClientStatement* found_ = nullptr;        ///< what find() found last, most likely the next, too
  std::uint32_t found_id_ = 0;
  std::uint32_t last_ = first_id - 1;
  std::size_t held_ = 0;
};

}  // namespace mysqlproxy::lending
