#include "proxy/session/second_chance.hpp"

#include "proxy/pool/second_thoughts.hpp"

#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Command;
using mysqlwire::sql::StatementKind;

namespace {

/// A refusal of it means that nothing of it was done: it is one statement, or the first of several,
/// and not a program of which one is in the middle.
bool is_refused_as_a_whole(const Inspection& inspection) {
  switch (inspection.command) {
    case Command::com_query:
    case Command::com_stmt_prepare:
    case Command::com_stmt_execute: break;
    default: return false;
  }
  switch (inspection.what->kind) {
    case StatementKind::unknown:
    case StatementKind::call:
    case StatementKind::execute: return false;
    default: return inspection.has_text();
  }
}

bool reads(const Inspection& inspection) {
  return inspection.what->kind == StatementKind::select && inspection.what->reads_only();
}

}  // namespace

void SecondChance::on_forward(const Inspection& inspection, bool free) {
  packets_.clear();
  refusal_ = Refusal::none;
  reads_ = false;
  if (is_out_of_question() || !free || !inspection.whole || !is_refused_as_a_whole(inspection))
    return;
  reads_ = terms_.lost_reads && reads(inspection);
  if (!reads_ && !terms_.read_only && !terms_.cluster) return;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(packets_, inspection.payload, sequence_id);
}

bool SecondChance::takes_back(mysqlwire::Bytes err_payload, const mysqlwire::Context& context) {
  if (packets_.empty() || tries_ >= most) return false;
  const auto err = mysqlwire::ErrPacket::decode(err_payload, context);
  if (!err) return false;
  if (terms_.cluster && refused_by_cluster(err->code, err->message))
    refusal_ = Refusal::out_of_step;
  else if (terms_.read_only && refused_as_read_only(err->code, err->message))
    refusal_ = Refusal::read_only;
  return refusal_ != Refusal::none;
}

mysqlwire::Buffer SecondChance::take() {
  ++tries_;
  return std::exchange(packets_, {});
}

void SecondChance::on_answered() noexcept {
  // A client at rest keeps no copy of something long.
  constexpr std::size_t kept = 512;
  tries_ = 0;
  if (packets_.capacity() > kept) mysqlwire::Buffer().swap(packets_);
  packets_.clear();
}

}  // namespace mysqlproxy
