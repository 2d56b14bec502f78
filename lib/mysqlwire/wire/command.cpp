#include <mysqlwire/wire/ascii_detail.hpp>
#include <mysqlwire/wire/command.hpp>

namespace mysqlwire {

std::optional<Command> parse_command(std::string_view name) noexcept {
  for (unsigned byte = 0; byte <= 0xff; ++byte) {
    const auto command = static_cast<Command>(byte);
    const std::string_view known = to_string(command);
    if (!known.empty() && detail::equal_ignoring_case(name, known)) return command;
  }
  return std::nullopt;
}

}  // namespace mysqlwire
