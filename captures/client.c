/* What no command line client does: prepared statements with cursors, bulk execution, a change of
 * user and so on, by MariaDB Connector/C. Used by captures/record, which builds it:
 *
 *     cc client.c $(mariadb_config --include --libs) -o client
 *     client PORT USER PASSWORD SCENARIO
 */
#include <mysql.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static MYSQL *mysql;

static void fail(const char *what, const char *error) {
  fprintf(stderr, "%s: %s\n", what, error);
  exit(1);
}

/* All results of a statement; its errors are part of the scenario. */
static void query(const char *sql) {
  if (mysql_query(mysql, sql)) return;
  do {
    MYSQL_RES *result = mysql_store_result(mysql);
    if (result) mysql_free_result(result);
  } while (mysql_next_result(mysql) == 0);
}

static MYSQL_STMT *prepare(const char *sql) {
  MYSQL_STMT *stmt = mysql_stmt_init(mysql);
  if (mysql_stmt_prepare(stmt, sql, (unsigned long)strlen(sql))) fail(sql, mysql_stmt_error(stmt));
  return stmt;
}

static void execute(MYSQL_STMT *stmt) {
  if (mysql_stmt_execute(stmt)) fail("execute", mysql_stmt_error(stmt));
}

static void fetch_all(MYSQL_STMT *stmt) {
  do {
    int got = 0;
    while (mysql_stmt_field_count(stmt) != 0 && (got == 0 || got == MYSQL_DATA_TRUNCATED))
      got = mysql_stmt_fetch(stmt);
    mysql_stmt_free_result(stmt);
  } while (mysql_stmt_more_results(stmt) && mysql_stmt_next_result(stmt) == 0);
}

/* Rows of the table `every` (captures/record makes it) in the binary protocol. */
static void binary_rows(void) {
  MYSQL_STMT *stmt = prepare("SELECT * FROM every WHERE id > ? ORDER BY id");
  MYSQL_BIND bind;
  int zero = 0;
  memset(&bind, 0, sizeof bind);
  bind.buffer_type = MYSQL_TYPE_LONG;
  bind.buffer = &zero;
  mysql_stmt_bind_param(stmt, &bind);
  execute(stmt);
  fetch_all(stmt);
  mysql_stmt_close(stmt);
}

static void parameters(void) {
  MYSQL_STMT *stmt = prepare("SELECT ?, ?, ?, ?, ?, ?, ?, ?");
  MYSQL_BIND bind[8];
  signed char tiny = -7;
  unsigned short small = 65535;
  long long big = -9223372036854775807LL - 1;
  unsigned long long huge = 18446744073709551615ULL;
  double real = 0.1;
  MYSQL_TIME when = {2024, 2, 29, 23, 59, 58, 123456, 0, MYSQL_TIMESTAMP_DATETIME};
  char text[] = "Gr\xc3\xbc\xc3\x9f" "e";
  my_bool is_null = 1;
  memset(bind, 0, sizeof bind);
  bind[0].buffer_type = MYSQL_TYPE_TINY;
  bind[0].buffer = &tiny;
  bind[1].buffer_type = MYSQL_TYPE_SHORT;
  bind[1].buffer = &small;
  bind[1].is_unsigned = 1;
  bind[2].buffer_type = MYSQL_TYPE_LONGLONG;
  bind[2].buffer = &big;
  bind[3].buffer_type = MYSQL_TYPE_LONGLONG;
  bind[3].buffer = &huge;
  bind[3].is_unsigned = 1;
  bind[4].buffer_type = MYSQL_TYPE_DOUBLE;
  bind[4].buffer = &real;
  bind[5].buffer_type = MYSQL_TYPE_DATETIME;
  bind[5].buffer = &when;
  bind[6].buffer_type = MYSQL_TYPE_STRING;
  bind[6].buffer = text;
  bind[6].buffer_length = sizeof text - 1;
  bind[7].buffer_type = MYSQL_TYPE_LONG;
  bind[7].buffer = &tiny;
  bind[7].is_null = &is_null;
  mysql_stmt_bind_param(stmt, bind);
  execute(stmt);
  fetch_all(stmt);
  execute(stmt); /* again: without the types */
  fetch_all(stmt);
  mysql_stmt_close(stmt);
}

static void cursor(void) {
  const unsigned long type = CURSOR_TYPE_READ_ONLY;
  const unsigned long rows = 2;
  MYSQL_STMT *stmt = mysql_stmt_init(mysql);
  const char *sql = "SELECT id, name FROM t ORDER BY id";
  query("INSERT INTO t (id, name) VALUES (1,'one'),(2,'two'),(3,'three'),(4,'four'),(5,NULL)");
  mysql_stmt_attr_set(stmt, STMT_ATTR_CURSOR_TYPE, &type);
  mysql_stmt_attr_set(stmt, STMT_ATTR_PREFETCH_ROWS, &rows);
  if (mysql_stmt_prepare(stmt, sql, (unsigned long)strlen(sql)))
    fail("prepare", mysql_stmt_error(stmt));
  execute(stmt);
  while (mysql_stmt_fetch(stmt) == 0) {
  }
  mysql_stmt_reset(stmt);
  execute(stmt);
  mysql_stmt_fetch(stmt);
  mysql_stmt_close(stmt); /* with rows left */
  query("DELETE FROM t");
}

static void long_data(void) {
  MYSQL_STMT *stmt = prepare("INSERT INTO t (id, name, photo) VALUES (?, ?, ?)");
  MYSQL_BIND bind[3];
  int id = 9;
  memset(bind, 0, sizeof bind);
  bind[0].buffer_type = MYSQL_TYPE_LONG;
  bind[0].buffer = &id;
  bind[1].buffer_type = MYSQL_TYPE_STRING;
  bind[2].buffer_type = MYSQL_TYPE_LONG_BLOB;
  mysql_stmt_bind_param(stmt, bind);
  mysql_stmt_send_long_data(stmt, 1, "in ", 3);
  mysql_stmt_send_long_data(stmt, 1, "pieces", 6);
  mysql_stmt_send_long_data(stmt, 2, "\0\1\2\xff", 4);
  execute(stmt);
  mysql_stmt_reset(stmt);
  mysql_stmt_close(stmt);
  query("SELECT id, name, photo FROM t");
  query("DELETE FROM t");
}

/* MariaDB only. */
static void bulk(void) {
  MYSQL_STMT *stmt = prepare("INSERT INTO t (id, name) VALUES (?, ?)");
  MYSQL_BIND bind[2];
  unsigned int rows = 4;
  int ids[] = {1, 2, 3, 4};
  const char *names[] = {"one", "", "three", "four"};
  unsigned long lengths[] = {3, 0, 5, 4};
  char indicators[] = {STMT_INDICATOR_NONE, STMT_INDICATOR_NULL, STMT_INDICATOR_NONE,
                       STMT_INDICATOR_DEFAULT};
  memset(bind, 0, sizeof bind);
  bind[0].buffer_type = MYSQL_TYPE_LONG;
  bind[0].buffer = ids;
  bind[1].buffer_type = MYSQL_TYPE_STRING;
  bind[1].buffer = names;
  bind[1].length = lengths;
  bind[1].u.indicator = indicators;
  mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &rows);
  mysql_stmt_bind_param(stmt, bind);
  execute(stmt);
  mysql_stmt_close(stmt);
  query("SELECT id, name FROM t");
  query("DELETE FROM t");
}

/* MariaDB only: the execution is sent before the statement's id is known. */
static void pipelined(void) {
  MYSQL_STMT *stmt = mysql_stmt_init(mysql);
  MYSQL_BIND bind;
  int one = 1;
  unsigned int count = 1;
  memset(&bind, 0, sizeof bind);
  bind.buffer_type = MYSQL_TYPE_LONG;
  bind.buffer = &one;
  mysql_stmt_attr_set(stmt, STMT_ATTR_PREBIND_PARAMS, &count);
  mysql_stmt_bind_param(stmt, &bind);
  if (mariadb_stmt_execute_direct(stmt, "SELECT ? + 1", -1)) fail("direct", mysql_stmt_error(stmt));
  fetch_all(stmt);
  mysql_stmt_close(stmt);
}

static void call(void) {
  MYSQL_STMT *stmt;
  query("CREATE PROCEDURE two_results(IN a INT, OUT b INT) BEGIN SELECT a; SELECT 'x', a + 1;"
        " SET b = a; END");
  query("CALL two_results(4, @b)");
  query("SELECT @b");
  stmt = prepare("CALL two_results(5, ?)");
  {
    MYSQL_BIND bind;
    int out = 0;
    memset(&bind, 0, sizeof bind);
    bind.buffer_type = MYSQL_TYPE_LONG;
    bind.buffer = &out;
    mysql_stmt_bind_param(stmt, &bind);
    execute(stmt);
    fetch_all(stmt);
  }
  mysql_stmt_close(stmt);
  query("DROP PROCEDURE two_results");
}

static void change_user(const char *user, const char *password) {
  query("SELECT CURRENT_USER(), DATABASE()");
  mysql_change_user(mysql, "other", "words", NULL);
  query("SELECT CURRENT_USER(), DATABASE()");
  mysql_reset_connection(mysql);
  mysql_change_user(mysql, user, password, "shop");
  mysql_change_user(mysql, "other", "wrong", NULL);
}

static void simple_commands(void) {
  mysql_ping(mysql);
  mysql_stat(mysql);
  mysql_select_db(mysql, "shop");
  {
    MYSQL_RES *fields = mysql_list_fields(mysql, "t", "%");
    if (fields) mysql_free_result(fields);
  }
  mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF);
  mysql_query(mysql, "DO 1; DO 2");
  mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON);
  query("DO 1; SELECT 2");
  mysql_refresh(mysql, REFRESH_STATUS);
  mysql_dump_debug_info(mysql);
  mysql_kill(mysql, 4000000);
  mysql_reset_connection(mysql);
}

/* A statement and a value of more than 16 MiB: frames that go on. */
static void big_packet(void) {
  const size_t size = (16u << 20) + 1000;
  char *sql = malloc(size + 64);
  size_t at = (size_t)sprintf(sql, "SELECT LENGTH('");
  memset(sql + at, 'x', size);
  at += size;
  at += (size_t)sprintf(sql + at, "')");
  if (mysql_real_query(mysql, sql, (unsigned long)at) == 0)
    mysql_free_result(mysql_store_result(mysql));
  free(sql);
  query("SELECT REPEAT('y', 16777215)");
}

int main(int argc, char **argv) {
  const char *scenario;
  const char *schema = "shop";
  unsigned long flags = CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS;
  if (argc != 5) {
    fprintf(stderr, "usage: client PORT USER PASSWORD SCENARIO\n");
    return 2;
  }
  scenario = argv[4];
  mysql = mysql_init(NULL);
  mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (!mysql_real_connect(mysql, "127.0.0.1", argv[2], argv[3], schema,
                          (unsigned int)atoi(argv[1]), NULL, flags))
    fail("connect", mysql_error(mysql));
  if (!strcmp(scenario, "binary-rows")) binary_rows();
  else if (!strcmp(scenario, "parameters")) parameters();
  else if (!strcmp(scenario, "cursor")) cursor();
  else if (!strcmp(scenario, "long-data")) long_data();
  else if (!strcmp(scenario, "bulk")) bulk();
  else if (!strcmp(scenario, "pipelined")) pipelined();
  else if (!strcmp(scenario, "call")) call();
  else if (!strcmp(scenario, "change-user")) change_user(argv[2], argv[3]);
  else if (!strcmp(scenario, "simple-commands")) simple_commands();
  else if (!strcmp(scenario, "big-packet")) big_packet();
  else if (strcmp(scenario, "login")) fail(scenario, "unknown scenario");
  mysql_close(mysql);
  return 0;
}
