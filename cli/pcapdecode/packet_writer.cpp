#include "cli/pcapdecode/packet_writer.hpp"

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

constexpr std::size_t flush_at = std::size_t{1} << 18;

// Without these later commands read otherwise, or not at all.
bool is_needed_later(const Conversation& conversation, const Exchange& exchange) {
  switch (exchange.command) {
    case Command::com_stmt_prepare:
    case Command::com_stmt_send_long_data:
    case Command::com_init_db:
    case Command::com_change_user:
    case Command::com_reset_connection: return true;
    case Command::com_query: {
      const auto kind = sql::classify(exchange.query, conversation.dialect()).kind;
      return kind == sql::StatementKind::set || kind == sql::StatementKind::use;
    }
    default: return false;
  }
}

// Other types than the statement had before.
bool brings_types(const SeenMessage& message) {
  if (message.bulk != nullptr) return true;
  if (message.execute == nullptr || message.statement == nullptr ||
      !message.execute->new_params_bind_flag)
    return false;
  std::size_t i = 0;
  for (const Parameter& parameter : message.execute->parameters) {
    if (i == message.execute->parameter_count) break;
    if (i >= message.statement->types.size() || message.statement->types[i] != parameter.type)
      return true;
    ++i;
  }
  return false;
}

// As files have it, whatever the system calls it.
LinkType link_of(LinkType type) noexcept {
  return type == LinkType::raw_12 || type == LinkType::raw_14 ? LinkType::raw : type;
}

}  // namespace

PacketWriter::PacketWriter(const std::string& path, bool by_command, unsigned digits)
    : blocks_(out_, digits), by_command_(by_command) {
  // The packets are somebody's data: readable by the owner only.
  const int file = path == "-"
                       ? ::dup(STDOUT_FILENO)
                       : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  file_ = file < 0 ? nullptr : ::fdopen(file, "wb");
  if (file_ != nullptr) return;
  const std::string reason = std::strerror(errno);
  if (file >= 0) ::close(file);
  throw std::runtime_error(path + ": " + reason);
}

PacketWriter::~PacketWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

std::string PacketWriter::key_of(const Endpoint& a, const Endpoint& b) {
  const auto bytes = [](const Endpoint& end) {
    std::string text(end.address.begin(), end.address.end());
    text += static_cast<char>(end.port >> 8);
    text += static_cast<char>(end.port & 0xff);
    text += end.is_v6 ? '6' : '4';
    return text;
  };
  const std::string first = bytes(a), second = bytes(b);
  return first < second ? first + second : second + first;
}

PacketWriter::Connection& PacketWriter::connection_of(const Conversation& conversation) {
  return connections_[key_of(conversation.client(), conversation.server())];
}

void PacketWriter::add_secrets(std::string_view key_log) { blocks_.add_secrets(key_log); }

void PacketWriter::add(const Frame& frame, std::uint64_t number) {
  Segment segment;
  const FrameKind kind = dissector_.dissect(frame.link, frame.bytes, frame.length, segment);
  if (kind != FrameKind::tcp && kind != FrameKind::fragment) return;
  newest_.clear();
  Packet packet;
  packet.number = number;
  packet.time = frame.time;
  packet.length = frame.length;
  packet.link = link_of(frame.link);
  packet.bytes.assign(frame.bytes.begin(), frame.bytes.end());
  Connection* connection = nullptr;
  if (kind == FrameKind::fragment) {
    packet.fate = Fate::written;
  } else {
    packet.connection = key_of(segment.source, segment.destination);
    connection = &connections_[packet.connection];
    constexpr std::uint8_t marks = tcp_flags::syn | tcp_flags::fin | tcp_flags::rst;
    const bool is_syn = (segment.flags & tcp_flags::syn) != 0;
    if (connection->is_over && is_syn) *connection = Connection();
    const bool is_bare =
        segment.payload.empty() && segment.cut == 0 && (segment.flags & marks) == 0;
    if (connection->wanted == Wanted::no) packet.fate = Fate::forgotten;
    if (connection->wanted == Wanted::yes && connection->whole) packet.fate = Fate::written;
    const bool is_unknown = connection->wanted == Wanted::unknown;
    if (is_bare && packet.fate == Fate::open &&
        (by_command_ || (is_unknown && connection->open.empty())))
      packet.fate = Fate::forgotten;
    // A connection on any port may begin with a PROXY header.
    if (is_unknown && !segment.payload.empty() && !ProxyHeader::size_in(segment.payload))
      newest_ = packet.connection;
    if (is_unknown && packet.fate == Fate::forgotten && connection->open.empty())
      connections_.erase(packet.connection);
  }
  if (packet.fate == Fate::forgotten) return;
  held_ += packet.bytes.size();
  packets_.push_back(std::move(packet));
  if (packets_.back().fate == Fate::open) connection->open.push_back(&packets_.back());
  release();
}

void PacketWriter::on_unclaimed() {
  const auto found = newest_.empty() ? connections_.end() : connections_.find(newest_);
  if (found == connections_.end() || found->second.wanted != Wanted::unknown) return;
  decide(found->second, std::numeric_limits<std::uint64_t>::max(), Fate::forgotten);
  connections_.erase(found);
  release();
}

void PacketWriter::decide(Connection& connection, std::uint64_t last, Fate fate) {
  while (!connection.open.empty() && connection.open.front()->number <= last) {
    Packet& packet = *connection.open.front();
    if (packet.fate == Fate::open) packet.fate = fate;
    connection.open.pop_front();
  }
}

void PacketWriter::on_connection(const Conversation& conversation, bool wanted) {
  Connection& connection = connection_of(conversation);
  connection.wanted = wanted ? Wanted::yes : Wanted::no;
  connection.whole = !by_command_;
  if (!wanted || connection.whole)
    decide(connection, std::numeric_limits<std::uint64_t>::max(),
           wanted ? Fate::written : Fate::forgotten);
}

void PacketWriter::on_tls(const Conversation& conversation) {
  Connection& connection = connection_of(conversation);
  if (connection.wanted != Wanted::yes) return;
  connection.whole = true;
  decide(connection, std::numeric_limits<std::uint64_t>::max(), Fate::written);
}

void PacketWriter::on_message(const Conversation& conversation, const SeenMessage& message) {
  if (message.exchange == nullptr) return;
  Connection& connection = connection_of(conversation);
  if (connection.wanted != Wanted::yes || connection.whole) return;
  const auto [first, last] = std::minmax(message.begin.frame, message.end.frame);
  if (!std::exchange(connection.is_logged_in, true) && first != 0)
    decide(connection, first - 1, Fate::written);
  const auto [at, is_new] =
      connection.commands.try_emplace(message.exchange->id, Frames{first, last, false});
  at->second.brings_types = at->second.brings_types || brings_types(message);
  at->second.first = std::min(at->second.first, first);
  at->second.last = std::max(at->second.last, last);
}

void PacketWriter::on_exchange(const Conversation& conversation, const Exchange& exchange,
                               bool wanted) {
  Connection& connection = connection_of(conversation);
  const auto found = connection.commands.find(exchange.id);
  if (connection.wanted != Wanted::yes || connection.whole || found == connection.commands.end())
    return;
  const Frames frames = found->second;
  connection.commands.erase(found);
  if (wanted || frames.brings_types || is_needed_later(conversation, exchange)) {
    for (Packet* packet : connection.open)
      if (packet->number >= frames.first && packet->number <= frames.last)
        packet->fate = Fate::written;
  }
  // What is in front of every command under way belongs to none.
  std::uint64_t settled = frames.last;
  for (const auto& [id, other] : connection.commands) settled = std::min(settled, other.first - 1);
  decide(connection, settled, Fate::forgotten);
  release();
}

void PacketWriter::on_end(const Conversation& conversation) {
  Connection& connection = connection_of(conversation);
  decide(connection, conversation.last().frame,
         connection.wanted == Wanted::yes ? Fate::written : Fate::forgotten);
  connection.commands.clear();
  connection.is_over = true;
  if (connection.open.empty())
    connections_.erase(key_of(conversation.client(), conversation.server()));
  release();
}

void PacketWriter::release() {
  while (!packets_.empty()) {
    Packet& packet = packets_.front();
    if (packet.fate == Fate::open) {
      if (held_ <= max_held) return;
      const auto found = connections_.find(packet.connection);
      Connection& connection = found->second;
      packet.fate = connection.wanted == Wanted::yes ? Fate::written : Fate::forgotten;
      connection.open.pop_front();  // its oldest, as it is the oldest of all
      if (connection.wanted == Wanted::unknown && connection.open.empty())
        connections_.erase(found);
    }
    if (packet.fate == Fate::written) write(packet);
    held_ -= packet.bytes.size();
    packets_.pop_front();
  }
}

void PacketWriter::write(const Packet& packet) {
  const auto found = std::find(interfaces_.begin(), interfaces_.end(), packet.link);
  const auto interface = static_cast<std::uint32_t>(found - interfaces_.begin());
  if (found == interfaces_.end()) {
    interfaces_.push_back(packet.link);
    blocks_.add_interface(packet.link);
  }
  blocks_.add_packet(interface, packet.time, packet.bytes, packet.length);
  if (out_.size() >= flush_at) flush();
}

void PacketWriter::flush() {
  if (std::fwrite(out_.data(), 1, out_.size(), file_) != out_.size()) failed_ = true;
  out_.clear();
}

bool PacketWriter::finish() {
  for (Packet& packet : packets_)
    if (packet.fate == Fate::open) packet.fate = Fate::forgotten;
  for (auto& [key, connection] : connections_) connection.open.clear();
  release();
  // Readers don't like a file without any.
  if (interfaces_.empty()) blocks_.add_interface(LinkType::ethernet);
  flush();
  if (std::fflush(file_) != 0) failed_ = true;
  return !failed_;
}

}  // namespace pcapdecode
