#include "proxy/log/log.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace mysqlproxy;
using namespace std::chrono_literals;

namespace {

// 2026-08-22T10:11:12.345Z
const std::chrono::system_clock::time_point moment{1'787'393'472'345ms};

AccessRecord record() {
  return {.time = moment,
          .client = "192.0.2.7:50312",
          .listener = "main",
          .user = "app",
          .database = "shop",
          .pool = "main",
          .server = "db1",
          .connection_id = 17,
          .tls = "TLSv1.3",
          .tls_cipher = "TLS_AES_256_GCM_SHA384",
          .bytes_from_client = 210,
          .bytes_to_client = 4'096,
          .commands = 3,
          .duration = 12'345us,
          .end_reason = "quit",
          .ended_by = EndedBy::client};
}

bool is_one_clean_line(std::string_view line) {
  return std::ranges::none_of(line, [](unsigned char c) { return c < ' ' || c == 0x7F; });
}

}  // namespace

TEST_CASE("an access line as text") {
  CHECK(format_access(record(), LogFormat::text) ==
        "2026-08-22T10:11:12.345Z access client=192.0.2.7:50312 listener=main user=app "
        "database=shop pool=main server=db1 connection_id=17 tls=TLSv1.3 "
        "tls_cipher=TLS_AES_256_GCM_SHA384 server_tls=- server_tls_cipher=- peer_pid=- peer_uid=- "
        "bytes_from_client=210 bytes_to_client=4096 commands=3 duration_ms=12.345 end=quit "
        "ended_by=client");
}

TEST_CASE("an access line as JSON") {
  CHECK(
      format_access(record(), LogFormat::json) ==
      R"({"time":"2026-08-22T10:11:12.345Z","type":"access","client":"192.0.2.7:50312",)"
      R"("listener":"main","user":"app","database":"shop","pool":"main","server":"db1",)"
      R"("connection_id":17,"tls":"TLSv1.3","tls_cipher":"TLS_AES_256_GCM_SHA384",)"
      R"("server_tls":null,"server_tls_cipher":null,"peer_pid":null,"peer_uid":null,"bytes_from_client":210,"bytes_to_client":4096,"commands":3,)"
      R"("duration_ms":12.345,"end":"quit","ended_by":"client"})");
}

TEST_CASE("what is absent is told from what looks absent") {
  AccessRecord absent = record();
  absent.user = {};
  absent.database = "-";
  absent.ended_by = EndedBy::proxy;
  const std::string text = format_access(absent, LogFormat::text);
  CHECK(text.find(" user=- database=\"-\" ") != std::string::npos);
  CHECK(text.ends_with("ended_by=proxy"));
  const auto json = nlohmann::json::parse(format_access(absent, LogFormat::json));
  CHECK(json["user"].is_null());
  CHECK(json["database"] == "-");
}

TEST_CASE("who is at the other end of a unix socket") {
  AccessRecord local = record();
  local.client = "unix";
  local.peer_pid = 4711;
  local.peer_uid = 0;
  CHECK(format_access(local, LogFormat::text).find(" peer_pid=4711 peer_uid=0 ") !=
        std::string::npos);
  const auto json = nlohmann::json::parse(format_access(local, LogFormat::json));
  CHECK(json["peer_pid"] == 4711);
  CHECK(json["peer_uid"] == 0);
}

TEST_CASE("no text can end a line, start a field or reach a terminal") {
  for (const std::string_view evil :
       {std::string_view("a\nb"), std::string_view("a\r\x1b[2Jb"), std::string_view("x user=root"),
        std::string_view("a\0b", 3), std::string_view("\"end\""), std::string_view("\\"),
        std::string_view("\x7f"), std::string_view("\xff\xfe"), std::string_view("\xc3"),
        std::string_view("\xc2\x85"), std::string_view("\xe2\x80\xae")}) {
    INFO(evil);
    AccessRecord bad = record();
    bad.user = bad.database = bad.end_reason = evil;
    const std::string text = format_access(bad, LogFormat::text);
    CHECK(is_one_clean_line(text));
    CHECK(std::ranges::count(text, '=') >= 13);
    CHECK(text.find("user=root ") == std::string::npos);
    CHECK(text.find("user=\"") != std::string::npos);
    CHECK(text.find(" database=\"") != std::string::npos);

    const std::string line = format_access(bad, LogFormat::json);
    CHECK(is_one_clean_line(line));
    CHECK(std::ranges::all_of(line, [](unsigned char c) { return c < 0x7F; }));
    const auto json = nlohmann::json::parse(line);
    CHECK(json.size() == 21);
    if (evil[0] != '\xff' && evil != "\xc3") CHECK(json["user"].get<std::string>() == evil);
  }
}

TEST_CASE("other scripts stay readable as text") {
  AccessRecord other = record();
  other.user = "Jörg";
  CHECK(format_access(other, LogFormat::text).find("user=\"Jörg\" ") != std::string::npos);
}

TEST_CASE("a text of any length gives a line of bounded length") {
  const std::string huge(16'000'000, 'x');
  AccessRecord large = record();
  large.user = huge;
  CHECK(format_access(large, LogFormat::text).size() < 2'000);
  CHECK(format_access(large, LogFormat::json).size() < 2'000);
  CHECK(format_message(moment, LogLevel::info, huge, {{"k", huge}}, LogFormat::text).size() <
        3'000);
}

TEST_CASE("messages with fields of every type") {
  const auto line = [](LogFormat format) {
    return format_message(moment, LogLevel::warn, "server is down",
                          {{"server", "db1"},
                           {"reason", "connection refused"},
                           {"nothing", ""},
                           {"tries", 3},
                           {"port", std::uint16_t{3306}},
                           {"offset", std::int64_t{-1}},
                           {"most", ~std::uint64_t{0}},
                           {"seconds", 0.5},
                           {"known", true}},
                          format);
  };
  CHECK(line(LogFormat::text) ==
        "2026-08-22T10:11:12.345Z warn  server is down server=db1 reason=\"connection refused\" "
        "nothing=- tries=3 port=3306 offset=-1 most=18446744073709551615 seconds=0.5 known=true");
  CHECK(line(LogFormat::json) ==
        R"({"time":"2026-08-22T10:11:12.345Z","type":"log","level":"warn",)"
        R"("message":"server is down","server":"db1","reason":"connection refused",)"
        R"("nothing":null,"tries":3,"port":3306,"offset":-1,"most":18446744073709551615,)"
        R"("seconds":0.5,"known":true})");
}

TEST_CASE("a message keeps its quotes and loses its control bytes") {
  const auto text = [](std::string_view message) {
    return format_message(moment, LogLevel::error, message, {}, LogFormat::text).substr(31);
  };
  CHECK(text("Access denied for \"app\"@'h'") == "Access denied for \"app\"@'h'");
  CHECK(text("a\nb") == "a\\nb");
  CHECK(text("a\x1b[31m") == "a\\x1b[31m");
}

TEST_CASE("time is told to the millisecond, before 1970 too") {
  const auto at = [](std::chrono::milliseconds since) {
    return format_message(std::chrono::system_clock::time_point(since), LogLevel::info, "", {},
                          LogFormat::text)
        .substr(0, 24);
  };
  CHECK(at(0ms) == "1970-01-01T00:00:00.000Z");
  CHECK(at(1ms) == "1970-01-01T00:00:00.001Z");
  CHECK(at(-1ms) == "1969-12-31T23:59:59.999Z");
}
