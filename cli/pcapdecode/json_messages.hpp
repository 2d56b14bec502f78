// The members of the JSON line of each message, beside those that every line has.
#pragma once

#include "cli/pcapdecode/json_writer.hpp"

#include <mysqlwire/capture/conversation.hpp>

namespace pcapdecode {

void write_command(JsonWriter& json, const mysqlwire::capture::Conversation& conversation,
                   const mysqlwire::capture::SeenMessage& message);

// Logins.
void write_greeting(JsonWriter& json, const mysqlwire::capture::SeenMessage& message,
                    const mysqlwire::Context& context);
void write_login(JsonWriter& json, const mysqlwire::capture::SeenMessage& message,
                 const mysqlwire::Context& context);
void write_auth_more(JsonWriter& json, const mysqlwire::capture::SeenMessage& message);
void write_auth_response(JsonWriter& json, const mysqlwire::capture::Conversation& conversation,
                         const mysqlwire::capture::SeenMessage& message);

// Answers.
void write_columns(JsonWriter& json, const mysqlwire::capture::Conversation& conversation,
                   const mysqlwire::capture::Definitions& definitions);
void write_row(JsonWriter& json, const mysqlwire::capture::Conversation& conversation,
               const mysqlwire::capture::SeenMessage& message);
void write_ok(JsonWriter& json, const mysqlwire::capture::SeenMessage& message,
              const mysqlwire::Context& context);
/// The end of a result set, in either form.
void write_end(JsonWriter& json, const mysqlwire::capture::SeenMessage& message,
               const mysqlwire::Context& context);
void write_error(JsonWriter& json, const mysqlwire::capture::SeenMessage& message,
                 const mysqlwire::Context& context);
void write_prepare_ok(JsonWriter& json, const mysqlwire::capture::SeenMessage& message,
                      const mysqlwire::Context& context);
void write_progress(JsonWriter& json, const mysqlwire::capture::SeenMessage& message,
                    const mysqlwire::Context& context);

// Replication.
void write_event(JsonWriter& json, const mysqlwire::capture::Conversation& conversation,
                 const mysqlwire::capture::SeenMessage& message);
void write_semi_sync_ack(JsonWriter& json, const mysqlwire::capture::SeenMessage& message,
                         const mysqlwire::Context& context);

}  // namespace pcapdecode
