// What a command needs to be done once more, when the server that had it first has not done it.
#pragma once

#include "proxy/statement/inspection.hpp"

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>

namespace mysqlproxy {

/// For a session that borrows: its command goes to another server, and its client does not notice,
/// when the first one has refused it because it is not the one to ask any more; or, when that is
/// asked for, when the first one is lost and the command did nothing but read. Keeps a copy of the
/// command while it is under way. Pure.
class SecondChance {
 public:
  /// Where the connection comes from.
  struct Terms {
    bool read_only = false;  ///< of a pool with a primary: a refusal to write is for that one
    bool cluster = false;    ///< a member of a cluster: so is one to do anything
    bool lost_reads = false;
  };
  enum class Refusal : std::uint8_t { none, read_only, out_of_step };

  void set_terms(Terms terms) noexcept { terms_ = terms; }
  /// Whatever the command is, it gets none.
  bool is_out_of_question() const noexcept {
    return !terms_.read_only && !terms_.cluster && !terms_.lost_reads;
  }

  /// The command goes to the server now. `free`: the session has nothing on its connection that
  /// another one could not have, and commits each statement by itself.
  void on_forward(const Inspection& inspection, bool free);
  /// The whole answer is this ERR. True: the command is to be repeated.
  bool takes_back(mysqlwire::Bytes err_payload, const mysqlwire::Context& context);
  /// The command may be repeated when its server has gone before it said anything.
  bool survives_loss() const noexcept { return reads_ && !packets_.empty() && tries_ < most; }
  /// Why the answer was taken back.
  Refusal refusal() const noexcept { return refusal_; }
  /// The packets of the command, for Relay::repeat(); once.
  mysqlwire::Buffer take();
  /// The command is answered.
  void on_answered() noexcept;

 private:
  static constexpr int most = 5;  ///< times, should they all say that of each other

  Terms terms_;
  mysqlwire::Buffer packets_;
  Refusal refusal_ = Refusal::none;
  int tries_ = 0;
  bool reads_ = false;
};

}  // namespace mysqlproxy
