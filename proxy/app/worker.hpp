// One data thread and the sessions on it.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/lending/image_store.hpp"
#include "proxy/lending/known_logins.hpp"
#include "proxy/lending/lender.hpp"
#include "proxy/lending/statements.hpp"
#include "proxy/session/compressed_link.hpp"
#include "proxy/session/mirror.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/terms.hpp"
#include "proxy/statistics/statistics.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>

namespace mysqlproxy {

/// Shares nothing with the other workers but Services. Sessions stay on the worker that they began
/// on, and so do their server connections.
class Worker {
 public:
  /// The `index`th of `threads`, from 0.
  explicit Worker(Services& services, unsigned index = 0, unsigned threads = 1)
      : services_(services), lender_(loop_, services, &compressors_, index, threads) {}
  ~Worker() { stop(); }

  // From any thread.
  void start();
  /// Takes over a client. Its descriptor belongs to the worker from here on.
  void adopt(Arrival arrival);
  /// Sessions that adopt() was called for and that are not over.
  std::uint32_t load() const noexcept { return load_.load(std::memory_order_relaxed); }
  /// Sessions end as soon as nothing of theirs is under way.
  void drain();
  /// What is known of the servers has changed: sessions whose server is not the right one any more
  /// end as soon as nothing of theirs is under way. `done` is called on the worker's thread when
  /// all of them know.
  void reconsider(std::function<void()> done = {});
  /// Sessions end now.
  void cut();
  /// Has the thread's statistics handed to `taker`, on the worker's thread.
  void report_statistics(std::function<void(StatementReport)> taker);
  /// What its lender counts.
  const lending::Figures& lending() const noexcept { return lender_.figures(); }
  /// Ends the thread; what sessions are left end with it.
  void stop();

  // From the worker's own thread, for its sessions.
  Loop& loop() noexcept { return loop_; }
  Services& services() noexcept { return services_; }
  Compressors& compressors() noexcept { return compressors_; }
  StatementStatistics& statistics() noexcept { return statistics_; }
  ShapeCache& shapes() noexcept { return shapes_; }
  Mirrors& mirrors() noexcept { return mirrors_; }
  lending::ImageStore& images() noexcept { return images_; }
  lending::StatementSources& statement_sources() noexcept { return statement_sources_; }
  TermsStore& terms() noexcept { return terms_; }
  lending::Borrowers& borrowers() noexcept { return borrowers_; }
  lending::KnownLogins& known_logins() noexcept { return known_logins_; }
  lending::Lender& lender() noexcept { return lender_; }
  bool draining() const noexcept { return draining_; }
  void bury(Session& session);

 private:
  void begin(Arrival arrival);

  Services& services_;
  Loop loop_;
  Compressors compressors_;
  StatementStatistics statistics_{1};  ///< its limit comes with the configuration
  ShapeCache shapes_;
  Mirrors mirrors_{loop_};
  lending::ImageStore images_;
  lending::StatementSources statement_sources_;
  TermsStore terms_;
  lending::Borrowers borrowers_;
  lending::KnownLogins known_logins_;
  lending::Lender lender_;
  std::unordered_map<Session*, std::unique_ptr<Session>> sessions_;
  std::atomic<std::uint32_t> load_ = 0;
  bool draining_ = false;
  std::thread thread_;
};

}  // namespace mysqlproxy
