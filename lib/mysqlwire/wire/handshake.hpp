// The messages of the connection phase, all in one include.
#pragma once

#include <mysqlwire/wire/auth.hpp>                   // IWYU pragma: export
#include <mysqlwire/wire/com_change_user.hpp>        // IWYU pragma: export
#include <mysqlwire/wire/connection_attributes.hpp>  // IWYU pragma: export
#include <mysqlwire/wire/handshake_response320.hpp>  // IWYU pragma: export
#include <mysqlwire/wire/handshake_response41.hpp>   // IWYU pragma: export
#include <mysqlwire/wire/handshake_v10.hpp>          // IWYU pragma: export
#include <mysqlwire/wire/ssl_request.hpp>            // IWYU pragma: export
