// The tls… keys of listeners and servers.
#pragma once

#include "proxy/config/table_reader.hpp"
#include "proxy/config/tls.hpp"

#include <string>

namespace mysqlproxy {

/// Reads them and tries the files that they name. Relative names are looked for in the folder of
/// `config_file`.
void read_tls(TableReader& reader, const std::string& config_file, ListenerTls& tls);
void read_tls(TableReader& reader, const std::string& config_file, ServerTls& tls);

}  // namespace mysqlproxy
