// One connection of the rig's client: logged in, and then one command over and over.
#pragma once

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace mysqlwire::rig {

struct Account {
  std::string user;
  std::string password;
  std::string schema;
};

using Clock = std::chrono::steady_clock;

class Session {
 public:
  /// Connects and logs in, in clear. Throws std::runtime_error when that fails.
  Session(std::uint16_t port, const Account& account);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int socket() const { return socket_; }

  /// Takes a point select of sysbench's for its command, prepared or not, and executes it until the
  /// answer is the same twice: from then on every answer has to be that.
  void use_point_select(bool prepared);

  void send_command();
  /// Reads what is there. True when the answer is complete; throws when it is another one.
  bool receive();

  Clock::time_point sent;

 private:
  void log_in(const Account& account);
  Packet read_packet();
  /// Sends a command and reads to the end of its answer, which is returned whole.
  Buffer ask(Bytes command);
  std::uint32_t prepare(const std::string& sql);

  int socket_;
  Context context_;
  FrameReader reader_;
  Tracker tracker_;
  Buffer command_;
  Buffer answer_;
  std::size_t received_ = 0;
};

}  // namespace mysqlwire::rig
