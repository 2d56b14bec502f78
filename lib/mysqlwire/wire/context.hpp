// What a decoder must know beside the bytes: negotiated capabilities, flavor, limits, strictness.
#pragma once

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/field_observer.hpp>

#include <cstdint>

namespace mysqlwire {

/// Whose dialect the server speaks. Decoders go by capabilities; the flavor decides only where
/// both use the same bits differently.
enum class Flavor : std::uint8_t { mysql, mariadb };

/// Bounds on what a peer may announce. Each is checked before anything is allocated or looped over.
struct Limits {
  std::uint64_t max_payload = 64ULL << 20;  ///< bytes of one logical payload (max_allowed_packet)
  std::uint32_t max_columns = 4096;
  std::uint32_t max_parameters = 65535;
  std::uint32_t max_attributes_bytes = 65535;  ///< connection attributes, whole block
  // What a stranger may send in a login, in bytes. Servers name users of 128 characters at most.
  std::uint32_t max_user = 384;
  std::uint32_t max_schema = 256;
  std::uint32_t max_plugin_name = 64;
  std::uint32_t max_auth_response = 1024;  ///< one reply; RSA with a key of 8192 bits
  std::uint32_t max_auth_rounds = 8;       ///< AuthSwitchRequest and AuthMoreData of one login
  std::uint32_t max_pipelined_commands = 1024;
};

/// Everything that a MySQL layout depends on beside the bytes themselves. Cheap to copy; holds no
/// I/O. `notes` and `fields`, where given, must outlive the decode calls that use the context.
struct Context {
  Capabilities capabilities;  ///< the negotiated ones: client's AND server's
  Flavor flavor = Flavor::mysql;
  bool strict = false;  ///< turn notes into errors
  Limits limits{};
  Notes* notes = nullptr;           ///< where a lenient decode records what it accepted
  FieldObserver* fields = nullptr;  ///< is told of every field that is read
};

}  // namespace mysqlwire
