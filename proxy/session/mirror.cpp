#include "proxy/session/mirror.hpp"

#include "proxy/session/packet_io.hpp"

#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/query.hpp>

#include <algorithm>
#include <utility>

namespace mysqlproxy {
namespace {

using mysqlwire::Capability;
using mysqlwire::Direction;

/// How long a connection is kept with nothing to do.
constexpr std::chrono::milliseconds idle{30'000};
/// How long a pool that can't be had is left alone.
constexpr std::uint64_t pause = 5'000;
/// For one statement: who is slower than that does not keep up.
constexpr std::chrono::milliseconds patience{60'000};

}  // namespace

Mirror::Mirror(Loop& loop, std::shared_ptr<Pool> pool, Credentials credentials,
               SessionWishes wishes, std::chrono::milliseconds timeout)
    : loop_(loop),
      waker_(loop),
      pool_(std::move(pool)),
      credentials_(std::move(credentials)),
      wishes_(std::move(wishes)),
      timeout_(timeout),
      task_(run()) {
  // Nothing that a statement could ask its client for, nor several at once.
  for (const auto capability : {Capability::query_attributes, Capability::local_files,
                                Capability::multi_statements, Capability::session_track})
    wishes_.capabilities.clear(capability);
  reader_.set_max_payload(largest_packet);
  task_.start();
}

void Mirror::offer(Statement statement) {
  if (waiting_.size() >= most_statements || bytes_ + statement.text.size() > most_bytes) {
    statement.state->mirror_lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  bytes_ += statement.text.size();
  waiting_.push_back(std::move(statement));
  waker_.notify();
}

/// Takes one statement after the other until there is none for a while.
Task<void> Mirror::run() {
  Deadline deadline(loop_, waker_);
  for (;;) {
    deadline.set(idle);
    while (waiting_.empty() && !deadline.passed()) co_await waker_;
    if (waiting_.empty()) break;
    deadline.clear();
    const Statement statement = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= statement.text.size();
    bool good = co_await connect(statement.schema);
    if (good) good = co_await change_schema(statement.schema);
    if (good) {
      mysqlwire::Context context;
      context.capabilities = wishes_.capabilities;
      mysqlwire::Buffer payload;
      mysqlwire::Writer writer(payload);
      mysqlwire::ComQuery query;
      query.query = statement.text;
      query.encode(writer, context);
      good = co_await send(std::move(payload));
    }
    if (!good) give_up();
    auto& counter = good ? statement.state->mirrored : statement.state->mirror_lost;
    counter.fetch_add(1, std::memory_order_relaxed);
  }
  if (connection_) {
    constexpr std::uint8_t quit[] = {1, 0, 0, 0, 1};
    connection_->channel.send_command(quit);
    connection_.reset();
  }
}

void Mirror::give_up() {
  connection_.reset();
  reader_ = mysqlwire::FrameReader();
  reader_.set_max_payload(largest_packet);
  retry_at_ = loop_.now() + pause;
}

Task<bool> Mirror::connect(std::string_view schema) {
  if (connection_ && !connection_->channel.socket.peer_closed() &&
      (schema_ == schema || !schema.empty()))
    co_return true;
  connection_.reset();
  if (loop_.now() < retry_at_) co_return false;
  wishes_.schema = schema;
  ServerConnector connector(loop_, waker_, timeout_, OnBehalf());
  ConnectOutcome outcome = co_await connector.connect(*pool_, credentials_, wishes_);
  if (!outcome.connection) co_return false;
  connection_ = std::move(outcome.connection);
  connection_->channel.set_wiping(false);  // the login is over
  schema_ = schema;
  reader_ = mysqlwire::FrameReader();
  reader_.set_max_payload(largest_packet);
  co_return true;
}

Task<bool> Mirror::change_schema(const std::string& schema) {
  if (schema_ == schema) co_return true;
  mysqlwire::Context context;
  context.capabilities = wishes_.capabilities;
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  const mysqlwire::ComInitDb change{schema};
  change.encode(writer, context);
  const bool good = co_await send(std::move(payload));
  if (good) schema_ = schema;
  co_return good;
}

/// Sends a command and reads its answer to the end, whatever it says.
Task<bool> Mirror::send(mysqlwire::Buffer payload) {
  mysqlwire::Context context;
  context.capabilities = wishes_.capabilities;
  context.flavor = connection_->greeting.flavor();
  auto tracker = mysqlwire::Tracker::in_command_phase(context);
  const auto command = tracker.accept(
      {Direction::to_server, 0, static_cast<std::uint32_t>(payload.size()), payload});
  if (!command) co_return false;
  mysqlwire::Buffer packet;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(packet, payload, sequence_id);
  connection_->channel.send_command(packet);
  Deadline deadline(loop_, waker_);
  deadline.set(patience);
  while (!tracker.idle()) {
    const Reception got =
        co_await receive_packet(loop_, waker_, connection_->channel, reader_, deadline, nullptr);
    if (got.kind != Reception::Kind::packet) co_return false;
    const auto kind = tracker.accept(Direction::to_client, got.packet);
    if (!kind || tracker.expects_infile()) co_return false;
  }
  co_return true;
}

void Mirrors::offer(const std::shared_ptr<Pool>& pool, const Credentials& credentials,
                    const SessionWishes& wishes, std::chrono::milliseconds timeout,
                    Mirror::Statement statement) {
  std::erase_if(mirrors_, [](const Entry& entry) { return entry.mirror->done(); });
  auto found = std::ranges::find_if(mirrors_, [&](const Entry& entry) {
    return entry.pool == pool && entry.account == credentials.account();
  });
  if (found == mirrors_.end()) {
    if (mirrors_.size() >= most) {
      statement.state->mirror_lost.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    Credentials copy;
    copy.user = credentials.user;
    copy.server_user = credentials.server_user;
    copy.secret = credentials.secret.clone();
    copy.foreign = credentials.foreign;
    mirrors_.push_back({credentials.account(), pool,
                        std::make_unique<Mirror>(loop_, pool, std::move(copy), wishes, timeout)});
    found = mirrors_.end() - 1;
  }
  found->mirror->offer(std::move(statement));
}

}  // namespace mysqlproxy
