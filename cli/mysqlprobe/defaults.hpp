// What option files set.
#pragma once

#include "cli/mysqlprobe/option_file.hpp"
#include "cli/mysqlprobe/options.hpp"

#include <string>

namespace mysqlprobe {

/// Reads `path`, or, where that is empty, what the stock clients read: /etc/my.cnf,
/// /etc/mysql/my.cnf, ~/.my.cnf. Groups [client], [client-server], [client-mariadb], [mysqlprobe].
/// Throws OptionFileError.
OptionFiles read_option_files(const std::string& path);

/// What the command line said already and a file must not change.
struct Settled {
  bool tls = false;
  bool timeout = false;
};

/// Fills in what the command line left open. Options of the stock clients that mean nothing here
/// are passed over in the groups of all clients; in [mysqlprobe] they are errors. Throws
/// OptionFileError.
void apply_option_files(const OptionFiles& files, Options& options, const Settled& settled);

}  // namespace mysqlprobe
