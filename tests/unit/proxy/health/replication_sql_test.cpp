#include "proxy/health/replication_sql.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using Strings = std::vector<std::string>;

TEST_CASE("each server is told in its own words", "[health][move]") {
  const ReplicationSource source{
      .host = "10.0.0.5", .port = 3306, .user = "copy", .password = "it's", .tls = false};
  const std::string mysql_gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5";
  SECTION("MySQL of old") {
    const ReplicationSql sql("8.0.15");
    CHECK(sql.copy_from(source, mysql_gtid) ==
          Strings{"CHANGE MASTER TO MASTER_HOST='10.0.0.5', MASTER_PORT=3306, MASTER_USER='copy', "
                  "MASTER_PASSWORD='it\\'s', MASTER_SSL=0, GET_MASTER_PUBLIC_KEY=1, "
                  "MASTER_AUTO_POSITION=1",
                  "START SLAVE"});
    CHECK(sql.set_writable() ==
          Strings{"SET GLOBAL super_read_only = 0", "SET GLOBAL read_only = 0"});
    CHECK(sql.wait_for(mysql_gtid, std::chrono::seconds(3)) ==
          "SELECT WAIT_FOR_EXECUTED_GTID_SET('" + mysql_gtid + "', 3)");
    CHECK(sql.status() == "SHOW SLAVE STATUS");
    CHECK(sql.stop_copying() == "STOP SLAVE");
    CHECK(sql.farewell().empty());
    CHECK(sql.stop_receiving() == "STOP SLAVE IO_THREAD");
    CHECK(sql.start_receiving() == "START SLAVE IO_THREAD");
  }
  SECTION("MySQL of today, where a replica keeps its account") {
    const ReplicationSql sql("8.4.2");
    CHECK(sql.copy_from({.host = "db2", .port = 3307}, "") ==
          Strings{"CHANGE REPLICATION SOURCE TO SOURCE_HOST='db2', SOURCE_PORT=3307, "
                  "SOURCE_AUTO_POSITION=1",
                  "START REPLICA"});
    CHECK(sql.forget_source() == "RESET REPLICA ALL");
    CHECK(sql.stop_copying() == "STOP REPLICA");
    CHECK(sql.stop_receiving() == "STOP REPLICA IO_THREAD");
    CHECK(sql.start_applying() == "START REPLICA SQL_THREAD");
  }
  SECTION("MariaDB, which is told what an old primary has") {
    const ReplicationSql sql("5.5.5-10.11.6-MariaDB");
    CHECK(sql.copy_from(source, "0-1-5") ==
          Strings{"SET GLOBAL gtid_slave_pos = '0-1-5'",
                  "CHANGE MASTER TO MASTER_HOST='10.0.0.5', MASTER_PORT=3306, MASTER_USER='copy', "
                  "MASTER_PASSWORD='it\\'s', MASTER_SSL=0, MASTER_USE_GTID=slave_pos",
                  "START SLAVE"});
    CHECK(sql.set_read_only() == Strings{"SET GLOBAL read_only = 1"});
    CHECK(sql.farewell() == "SELECT @@global.rpl_semi_sync_slave_kill_conn_timeout");
    CHECK(sql.set_farewell("5") == "SET GLOBAL rpl_semi_sync_slave_kill_conn_timeout = 5");
    CHECK(sql.wait_for("0-1-5", std::chrono::seconds(3)) == "SELECT MASTER_GTID_WAIT('0-1-5', 3)");
  }
}

TEST_CASE("privileges that a move needs are looked for", "[health][move]") {
  const ReplicationSql mysql("8.0.15");
  CHECK(mysql.missing_privileges({"GRANT ALL PRIVILEGES ON *.* TO `a`@`%`"}).empty());
  CHECK(mysql.missing_privileges({"GRANT RELOAD, SUPER ON *.* TO `a`@`%`"}).empty());
  CHECK(mysql
            .missing_privileges(
                {"GRANT RELOAD, REPLICATION CLIENT ON *.* TO `a`@`%`",
                 "GRANT REPLICATION_SLAVE_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.* TO `a`@`%`"})
            .empty());
  CHECK(mysql.missing_privileges({"GRANT RELOAD, REPLICATION CLIENT ON *.* TO `a`@`%`",
                                  "GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO `a`@`%`",
                                  "GRANT SUPER ON `shop`.* TO `a`@`%`"}) ==
        Strings{"REPLICATION_SLAVE_ADMIN"});
  const ReplicationSql mariadb("5.5.5-10.11.6-MariaDB");
  CHECK(mariadb.missing_privileges({"GRANT USAGE ON *.* TO `a`@`%`"}).size() == 4);
  CHECK(mariadb
            .missing_privileges({"GRANT RELOAD, READ_ONLY ADMIN, REPLICATION SLAVE ADMIN, "
                                 "SLAVE MONITOR ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD 'x'"})
            .empty());
  const ReplicationSql old("5.5.5-10.4.30-MariaDB");
  CHECK(old.missing_privileges({"GRANT RELOAD ON *.* TO `a`@`%`"}) == Strings{"SUPER"});
}
