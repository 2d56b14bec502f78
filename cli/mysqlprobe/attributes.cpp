#include "cli/mysqlprobe/attributes.hpp"

#include <mysqlwire/wire/connection_attributes.hpp>

#include <sys/utsname.h>
#include <unistd.h>

#include <string>

namespace mysqlprobe {

mysqlwire::Buffer connection_attributes() {
  mysqlwire::Buffer block;
  mysqlwire::Writer writer(block);
  utsname system{};
  const bool known = ::uname(&system) == 0;
  const std::string pid = std::to_string(::getpid());
  const auto add = [&](std::string_view key, std::string_view value) {
    mysqlwire::write(writer, mysqlwire::ConnectionAttribute{key, value});
  };
  add("_client_name", "mysqlwire");
  add("_client_version", MYSQLWIRE_VERSION);
  add("_os", known ? system.sysname : "unknown");
  add("_platform", known ? system.machine : "unknown");
  add("_pid", pid);
  add("program_name", "mysqlprobe");
  return block;
}

}  // namespace mysqlprobe
