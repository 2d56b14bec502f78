// Events of a binary log as text: their values, and the facts of one that fit a line.
#pragma once

#include <mysqlwire/binlog/rows.hpp>
#include <mysqlwire/binlog/table_map.hpp>
#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/wire/value.hpp>

#include <string>
#include <string_view>

namespace cli {

/// "TABLE_MAP_EVENT"; the number of a type that has no name.
std::string event_name(mysqlwire::binlog::EventType type);

/// A value of a row, not NULL, as text in UTF-8: labels of an ENUM or a SET where the log has them,
/// JSON as text, numbers as the server prints them. False when it is no text of its character set:
/// `out` then has the bytes. Where the log does not tell the character set, what is UTF-8 without
/// control characters is taken for text.
bool row_value_text(const mysqlwire::Value& value, const mysqlwire::binlog::Column& column,
                    std::string& out);

/// The column's name, or "@1" where the log does not tell.
std::string column_name(const mysqlwire::binlog::Table& table, std::size_t column);

/// What a line says of an event beside its name: appended, each fact with a blank in front. With
/// `values` false statements and the values of rows are hidden.
void append_event_facts(std::string& out, const mysqlwire::capture::Conversation& conversation,
                        const mysqlwire::capture::SeenMessage& message, bool values);

}  // namespace cli
