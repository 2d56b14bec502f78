// TLS read from outside: what the handshake shows, and with the secrets what is inside.
#pragma once

#include "cli/pcapdecode/key_log.hpp"

#include <mysqlwire/capture/conversation.hpp>

#include <memory>

namespace pcapdecode {

/// A reader of one connection. The key log must outlive it; secrets may be added to it meanwhile.
std::unique_ptr<mysqlwire::capture::TlsReader> make_tls_reader(const KeyLog& key_log);

}  // namespace pcapdecode
