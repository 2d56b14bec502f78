// What is to become of a command that was not simply passed on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// An ERR for the client in place of the server's answer.
struct Refusal {
  std::uint16_t code = 0;
  std::string sqlstate;  ///< five characters
  std::string message;
};

/// Made for one command by rules and guard; a command without any of it goes on as it came.
struct Decision {
  std::optional<Refusal> refusal;
};

}  // namespace mysqlproxy
