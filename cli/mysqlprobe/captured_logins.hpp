// Logins out of a capture.
#pragma once

#include "cli/mysqlprobe/credentials.hpp"

#include <string>
#include <vector>

namespace mysqlprobe {

/// Every login whose salt and answer are in the file (pcap, pcapng; plain, gzip, zstd). At most
/// 10,000. Throws CredentialError when it can't be read.
std::vector<CapturedLogin> read_logins(const std::string& path);

}  // namespace mysqlprobe
