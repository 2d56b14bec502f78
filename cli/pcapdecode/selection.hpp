// Lets through what was asked for.
#pragma once

#include "cli/common/output.hpp"
#include "cli/pcapdecode/format.hpp"
#include "cli/pcapdecode/options.hpp"
#include "cli/pcapdecode/packet_writer.hpp"

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace pcapdecode {

/// Stands between the onlooker and a format. Whether a message is shown may depend on how its
/// command turns out: until then what the format wrote is kept, up to max_held bytes a connection.
class Selection final : public mysqlwire::capture::Observer {
 public:
  static constexpr std::size_t max_held = std::size_t{16} << 20;

  /// `packets`, where given, is told which packets are wanted.
  Selection(const Filter& filter, Format& format, Output& output, PacketWriter* packets = nullptr);

  void on_connection(const mysqlwire::capture::Conversation& conversation) override;
  void on_tls(const mysqlwire::capture::Conversation& conversation,
              const mysqlwire::capture::TlsInfo& info,
              const mysqlwire::capture::Origin& origin) override;
  void on_message(const mysqlwire::capture::Conversation& conversation,
                  const mysqlwire::capture::SeenMessage& message) override;
  void on_columns(const mysqlwire::capture::Conversation& conversation,
                  const mysqlwire::capture::SeenMessage& last,
                  const mysqlwire::capture::Definitions& definitions) override;
  void on_exchange(const mysqlwire::capture::Conversation& conversation,
                   const mysqlwire::capture::Exchange& exchange) override;
  void on_problem(const mysqlwire::capture::Conversation& conversation,
                  const mysqlwire::capture::Problem& problem,
                  const mysqlwire::capture::Origin& origin) override;
  void on_end(const mysqlwire::capture::Conversation& conversation,
              mysqlwire::capture::TcpStream::End how) override;

  std::uint64_t problems() const noexcept { return problems_; }

 private:
  bool is_selected(const mysqlwire::capture::Conversation& conversation) const;
  bool is_selected(const mysqlwire::capture::Conversation& conversation,
                   const mysqlwire::capture::Exchange& exchange) const;
  /// Sends what the format writes about a command into the connection's held text.
  std::string* held(const mysqlwire::capture::Conversation& conversation,
                    const mysqlwire::capture::Exchange* exchange);

  Filter filter_;
  Format& format_;
  Output& output_;
  PacketWriter* packets_;
  std::unique_ptr<re2::RE2> pattern_;
  // By connection and command.
  std::unordered_map<std::uint64_t, std::unordered_map<std::uint64_t, std::string>> held_;
  std::uint64_t problems_ = 0;
  bool by_exchange_;
};

}  // namespace pcapdecode
