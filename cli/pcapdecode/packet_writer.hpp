// The packets of what was selected, as a pcapng file.
#pragma once

#include "cli/common/pcapng.hpp"
#include "cli/pcapdecode/input.hpp"

#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/capture/segment.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pcapdecode {

/// Holds each packet until it is known whether it is wanted, and writes it or forgets it, in the
/// order of the capture. A packet of a connection that is not known for MySQL's yet, or of a
/// command that has not ended, waits, and so does what is behind it; when more than max_held bytes
/// wait, the oldest is written if its connection may be wanted.
///
/// Where commands are selected, what is needed to understand them is written along: logins, packets
/// without which statements can't be read (preparations, long data, USE, SET, changes of user), IP
/// fragments, and all of a TLS connection, of which no record can be left out. Acknowledgements
/// without data are not.
class PacketWriter {
 public:
  static constexpr std::size_t max_held = std::size_t{64} << 20;

  /// `by_command`: only what belongs to commands that on_exchange() wants. `digits`: decimals of
  /// time stamps. Throws std::runtime_error when the file can't be made; "-" is standard output.
  PacketWriter(const std::string& path, bool by_command, unsigned digits);
  ~PacketWriter();
  PacketWriter(const PacketWriter&) = delete;
  PacketWriter& operator=(const PacketWriter&) = delete;

  /// Writes TLS secrets, in front of the packets to come.
  void add_secrets(std::string_view key_log);
  /// The next packet, before the onlooker sees it.
  void add(const Frame& frame, std::uint64_t number);
  /// The onlooker had no use for that packet.
  void on_unclaimed();

  void on_connection(const mysqlwire::capture::Conversation& conversation, bool wanted);
  void on_tls(const mysqlwire::capture::Conversation& conversation);
  void on_message(const mysqlwire::capture::Conversation& conversation,
                  const mysqlwire::capture::SeenMessage& message);
  void on_exchange(const mysqlwire::capture::Conversation& conversation,
                   const mysqlwire::capture::Exchange& exchange, bool wanted);
  void on_end(const mysqlwire::capture::Conversation& conversation);

  /// Writes what waits. False when something could not be written.
  bool finish();

 private:
  enum class Fate : std::uint8_t { open, written, forgotten };
  enum class Wanted : std::uint8_t { unknown, no, yes };

  struct Packet {
    std::uint64_t number = 0;
    std::int64_t time = 0;
    std::uint64_t length = 0;
    mysqlwire::Buffer bytes;
    mysqlwire::capture::LinkType link{};
    Fate fate = Fate::open;
    std::string connection;
  };

  /// First and last packet of a command with its answer: captured out of order the answer may stand
  /// in front.
  struct Frames {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    bool brings_types = false;  ///< an execution whose parameters' types count for later ones
  };

  struct Connection {
    Wanted wanted = Wanted::unknown;
    bool whole = false;  ///< all of its packets, not only those of commands
    bool is_over = false;
    bool is_logged_in = false;                 ///< its first command has been seen
    std::map<std::uint64_t, Frames> commands;  ///< under way, by id
    std::deque<Packet*> open;
  };

  static std::string key_of(const mysqlwire::capture::Endpoint& a,
                            const mysqlwire::capture::Endpoint& b);
  Connection& connection_of(const mysqlwire::capture::Conversation& conversation);
  /// Decides on open packets of a connection up to and with number `last`.
  static void decide(Connection& connection, std::uint64_t last, Fate fate);
  void release();
  void write(const Packet& packet);
  void flush();

  mysqlwire::capture::Dissector dissector_;
  mysqlwire::Buffer out_;
  cli::PcapngBlocks blocks_;
  std::vector<mysqlwire::capture::LinkType> interfaces_;
  std::unordered_map<std::string, Connection> connections_;
  std::deque<Packet> packets_;
  std::size_t held_ = 0;
  std::string newest_;  // connection of the packet that came last, where it may be nobody's
  std::FILE* file_ = nullptr;
  bool by_command_;
  bool failed_ = false;
};

}  // namespace pcapdecode
