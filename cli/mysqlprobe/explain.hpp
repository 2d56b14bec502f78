// What a packet is for, in a sentence.
#pragma once

#include <mysqlwire/capture/conversation.hpp>

#include <string>

namespace mysqlprobe {

/// Empty for packets that need no words (rows, definitions). May repeat names that a server sent:
/// not safe for a terminal as it is.
std::string explain(const mysqlwire::capture::Conversation& conversation,
                    const mysqlwire::capture::SeenMessage& message);

}  // namespace mysqlprobe
