// An answer to a statement that no server has seen.
#pragma once

#include "proxy/config/rule.hpp"

#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/status.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>

namespace mysqlproxy {

/// The packets of OK, or of a result set whose columns are all texts of utf8mb4. `binary`: for
/// COM_STMT_EXECUTE. The first packet gets `sequence_id`.
mysqlwire::Buffer fixed_answer(const RuleAnswer& answer, const mysqlwire::Context& context,
                               mysqlwire::StatusFlags status, bool binary,
                               std::uint8_t sequence_id);

}  // namespace mysqlproxy
