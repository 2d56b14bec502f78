// What a client that borrows its connections, and the servers that it borrows them of, agreed on.
#pragma once

#include "proxy/lending/server_traits.hpp"

#include <mysqlwire/wire/context.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace mysqlproxy {

struct Terms {
  mysqlwire::Context client_side;
  mysqlwire::Context server_side;
  lending::ServerTraits server;
};
using SharedTerms = std::shared_ptr<const Terms>;

/// The clients of a thread agree on the same few things: they share them, so that an idle one costs
/// less.
class TermsStore {
 public:
  /// The same as others have, where they have the same.
  SharedTerms share(const Terms& terms);
  std::size_t size() const noexcept { return known_.size(); }

 private:
  /// Clients with more kinds of terms than that have their own.
  static constexpr std::size_t most = 32;

  std::vector<std::weak_ptr<const Terms>> known_;
};

}  // namespace mysqlproxy
