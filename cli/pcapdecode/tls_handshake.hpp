// The parts of TLS handshakes that travel in clear.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace pcapdecode {

struct ClientHello {
  std::array<std::uint8_t, 32> random{};
  std::string server_name;
};

struct ServerHello {
  std::array<std::uint8_t, 32> random{};
  std::uint16_t version = 0;  ///< what was agreed on: 0x0303, 0x0304
  std::uint16_t cipher_suite = 0;
  bool encrypt_then_mac = false;
  bool is_retry = false;  ///< HelloRetryRequest: the real one follows
};

/// The bodies of handshake messages; nothing when they can't be read.
///
/// Source: RFC 8446, section 4.1; RFC 5246, section 7.4.1
std::optional<ClientHello> read_client_hello(mysqlwire::Bytes body);
std::optional<ServerHello> read_server_hello(mysqlwire::Bytes body);

/// "TLSv1.2"
std::string tls_version_name(std::uint16_t version);

/// The subject of the first certificate of a Certificate message, as one line; empty when there is
/// none that can be read.
std::string certificate_subject(mysqlwire::Bytes body, bool is_13);

}  // namespace pcapdecode
