#include "cli/mysqlprobe/report.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlprobe;

namespace {

Report failed(const std::string& message) {
  Report report;
  report.command = "login";
  report.target = "db:3306";
  LoginFacts facts;
  facts.greeted = true;
  facts.user = "app";
  report.steps.push_back({"greeting", 0.5, "8.0.36"});
  report.fail({FailureKind::err_packet, "response", 1045, "28000", message}, facts);
  return report;
}

}  // namespace

TEST_CASE("JSON has what is documented") {
  const Report report = failed("Access denied");
  ReportStyle style;
  style.json = true;
  const Json json = Json::parse(render(report, style));
  CHECK(json["target"] == "db:3306");
  CHECK(json["ok"] == false);
  CHECK(json["exit_code"] == 1);
  CHECK(json["step"] == "response");
  CHECK(json["error"]["code"] == 1045);
  CHECK(json["error"]["sql_state"] == "28000");
  CHECK(json["error"]["message"] == "Access denied");
  CHECK(json["error"]["cause"].is_string());
  CHECK(json["error"]["advice"].is_string());
  CHECK(json["steps"][0]["name"] == "greeting");
}

TEST_CASE("nothing from a server acts on a terminal") {
  const std::string hostile = "x\x1b[31m\x9b\n\xc2\x9b\x07\xff|y";
  for (const bool json : {false, true})
    for (const bool nagios : {false, true}) {
      ReportStyle style;
      style.json = json;
      style.nagios = nagios;
      Report report = failed(hostile);
      report.lines.push_back(hostile);
      report.summary = hostile;
      report.steps[0].detail = hostile;
      report.found["x"] = hostile;
      const std::string text = render(report, style);
      INFO(json << nagios << text);
      for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        CHECK((byte == '\n' || (byte >= 0x20 && byte != 0x7f && byte < 0x80)));
      }
    }
}

TEST_CASE("expectations") {
  Report report;
  report.found = {{"version", "8.0.36"},
                  {"tls", true},
                  {"plugin", "Native"},
                  {"salt", {{"bytes", 20}}},
                  {"list", {"a", "b"}}};
  const auto unmet = [&](const std::string& key, const std::string& value) {
    Report copy = report;
    expect(copy, {{key, value}});
    CHECK((copy.exit == ExitCode::refused) == !copy.unmet.empty());
    return copy.unmet.size();
  };
  CHECK(unmet("version", "8.0.36") == 0);
  CHECK(unmet("version", "8.0") == 0);
  CHECK(unmet("version", "8.0.3") == 1);
  CHECK(unmet("tls", "true") == 0);
  CHECK(unmet("tls", "yes") == 0);
  CHECK(unmet("tls", "no") == 1);
  CHECK(unmet("plugin", "native") == 0);
  CHECK(unmet("salt.bytes", "20") == 0);
  CHECK(unmet("list", "b") == 0);
  CHECK(unmet("list", "c") == 1);
  CHECK(unmet("nothing", "x") == 1);
}

TEST_CASE("Nagios's codes") {
  Report report;
  CHECK(nagios_code(report) == 0);
  report.exit = ExitCode::refused;
  report.unmet.push_back("x");
  CHECK(nagios_code(report) == 1);
  CHECK(nagios_code(failed("x")) == 2);
  report = {};
  report.exit = ExitCode::usage;
  CHECK(nagios_code(report) == 3);
}
