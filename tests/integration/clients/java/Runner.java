import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Conversations of Connector/J. See clients/python/observe.py for what goes in and out. */
public final class Runner {
  private static final Pattern REPEAT = Pattern.compile("\\{repeat:(.):(\\d+)\\}");
  private static final Map<String, Object> UNSUPPORTED = Map.of("unsupported", true);

  private final String host;
  private final long port;
  private final Map<String, Session> sessions = new HashMap<>();
  private final Map<String, String> names = new HashMap<>();
  private final Map<String, CompletableFuture<Object>> waiting = new HashMap<>();

  private Runner(String host, long port) {
    this.host = host;
    this.port = port;
  }

  @SuppressWarnings("unchecked")
  public static void main(String[] arguments) throws Exception {
    Map<String, Object> program = (Map<String, Object>) Json.read(Files.readString(Path.of(arguments[0])));
    Map<String, Object> seen = new LinkedHashMap<>();
    for (Map<String, Object> one : (List<Map<String, Object>>) program.get("cases")) {
      System.err.println(one.get("name"));
      Runner runner = new Runner((String) program.get("host"), (Long) program.get("port"));
      seen.put((String) one.get("name"), runner.runCase((List<Map<String, Object>>) one.get("steps")));
    }
    StringBuilder out = new StringBuilder();
    Json.write(out, seen);
    System.out.print(out);
    System.out.flush();
    System.exit(0);
  }

  private List<Object> runCase(List<Map<String, Object>> steps) {
    List<Object> observed = new ArrayList<>();
    boolean able = true;
    for (Map<String, Object> step : steps) {
      Object seen = able ? observe(step) : UNSUPPORTED;
      observed.add(seen);
      able = able && !(step.get("required") == Boolean.TRUE && seen == UNSUPPORTED);
    }
    sessions.values().forEach(Session::abandon);
    return observed;
  }

  private Object observe(Map<String, Object> step) {
    try {
      return run(filledIn(step));
    } catch (Session.Unsupported nothing) {
      return UNSUPPORTED;
    } catch (Exception error) {
      return Map.of("error", Session.describe(error));
    }
  }

  private Map<String, Object> filledIn(Map<String, Object> step) {
    String sql = (String) step.get("sql");
    if (sql == null) return step;
    for (Map.Entry<String, String> one : names.entrySet()) sql = sql.replace("{" + one.getKey() + "}", one.getValue());
    Matcher repeat = REPEAT.matcher(sql);
    if (repeat.find()) {
      sql = sql.substring(0, repeat.start()) + repeat.group(1).repeat(Integer.parseInt(repeat.group(2))) + sql.substring(repeat.end());
    }
    Map<String, Object> result = new HashMap<>(step);
    result.put("sql", sql);
    return result;
  }

  private Object run(Map<String, Object> step) throws Exception {
    String on = (String) step.getOrDefault("on", "main");
    String kind = (String) step.get("do");
    if (kind.equals("connect")) {
      sessions.remove(on);
      Session session = new Session(host, port, step);
      sessions.put(on, session);
      return session.state();
    }
    Session session = sessions.get(on);
    if (session == null) throw new IllegalStateException("no connection");
    String sql = (String) step.get("sql");
    switch (kind) {
      case "start": {
        Map<String, Object> query = new HashMap<>(step);
        query.put("do", "query");
        CompletableFuture<Object> done = new CompletableFuture<>();
        Thread thread = new Thread(() -> done.complete(observe(query)));
        thread.setDaemon(true);
        thread.start();
        waiting.put(on, done);
        return Map.of();
      }
      case "join": return waiting.remove(on).get();
      case "remember":
        names.put((String) step.get("as"), session.firstValue(sql));
        return Map.of();
      case "remember_id":
        names.put((String) step.get("as"), session.id());
        return Map.of();
      case "await": {
        long end = System.nanoTime() + 20_000_000_000L;
        while (!session.firstValue(sql).equals(step.get("equals"))) {
          if (System.nanoTime() > end) throw new IllegalStateException("waited in vain");
          Thread.sleep(20);
        }
        return Map.of();
      }
      default: return session.run(step);
    }
  }
}
