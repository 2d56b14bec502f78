// What is asked of a server to know what it is among the others, and what the answers mean.
#pragma once

#include "proxy/pool/standing.hpp"
#include "proxy/session/text_result.hpp"

#include <mysqlwire/session/server_greeting.hpp>

#include <string>
#include <string_view>

namespace mysqlproxy {

/// One row: whether it can be written to. Anybody may ask. A member of a cluster that takes no
/// statement refuses this one too (refuses_statements()).
inline constexpr std::string_view read_only_query = "SELECT @@global.read_only";
/// A row for each server that it copies from. Wants REPLICATION CLIENT, of MariaDB since 10.5
/// SLAVE MONITOR.
std::string_view replication_query(const mysqlwire::ServerGreeting& server) noexcept;
/// Whether it is in step with its cluster. Of MariaDB; anybody may ask.
inline constexpr std::string_view cluster_query =
    "SHOW GLOBAL STATUS WHERE Variable_name IN"
    " ('wsrep_ready', 'wsrep_provider_name', 'wsrep_local_state')";

/// How many clients are there, and how many are at work; of any server, anybody may ask.
inline constexpr std::string_view threads_query =
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_connected', 'Threads_running')";
/// One row: how many there may be.
inline constexpr std::string_view most_threads_query = "SELECT @@global.max_connections";

/// Each takes one answer into `standing`. Returns what is strange about it; empty when nothing is.
std::string take_read_only(const TextResult& result, Standing& standing);
/// Instead of an answer: it belongs to a cluster and takes no statement just now.
bool refuses_statements(const TextResult& result) noexcept;
std::string take_replication(const TextResult& result, Standing& standing);
std::string take_cluster(const TextResult& result, Standing& standing);
std::string take_threads(const TextResult& status, const TextResult& most, Threads& threads);

}  // namespace mysqlproxy
