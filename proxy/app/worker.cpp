#include "proxy/app/worker.hpp"

#include <unistd.h>

#include <system_error>
#include <utility>

namespace mysqlproxy {

void Worker::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

void Worker::adopt(Arrival arrival) {
  load_.fetch_add(1, std::memory_order_relaxed);
  loop_.post([this, arrival = std::move(arrival)]() mutable { begin(std::move(arrival)); });
}

void Worker::begin(Arrival arrival) {
  const int descriptor = arrival.descriptor;
  std::unique_ptr<Session> session;
  try {
    session = std::make_unique<Session>(*this, std::move(arrival));
  } catch (const std::system_error& error) {
    // No room in the epoll set: this client goes, the others stay.
    services_.log.error("a client can't be served", {{"reason", error.what()}});
    ::close(descriptor);
    load_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  Session& begun = *session;
  sessions_.emplace(&begun, std::move(session));
  begun.start();
}

void Worker::bury(Session& session) {
  const auto found = sessions_.find(&session);
  loop_.bury(std::move(found->second));
  sessions_.erase(found);
  load_.fetch_sub(1, std::memory_order_relaxed);
}

void Worker::drain() {
  loop_.post([this] {
    draining_ = true;
    for (const auto& [session, owned] : sessions_) session->drain();
    lender_.drain();
  });
}

void Worker::reconsider(std::function<void()> done) {
  loop_.post([this, done = std::move(done)] {
    lender_.reconsider();
    for (const auto& [session, owned] : sessions_) session->reconsider();
    if (done) done();
  });
}

void Worker::cut() {
  loop_.post([this] {
    for (const auto& [session, owned] : sessions_) session->cut();
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
  sessions_.clear();
  lender_.clear();
  mirrors_.clear();
}

void Worker::report_statistics(std::function<void(StatementReport)> taker) {
  loop_.post([this, taker = std::move(taker)] { taker(statistics_.report()); });
}

}  // namespace mysqlproxy
