// Captured frames in, conversations out.
#pragma once

#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/capture/segment.hpp>
#include <mysqlwire/capture/tcp_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace mysqlwire::capture {

/// Finds the MySQL connections among captured frames and follows each by a TcpStream and a
/// Conversation. Keeps at most max_connections; the one that has been quiet longest is given up
/// then, as if the capture ended for it.
class Onlooker {
 public:
  static constexpr std::size_t max_connections = 65536;

  struct Options {
    std::vector<std::uint16_t> ports{3306};  ///< where servers listen
    bool any_port = false;                   ///< take every connection with a MySQL greeting too
    Conversation::Options conversation;
  };

  /// What the frames were.
  struct Counters {
    std::uint64_t frames = 0;
    std::uint64_t tcp = 0;
    std::uint64_t other = 0;
    std::uint64_t cut = 0;
    std::uint64_t broken = 0;
    std::uint64_t connections = 0;  ///< taken for MySQL's
    std::uint64_t recognised = 0;   ///< and found to be
  };

  Onlooker(Options options, Observer& observer, Toolbox& toolbox);
  ~Onlooker();

  /// Takes the next frame of the capture. Returns the number of the connection that it belongs to,
  /// if to any.
  std::optional<std::uint64_t> add(LinkType type, Bytes frame, std::uint64_t length,
                                   const Origin& origin);
  /// The capture is over.
  void finish();

  const Counters& counters() const noexcept { return counters_; }

 private:
  struct Key {
    Endpoint low;
    Endpoint high;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Connection;

  Connection* find(const Segment& segment, const Origin& origin);
  Connection* begin(const Key& key, const Segment& segment, const Origin& origin);
  void recognise(Connection& connection, const Segment& segment);
  void listen(Connection& connection, const Segment& segment, const Origin& origin);
  void follow(Connection& connection);
  void end(Connection& connection, const Origin& origin);
  void give_up_oldest(const Origin& origin);
  bool is_server_port(std::uint16_t port) const noexcept;

  Options options_;
  Observer& observer_;
  Toolbox& toolbox_;
  Dissector dissector_;
  std::unordered_map<Key, std::unique_ptr<Connection>, KeyHash> connections_;
  Counters counters_;
  Origin last_;
};

}  // namespace mysqlwire::capture
