// The fields of every message, as the library's decoders find them.
#pragma once

#include "cli/common/format.hpp"
#include "cli/pcapdecode/field_tree.hpp"

#include <mysqlwire/capture/conversation.hpp>

#include <string>

namespace pcapdecode {

/// Decodes the message once more, with the tree looking on; values of rows and parameters become
/// groups with their column, type and meaning, which `redact` may hide. Returns why it could not be
/// decoded to its end; empty when it could.
std::string collect_fields(FieldTree& tree, const mysqlwire::capture::Conversation& conversation,
                           const mysqlwire::capture::SeenMessage& message, cli::Redact redact);

/// Likewise for a PROXY protocol header.
std::string collect_proxy_fields(FieldTree& tree, mysqlwire::Bytes header);

}  // namespace pcapdecode
