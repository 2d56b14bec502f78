import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;

/** Logins of Connector/J. See clients/python/login.py for what goes in and out. */
public final class Login {
  @SuppressWarnings("unchecked")
  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("error", null);
      try {
        logIn((Map<String, Object>) Json.read(line), answer);
      } catch (Exception error) {
        String text = error.toString();
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) text += "; " + cause;
        answer.put("error", text);
      }
      StringBuilder out = new StringBuilder();
      Json.write(out, answer);
      System.out.println(out);
      System.out.flush();
    }
    System.exit(0);
  }

  private static void logIn(Map<String, Object> cell, Map<String, Object> seen) throws SQLException {
    String compression = (String) cell.get("compression");
    if (compression.equals("zstd")) throw new SQLException("unsupported: only zlib");
    Properties settings = new Properties();
    settings.put("user", cell.get("user"));
    settings.put("password", cell.get("password"));
    settings.put("connectTimeout", "20000");
    settings.put("useServerPrepStmts", "true");
    settings.put("useCompression", Boolean.toString(compression.equals("zlib")));
    if (cell.get("tls").equals("none")) {
      settings.put("sslMode", "DISABLED");
      settings.put("allowPublicKeyRetrieval", "true"); // a password needs the server's RSA key then
    } else {
      settings.put("sslMode", "REQUIRED");
      settings.put("tlsVersions", "TLSv" + cell.get("tls"));
    }
    String url = "jdbc:mysql://" + cell.get("host") + ":" + cell.get("port") + "/";
    try (Connection connection = DriverManager.getConnection(url, settings);
        Statement statement = connection.createStatement()) {
      seen.put("user", first(statement.executeQuery("SELECT CURRENT_USER()")));
      seen.put("length", (long) first(statement.executeQuery("SELECT REPEAT('x', 100000)")).length());
      try (PreparedStatement prepared = connection.prepareStatement("SELECT ? + 1")) {
        prepared.setInt(1, 41);
        seen.put("sum", (long) Double.parseDouble(first(prepared.executeQuery())));
      }
    }
  }

  private static String first(ResultSet rows) throws SQLException {
    rows.next();
    return rows.getString(1);
  }
}
