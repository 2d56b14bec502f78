#include <mysqlwire/wire/error_code.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>
#include <utility>

using namespace mysqlwire;

namespace {

struct Constant {
  std::string_view constant;
  std::string_view name;
  std::uint16_t code;
};

constexpr Constant constants[] = {
#define MYSQLWIRE_ERROR(servers, number, constant, name, sql_state) \
  {#constant, #name, error_codes::constant},
#include <mysqlwire/wire/error_code.def>
#undef MYSQLWIRE_ERROR
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

}  // namespace

TEST_CASE("error codes have the headers' names and the servers' SQLSTATEs", "[error_code]") {
  struct Fact {
    std::uint16_t code;
    std::string_view name;
    std::string_view sql_state;
  };
  const auto fact = GENERATE(values<Fact>({
      {error_codes::er_con_count_error, "ER_CON_COUNT_ERROR", "08004"},
      {error_codes::er_handshake_error, "ER_HANDSHAKE_ERROR", "08S01"},
      {error_codes::er_dbaccess_denied_error, "ER_DBACCESS_DENIED_ERROR", "42000"},
      {error_codes::er_access_denied_error, "ER_ACCESS_DENIED_ERROR", "28000"},
      {error_codes::er_no_db_error, "ER_NO_DB_ERROR", "3D000"},
      {error_codes::er_unknown_com_error, "ER_UNKNOWN_COM_ERROR", "08S01"},
      {error_codes::er_bad_db_error, "ER_BAD_DB_ERROR", "42000"},
      {error_codes::er_server_shutdown, "ER_SERVER_SHUTDOWN", "08S01"},
      {error_codes::er_dup_entry, "ER_DUP_ENTRY", "23000"},
      {error_codes::er_parse_error, "ER_PARSE_ERROR", "42000"},
      {error_codes::er_unknown_error, "ER_UNKNOWN_ERROR", "HY000"},
      {error_codes::er_no_such_table, "ER_NO_SUCH_TABLE", "42S02"},
      {error_codes::er_net_packet_too_large, "ER_NET_PACKET_TOO_LARGE", "08S01"},
      {error_codes::er_net_packets_out_of_order, "ER_NET_PACKETS_OUT_OF_ORDER", "08S01"},
      {error_codes::er_lock_deadlock, "ER_LOCK_DEADLOCK", "40001"},
      {error_codes::er_not_supported_auth_mode, "ER_NOT_SUPPORTED_AUTH_MODE", "08004"},
      {error_codes::er_query_interrupted, "ER_QUERY_INTERRUPTED", "70100"},
      {error_codes::er_malformed_packet, "ER_MALFORMED_PACKET", "HY000"},
      {error_codes::er_cant_execute_in_read_only_transaction,
       "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION", "25006"},
      {error_codes::cr_server_lost, "CR_SERVER_LOST", "HY000"},
      {error_codes::ee_out_of_fileresources, "EE_OUT_OF_FILERESOURCES", "HY000"},
  }));
  for (const Flavor flavor : {Flavor::mysql, Flavor::mariadb}) {
    CHECK(error_name(fact.code, flavor) == fact.name);
    CHECK(error_sql_state(fact.code, flavor) == fact.sql_state);
  }
  CHECK_FALSE(is_ambiguous(fact.code));
}

TEST_CASE("error codes are the documented numbers", "[error_code]") {
  CHECK(error_codes::er_hashchk == 1000);
  CHECK(error_codes::er_access_denied_error == 1045);
  CHECK(error_codes::er_net_packets_out_of_order == 1156);
  CHECK(error_codes::er_malformed_packet == 1835);
  CHECK(error_codes::er_connection_killed == 1927);
  CHECK(error_codes::cr_server_gone_error == 2006);
  CHECK(error_codes::cr_auth_plugin_err == 2061);
  CHECK(error_codes::er_query_timeout == 3024);
  CHECK(error_codes::er_client_local_files_disabled == 3948);
  CHECK(error_codes::er_client_interaction_timeout == 4031);
  CHECK(error_codes::er_slave_same_id == 4052);
  CHECK(error_codes::er_language_component == 6000);
  CHECK(error_codes::er_server_offline_mode_reason == 6400);
}

TEST_CASE("codes that differ between the servers are told apart", "[error_code]") {
  CHECK(is_ambiguous(4031));
  CHECK(error_name(4031) == "ER_CLIENT_INTERACTION_TIMEOUT");
  CHECK(error_name(4031, Flavor::mariadb) == "ER_REFERENCED_TRG_DOES_NOT_EXIST");
  CHECK(error_name(3011) == "ER_REFERENCED_TRG_DOES_NOT_EXIST");
  CHECK(error_codes::er_referenced_trg_does_not_exist == 3011);
  CHECK(error_codes::er_referenced_trg_does_not_exist_mariadb == 4031);
  CHECK(parse_error_name("ER_REFERENCED_TRG_DOES_NOT_EXIST") == 3011);
  CHECK(parse_error_name("ER_REFERENCED_TRG_DOES_NOT_EXIST", Flavor::mariadb) == 4031);

  // One server's code alone has its name whoever is asked.
  CHECK_FALSE(is_ambiguous(1927));
  CHECK(error_name(1927) == "ER_CONNECTION_KILLED");
  CHECK(error_sql_state(1927) == "70100");
  CHECK(error_name(1862, Flavor::mariadb) == error_name(1862));

  // One name and code, two SQLSTATEs.
  CHECK(error_sql_state(1133) == "42000");
  CHECK(error_sql_state(1133, Flavor::mariadb) == "28000");
  CHECK(error_sql_state(1366) == "HY000");
  CHECK(error_sql_state(1366, Flavor::mariadb) == "22007");
  CHECK(error_sql_state(1369, Flavor::mariadb) == "44000");
  CHECK(error_sql_state(1446, Flavor::mariadb) == "0L000");
}

TEST_CASE("unknown error codes have no name and HY000", "[error_code]") {
  for (const std::uint16_t code : std::array<std::uint16_t, 6>{0, 8, 999, 2999, 9001, 65535}) {
    CHECK(error_name(code).empty());
    CHECK(error_sql_state(code) == "HY000");
    CHECK_FALSE(is_ambiguous(code));
  }
  CHECK_FALSE(parse_error_name("").has_value());
  CHECK_FALSE(parse_error_name("ER_").has_value());
  CHECK_FALSE(parse_error_name("ER_ACCESS_DENIED_ERRO").has_value());
  CHECK(parse_error_name("er_access_denied_error") == 1045);
}

TEST_CASE("the table of error codes is sorted, unique and consistent", "[error_code]") {
  const auto table = all_error_codes();
  REQUIRE(table.size() == std::size(constants));
  CHECK(table.size() > 2300);

  std::set<std::pair<std::string_view, bool>> names;
  std::size_t ambiguous = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ErrorCodeInfo& info = table[i];
    INFO(info.code << " " << info.name);
    CHECK((info.in_mysql || info.in_mariadb));
    if (i > 0 && table[i - 1].code == info.code) {
      ++ambiguous;
      CHECK(table[i - 1].in_mysql);
      CHECK_FALSE(table[i - 1].in_mariadb);
      CHECK_FALSE(info.in_mysql);
      CHECK(table[i - 1].name != info.name);
    } else if (i > 0) {
      CHECK(table[i - 1].code < info.code);
    }
    if (info.in_mysql) CHECK(names.emplace(info.name, true).second);
    if (info.in_mariadb) CHECK(names.emplace(info.name, false).second);

    CHECK(info.sql_state.size() == 5);
    CHECK(std::ranges::all_of(info.sql_state,
                              [](unsigned char c) { return std::isdigit(c) || std::isupper(c); }));
    for (const Flavor flavor : {Flavor::mysql, Flavor::mariadb}) {
      if (flavor == Flavor::mysql ? !info.in_mysql : !info.in_mariadb) continue;
      CHECK(error_name(info.code, flavor) == info.name);
      CHECK(parse_error_name(info.name, flavor) == info.code);
    }

    // The constant is the name in lower case, without the pairs of _ that C++ reserves.
    CHECK(constants[i].code == info.code);
    std::string expected = lower(constants[i].name);
    if (const auto pair = expected.find("__"); pair != std::string::npos) expected.erase(pair, 1);
    if (constants[i].constant.ends_with("_mariadb") && !expected.ends_with("_mariadb"))
      expected += "_mariadb";
    CHECK(constants[i].constant == expected);
  }
  CHECK(ambiguous > 150);
}
