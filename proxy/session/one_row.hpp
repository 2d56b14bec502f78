// Questions of the proxy's own whose answer is one row.
#pragma once

#include "proxy/lending/session_follower.hpp"

#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// COM_QUERY with this text.
mysqlwire::Buffer query_payload(std::string_view text, const mysqlwire::Context& context);

/// Takes the packets of an answer, as run_batch() shows them.
class OneRow {
 public:
  explicit OneRow(const mysqlwire::Context& context) : context_(context) {}

  void take(mysqlwire::PacketKind kind, mysqlwire::Bytes payload);
  /// Empty when there was none. Borrows from this object.
  std::span<const lending::ReportedValue> values();

 private:
  const mysqlwire::Context& context_;
  std::vector<lending::ReportedValue> values_;
  std::vector<std::optional<std::string>> texts_;
};

}  // namespace mysqlproxy
