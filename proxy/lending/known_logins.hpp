// Logins that servers have agreed to not long ago.
#pragma once

#include "proxy/lending/loan_key.hpp"
#include "proxy/pool/pool.hpp"

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mysqlproxy::lending {

/// So that a client which has proved who it is need not wait for a server that would say the same
/// once more. One a thread.
class KnownLogins {
 public:
  /// An account that was locked meanwhile, or a schema that was dropped, is noticed after so long,
  /// or by the first statement.
  static constexpr std::chrono::milliseconds lifetime{60'000};
  static constexpr std::size_t most = 10'000;

  /// What the server's OK for this borrower and schema said to the proxy, by `now` of the loop's
  /// clock; empty: none.
  mysqlwire::Bytes find(const Pool& pool, const Borrower& who, std::string_view schema,
                        std::uint64_t now) const;
  void note(const Pool& pool, std::shared_ptr<const Borrower> who, std::string_view schema,
            mysqlwire::Bytes ok_payload, std::uint64_t now);

 private:
  struct Login {
    std::string pool;
    std::shared_ptr<const Borrower> who;
    std::string schema;
    mysqlwire::Buffer ok_payload;
    std::uint64_t until = 0;
  };
  std::unordered_multimap<std::size_t, Login> logins_;  ///< by the borrower's hash
};

}  // namespace mysqlproxy::lending
