// The header that load balancers put in front of a connection (PROXY protocol), as text.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace mysqlwire::capture {

/// What stands in front of a client's bytes.
struct ProxyHeader {
  enum class State : std::uint8_t {
    none,        ///< no header
    incomplete,  ///< more bytes are needed to say
    present,
  };

  State state = State::none;
  std::size_t size = 0;  ///< of the header; 0 unless present
  std::string text;      ///< "v1 TCP4 192.0.2.1:5000 198.51.100.1:3306", "v2 LOCAL"
};

/// Reads a header of version 1 or 2 from the start of a stream. Nothing is verified beyond its
/// form.
///
/// Source: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
ProxyHeader read_proxy_header(Bytes bytes);

}  // namespace mysqlwire::capture
