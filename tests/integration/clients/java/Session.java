import com.mysql.cj.jdbc.JdbcConnection;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.BatchUpdateException;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** One connection of Connector/J. Every step gives an observation or throws. */
final class Session {
  static final class Unsupported extends RuntimeException {}

  private static final int LONG = 200;

  private final Connection connection;
  private final JdbcConnection own;
  private final List<Object> changes = new ArrayList<>();

  Session(String host, long port, Map<String, Object> step) throws SQLException {
    Properties settings = new Properties();
    settings.put("user", step.get("user"));
    settings.put("password", step.get("password"));
    settings.put("sslMode", "DISABLED");
    settings.put("allowPublicKeyRetrieval", "true");
    settings.put("useServerPrepStmts", "true");
    settings.put("useCursorFetch", "true");
    settings.put("connectionTimeZone", "UTC");
    settings.put("characterEncoding", "UTF-8");
    settings.put("maxAllowedPacket", Integer.toString(128 << 20));
    settings.put("allowMultiQueries", Boolean.toString(step.get("multi") != Boolean.FALSE));
    settings.put("allowLoadLocalInfile", Boolean.toString(step.get("infile") == Boolean.TRUE));
    settings.put("useAffectedRows", Boolean.toString(step.get("found_rows") != Boolean.TRUE));
    settings.put("trackSessionState", Boolean.toString(step.get("track") == Boolean.TRUE));
    settings.put("rewriteBatchedStatements", "true");
    Object schema = step.get("database");
    connection = DriverManager.getConnection("jdbc:mysql://" + host + ":" + port + "/" + (schema == null ? "" : schema), settings);
    own = connection.unwrap(JdbcConnection.class);
    if (step.get("track") == Boolean.TRUE) {
      own.getServerSessionStateController().addSessionStateChangesListener(all -> all.getSessionStateChangesList().forEach(
          one -> changes.add(List.of(one.getType(), one.getValues().toString()))));
    }
    if (step.get("init") != null) {
      try (Statement statement = connection.createStatement()) {
        statement.execute((String) step.get("init"));
      }
    }
  }

  void abandon() {
    try {
      connection.close();
    } catch (SQLException ignored) {
      // It may have been closed or killed as part of its case.
    }
  }

  /** What the driver says of the server. */
  Map<String, Object> state() throws SQLException {
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("product", connection.getMetaData().getDatabaseProductName());
    seen.put("version", connection.getMetaData().getDatabaseProductVersion());
    seen.put("isolation", connection.getTransactionIsolation());
    seen.put("autocommit", connection.getAutoCommit());
    seen.put("catalog", connection.getCatalog());
    return seen;
  }

  String id() {
    return Long.toString(own.getSession().getThreadId());
  }

  String firstValue(String sql) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getString(1);
    }
  }

  @SuppressWarnings("unchecked")
  Object run(Map<String, Object> step) throws SQLException {
    String sql = (String) step.get("sql");
    switch ((String) step.get("do")) {
      case "query": return query(sql);
      case "execute": return execute(step, 0);
      case "cursor": return execute(step, ((Long) step.get("fetch")).intValue());
      case "stream": return stream(step);
      case "batch": return batch(sql, (List<List<Object>>) (List<?>) step.get("rows"));
      case "call": return call((String) step.get("procedure"), (List<Object>) step.get("args"));
      case "change_user":
        own.changeUser((String) step.get("user"), (String) step.get("password"));
        return state();
      case "select_db":
        connection.setCatalog((String) step.get("database"));
        return state();
      case "reset":
        own.resetServerState();
        return state();
      case "ping":
        own.ping();
        return Map.of();
      case "close":
        connection.close();
        return Map.of();
      default: throw new Unsupported();
    }
  }

  private Object query(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      List<Object> results = new ArrayList<>();
      try {
        collect(statement, statement.execute(sql), results, Integer.MAX_VALUE);
      } catch (SQLException error) {
        return failed(results, error);
      }
      return finished(results, statement);
    }
  }

  private Object execute(Map<String, Object> step, int fetch) throws SQLException {
    List<?> parameters = (List<?>) step.get("params");
    try (PreparedStatement statement = connection.prepareStatement((String) step.get("sql"), Statement.RETURN_GENERATED_KEYS)) {
      statement.setFetchSize(fetch);
      for (int i = 0; i < parameters.size(); ++i) statement.setObject(i + 1, valueOf(parameters.get(i)));
      List<Object> results = new ArrayList<>();
      int most = step.get("take") == null ? Integer.MAX_VALUE : ((Long) step.get("take")).intValue();
      long times = step.get("times") == null ? 1 : (Long) step.get("times");
      for (long i = 0; i < times; ++i) {
        try {
          collect(statement, statement.execute(), results, most);
        } catch (SQLException error) {
          return failed(results, error);
        }
      }
      return finished(results, statement);
    }
  }

  /** Row by row as they come. */
  private Object stream(Map<String, Object> step) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(Integer.MIN_VALUE);
      List<Object> results = new ArrayList<>();
      int most = step.get("take") == null ? Integer.MAX_VALUE : ((Long) step.get("take")).intValue();
      try {
        collect(statement, statement.execute((String) step.get("sql")), results, most);
      } catch (SQLException error) {
        return failed(results, error);
      }
      return finished(results, statement);
    }
  }

  private Object batch(String sql, List<List<Object>> rows) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (List<Object> row : rows) {
        for (int i = 0; i < row.size(); ++i) statement.setObject(i + 1, valueOf(row.get(i)));
        statement.addBatch();
      }
      return Map.of("counts", Arrays.toString(statement.executeBatch()));
    } catch (BatchUpdateException error) {
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("counts", Arrays.toString(error.getUpdateCounts()));
      seen.put("error", describe(error));
      return seen;
    }
  }

  private Object call(String procedure, List<Object> arguments) throws SQLException {
    String marks = String.join(", ", arguments.stream().map(one -> "?").toList());
    try (CallableStatement statement = connection.prepareCall("{CALL " + procedure + "(" + marks + ")}")) {
      boolean out = arguments.size() == 3;
      for (int i = 0; i < arguments.size(); ++i) statement.setObject(i + 1, arguments.get(i));
      if (out) {
        statement.registerOutParameter(2, java.sql.Types.INTEGER);
        statement.registerOutParameter(3, java.sql.Types.VARCHAR);
      }
      List<Object> results = new ArrayList<>();
      collect(statement, statement.execute(), results, Integer.MAX_VALUE);
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("results", results);
      if (out) seen.put("out", List.of(written(statement.getObject(2)), written(statement.getObject(3))));
      return seen;
    }
  }

  private static void collect(Statement statement, boolean rows, List<Object> results, int most) throws SQLException {
    for (;;) {
      if (rows) {
        readRows(statement.getResultSet(), results, most);
      } else {
        if (statement.getUpdateCount() == -1) return;
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("affected", statement.getLargeUpdateCount());
        try (ResultSet keys = statement.getGeneratedKeys()) {
          List<Object> ids = new ArrayList<>();
          while (keys.next()) ids.add(keys.getString(1));
          result.put("insert_ids", ids);
        } catch (SQLException notAsked) {
          result.put("insert_ids", "not asked for");
        }
        results.add(result);
      }
      rows = statement.getMoreResults();
    }
  }

  /** Adds a result with as many rows as could be read, also when it ends in an error. */
  private static void readRows(ResultSet rows, List<Object> results, int most) throws SQLException {
    Map<String, Object> result = new LinkedHashMap<>();
    results.add(result);
    ResultSetMetaData about = rows.getMetaData();
    int width = about.getColumnCount();
    List<Object> columns = new ArrayList<>();
    for (int i = 1; i <= width; ++i) {
      columns.add(List.of(about.getColumnLabel(i), about.getColumnName(i), about.getTableName(i), about.getCatalogName(i),
          about.getColumnTypeName(i), about.getColumnType(i), about.getPrecision(i), about.getScale(i), about.isNullable(i),
          about.isAutoIncrement(i), about.isSigned(i), about.getColumnDisplaySize(i), about.getColumnClassName(i),
          about.isCaseSensitive(i)));
    }
    result.put("columns", columns);
    List<Object> kept = new ArrayList<>();
    MessageDigest digest = sha256();
    int count = 0;
    Object last = null;
    try {
      while (count < most && rows.next()) {
        List<Object> row = new ArrayList<>();
        for (int i = 1; i <= width; ++i) row.add(cell(rows, i));
        if (++count <= 50) kept.add(row);
        StringBuilder text = new StringBuilder();
        Json.write(text, row);
        digest.update(text.toString().getBytes(StandardCharsets.UTF_8));
        last = row;
      }
    } finally {
      result.put("rows", count <= 50 ? kept : List.of(count, HexFormat.of().formatHex(digest.digest()), kept.get(0), last));
    }
    rows.close();
  }

  /** The value, or why this type's value can't be had. */
  private static Object cell(ResultSet rows, int column) throws SQLException {
    try {
      return written(rows.getObject(column));
    } catch (SQLException error) {
      if (rows.isClosed()) throw error;
      return List.of("SQLException", error.getMessage());
    }
  }

  private Map<String, Object> finished(List<Object> results, Statement statement) throws SQLException {
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("results", results);
    List<Object> warnings = new ArrayList<>();
    for (SQLWarning one = statement.getWarnings(); one != null; one = one.getNextWarning()) warnings.add(describe(one));
    seen.put("warnings", warnings);
    seen.put("changes", new ArrayList<>(changes));
    changes.clear();
    return seen;
  }

  private static Map<String, Object> failed(List<Object> results, SQLException error) {
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("results", results);
    seen.put("error", describe(error));
    return seen;
  }

  static List<Object> describe(Throwable error) {
    // Some messages end with a trace, or say how long ago the last packet was.
    String message = String.valueOf(error.getMessage()).split("\n")[0];
    if (error instanceof SQLException sql) return List.of(sql.getErrorCode(), String.valueOf(sql.getSQLState()), message);
    return List.of(0, "", error.getClass().getName() + ": " + message);
  }

  private static Object valueOf(Object parameter) {
    if (!(parameter instanceof Map<?, ?> map)) return parameter;
    Map.Entry<?, ?> one = map.entrySet().iterator().next();
    Object value = one.getValue();
    switch ((String) one.getKey()) {
      case "bytes": return HexFormat.of().parseHex((String) value);
      case "repeat": return repeated((List<?>) value);
      case "repeat_bytes": return HexFormat.of().parseHex(repeated((List<?>) value));
      case "decimal": return new BigDecimal((String) value);
      case "date": return java.time.LocalDate.parse((String) value);
      case "datetime": return java.time.LocalDateTime.parse((String) value);
      case "time": return java.time.LocalTime.parse((String) value);
      default: throw new IllegalArgumentException(one.toString());
    }
  }

  private static String repeated(List<?> pair) {
    return ((String) pair.get(0)).repeat(((Long) pair.get(1)).intValue());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (java.security.NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** A value's type and text, the long ones by length and hash. */
  private static Object written(Object value) {
    if (value == null) return null;
    byte[] raw = value instanceof byte[] bytes ? bytes : value.toString().getBytes(StandardCharsets.UTF_8);
    String type = value.getClass().getSimpleName();
    if (raw.length > LONG) return List.of(type, raw.length + " bytes, " + HexFormat.of().formatHex(sha256().digest(raw)));
    return List.of(type, value instanceof byte[] ? HexFormat.of().formatHex(raw) : value.toString());
  }
}
