// From the files of a command line to an observer.
#pragma once

#include "cli/pcapdecode/input.hpp"
#include "cli/pcapdecode/options.hpp"
#include "cli/pcapdecode/packet_writer.hpp"
#include "cli/pcapdecode/toolbox.hpp"

#include <mysqlwire/capture/onlooker.hpp>

#include <functional>
#include <string>

namespace pcapdecode {

/// Captures that are open, with the TLS secrets for them.
class Decoding {
 public:
  /// Opens what the options name. Throws InputError.
  explicit Decoding(const Options& options);

  bool is_live() const noexcept { return !options_.interface.empty(); }
  /// `call` is to be called before frames are waited for that come through a pipe.
  void on_wait(const std::function<void()>& call);
  /// Decimals of the time stamps.
  unsigned digits() const noexcept { return digits_; }
  /// The secrets that were named, as text.
  const std::string& key_log() const noexcept { return key_log_; }

  /// Decodes to the end, to the end of the frames that the filter lets through, or until
  /// `is_enough` says so. `packets` may be none.
  void run(mysqlwire::capture::Observer& observer, bool expand_parameters,
           const std::function<bool()>& is_enough, PacketWriter* packets);

  const mysqlwire::capture::Onlooker::Counters& counters() const noexcept { return counters_; }
  /// Why captures ended before their end: a line for each.
  std::string cuts() const;

 private:
  void take_secrets(PacketWriter* packets);

  const Options& options_;
  Captures captures_;
  Tools tools_;
  std::string key_log_;
  unsigned digits_ = 6;
  mysqlwire::capture::Onlooker::Counters counters_;
};

}  // namespace pcapdecode
