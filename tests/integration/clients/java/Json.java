import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** As much JSON as a conversation needs: Map, List, String, Long, Double, Boolean and null. */
final class Json {
  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  static Object read(String text) {
    return new Json(text).value();
  }

  private char next() {
    while (Character.isWhitespace(text.charAt(at))) ++at;
    return text.charAt(at);
  }

  private boolean skip(char c) {
    if (next() != c) return false;
    ++at;
    return true;
  }

  private Object value() {
    switch (next()) {
      case '{': return object();
      case '[': return list();
      case '"': return string();
      default: return word();
    }
  }

  private Map<String, Object> object() {
    Map<String, Object> result = new LinkedHashMap<>();
    ++at;
    while (!skip('}')) {
      next();
      String name = string();
      skip(':');
      result.put(name, value());
      skip(',');
    }
    return result;
  }

  private List<Object> list() {
    List<Object> result = new ArrayList<>();
    ++at;
    while (!skip(']')) {
      result.add(value());
      skip(',');
    }
    return result;
  }

  private String string() {
    StringBuilder result = new StringBuilder();
    ++at;
    for (char c = text.charAt(at++); c != '"'; c = text.charAt(at++)) {
      if (c != '\\') {
        result.append(c);
        continue;
      }
      c = text.charAt(at++);
      switch (c) {
        case 'n': result.append('\n'); break;
        case 't': result.append('\t'); break;
        case 'r': result.append('\r'); break;
        case 'b': result.append('\b'); break;
        case 'f': result.append('\f'); break;
        case 'u':
          result.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
          at += 4;
          break;
        default: result.append(c);
      }
    }
    return result.toString();
  }

  private Object word() {
    int start = at;
    while (at < text.length() && "+-.eE".indexOf(text.charAt(at)) + 1 + (Character.isLetterOrDigit(text.charAt(at)) ? 1 : 0) > 0) ++at;
    String word = text.substring(start, at);
    switch (word) {
      case "true": return true;
      case "false": return false;
      case "null": return null;
      default:
    }
    try {
      return Long.valueOf(word);
    } catch (NumberFormatException notWhole) {
      return Double.valueOf(word);
    }
  }

  static void write(StringBuilder out, Object value) {
    if (value instanceof Map<?, ?> map) {
      char before = '{';
      for (Map.Entry<?, ?> one : map.entrySet()) {
        out.append(before);
        write(out, one.getKey());
        out.append(':');
        write(out, one.getValue());
        before = ',';
      }
      out.append(map.isEmpty() ? "{}" : "}");
    } else if (value instanceof List<?> list) {
      out.append('[');
      for (int i = 0; i < list.size(); ++i) {
        if (i > 0) out.append(',');
        write(out, list.get(i));
      }
      out.append(']');
    } else if (value == null || value instanceof Boolean || value instanceof Integer || value instanceof Long) {
      out.append(value);
    } else {
      writeString(out, value.toString());
    }
  }

  private static void writeString(StringBuilder out, String text) {
    out.append('"');
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    out.append('"');
  }
}
