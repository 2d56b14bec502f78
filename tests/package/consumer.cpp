// A program outside the tree, built against the installed libraries. Uses the codec, the roles and
// (with CONSUMER_CRYPTO) the crypto library, each so that it has to be linked.
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/error_code.hpp>
#ifdef CONSUMER_CRYPTO
#include <mysqlwire/crypto/native_password.hpp>
#endif

#include <cstdio>
#include <string_view>

int main() {
  using namespace mysqlwire;

  Context context;
  context.capabilities = Capability::protocol_41;
  Buffer payload;
  Writer writer(payload);
  ErrPacket{error_codes::er_bad_db_error, "42000", "Unknown database 'x'"}.encode(writer, context);
  const auto packet = ErrPacket::decode(payload, context);
  if (!packet || packet->message != "Unknown database 'x'") return 1;
  if (error_name(packet->code) != "ER_BAD_DB_ERROR") return 2;
  if (collation_name(collations::utf8mb4_bin) != "utf8mb4_bin") return 3;
  if (to_string(Error{errc::truncated, 2, "OkPacket", "affected_rows"}).empty()) return 4;
  const Tracker tracker;
  if (sizeof(tracker) == 0) return 5;
#ifdef CONSUMER_CRYPTO
  const auto hash = crypto::native_hash("app");
  if (crypto::format_native_hash(hash).size() != 41) return 6;
  std::puts("mysqlwire and mysqlwire-crypto work");
#else
  std::puts("mysqlwire works");
#endif
  return 0;
}
