#include "proxy/lending/variables.hpp"

#include "proxy/lending/user_values.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mysqlproxy::lending {
namespace {

struct Entry {
  std::string_view name;
  VariableUse use;
};

// By name. What is not here is carried.
constexpr std::array entries = {
    // Follow the schema.
    Entry{"character_set_database", VariableUse::not_carried},
    Entry{"collation_database", VariableUse::not_carried},
    // A debug build's: belong to the connection's thread.
    Entry{"dbug", VariableUse::not_carried},
    Entry{"debug", VariableUse::not_carried},
    Entry{"debug_dbug", VariableUse::not_carried},
    Entry{"debug_sync", VariableUse::not_carried},
    // Counts of the last statement.
    Entry{"error_count", VariableUse::noise},
    // For one transaction.
    Entry{"gtid_next", VariableUse::one_shot},
    Entry{"gtid_seq_no", VariableUse::one_shot},
    Entry{"identity", VariableUse::last_insert_id},
    // What a binary log's player sets in front of each transaction.
    Entry{"immediate_server_version", VariableUse::one_shot},
    Entry{"in_transaction", VariableUse::noise},
    // For one INSERT.
    Entry{"insert_id", VariableUse::one_shot},
    Entry{"last_gtid", VariableUse::last_gtid},
    Entry{"last_insert_id", VariableUse::last_insert_id},
    Entry{"original_commit_timestamp", VariableUse::one_shot},
    Entry{"original_server_version", VariableUse::one_shot},
    // Of the connection itself.
    Entry{"proxy_user", VariableUse::noise},
    // A binary log's player again.
    Entry{"pseudo_replica_mode", VariableUse::one_shot},
    Entry{"pseudo_slave_mode", VariableUse::one_shot},
    Entry{"pseudo_thread_id", VariableUse::one_shot},
    // For the next RAND(); reported as 0.
    Entry{"rand_seed1", VariableUse::one_shot},
    Entry{"rand_seed2", VariableUse::one_shot},
    Entry{"session_track_gtids", VariableUse::tracking},
    Entry{"session_track_schema", VariableUse::tracking},
    Entry{"session_track_state_change", VariableUse::tracking},
    Entry{"session_track_system_variables", VariableUse::tracking},
    Entry{"session_track_transaction_info", VariableUse::tracking},
    // MySQL's progress of a statement.
    Entry{"statement_id", VariableUse::noise},
    // DEFAULT is reported as what it was before.
    Entry{"timestamp", VariableUse::by_text},
    Entry{"warning_count", VariableUse::noise},
};

// Old names that still work; each server has one or both.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> names = {{
    {"tx_isolation", "transaction_isolation"},
    {"tx_read_only", "transaction_read_only"},
    {"storage_engine", "default_storage_engine"},
    {"sql_low_priority_updates", "low_priority_updates"},
    {"sql_max_join_size", "max_join_size"},
    {"sql_big_tables", "big_tables"},
}};

}  // namespace

VariableUse use_of(std::string_view name) noexcept {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == entries.end() ? VariableUse::carried : found->use;
}

bool ties(std::string_view name, std::string_view value) noexcept {
  // Answers could not be read, with ASCII not being itself in them.
  if (name == "character_set_results")
    return value == "'ucs2'" || value == "'utf16'" || value == "'utf16le'" || value == "'utf32'";
  // The connection keeps profiles, and whether the last statement has inserted.
  if (name == "profiling" || name == "sql_auto_is_null") return value != "0" && value != "'OFF'";
  return false;
}

std::string_view other_name_of(std::string_view name) noexcept {
  for (const auto& [one, other] : names) {
    if (name == one) return other;
    if (name == other) return one;
  }
  return {};
}

bool is_plain_number(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  bool digit = false;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point && digit) {
      point = true;
    } else if (c < '0' || c > '9') {
      return false;
    } else {
      digit = true;
    }
  }
  return digit && text.back() != '.';
}

std::string quoted_text(std::string_view value) {
  const bool plain = std::all_of(value.begin(), value.end(),
                                 [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
  std::string sql;
  if (!plain) {
    sql = "CONVERT(X'" + to_hex(value) + "' USING utf8)";
    return sql;
  }
  sql = "'";
  for (const char c : value) {
    sql += c;
    if (c == '\'') sql += c;
  }
  sql += '\'';
  return sql;
}

std::string variable_value(std::string_view name, std::string_view value) {
  // Servers report NULL, which only this one can be, as nothing.
  if (name == "character_set_results" && value.empty()) return "NULL";
  // The name of a connection: the only string of these that may be a number.
  const bool is_text = name == "default_master_connection";
  if (!is_text && is_plain_number(value)) return std::string(value);
  // A value that stands for itself only without quotes.
  if (name == "system_versioning_asof" && value == "DEFAULT") return "DEFAULT";
  return quoted_text(value);
}

}  // namespace mysqlproxy::lending
