// verify and hash: credentials without a server.
#include "cli/mysqlprobe/captured_logins.hpp"
#include "cli/mysqlprobe/commands.hpp"
#include "cli/mysqlprobe/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

std::string hex(std::string_view text) {
  std::string out;
  for (const char c : text) out += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return out;
}

Buffer from_hex(const std::string& text, const char* option) {
  auto bytes = parse_hex(text);
  if (!bytes) throw CredentialError(fmt::format("{}: no hex digits", option));
  return std::move(*bytes);
}

Json to_json(const Verdict& verdict) {
  return {{"matches", verdict.matches},
          {"plugin", verdict.plugin.empty() ? Json(nullptr) : Json(verdict.plugin)},
          {"form", verdict.form.empty() ? Json(nullptr) : Json(verdict.form)}};
}

void tell(Report& report, const Verdict& verdict, const std::string& what) {
  report.found.update(to_json(verdict));
  report.summary = verdict.matches ? "the password is right" : "the password is wrong";
  report.lines.push_back(fmt::format("{}{}{}", what,
                                     verdict.plugin.empty() ? "" : ", " + verdict.plugin,
                                     verdict.form.empty() ? "" : " (" + verdict.form + ")"));
  if (!verdict.matches) report.raise(ExitCode::refused);
}

void verify_capture(Report& report, Bytes password, const VerifyOptions& options) {
  const std::vector<CapturedLogin> logins = read_logins(options.capture);
  report.found["logins"] = Json::array();
  std::size_t right = 0;
  for (const CapturedLogin& login : logins) {
    Json entry = {{"user", login.user},
                  {"plugin", login.plugin},
                  {"outcome", login.outcome.empty() ? Json(nullptr) : Json(login.outcome)}};
    std::string said;
    try {
      const Verdict verdict =
          verify_response(password, login.salt, login.response,
                          options.plugin.empty() ? std::string_view(login.plugin) : options.plugin);
      entry["matches"] = verdict.matches;
      right += verdict.matches ? 1 : 0;
      said = verdict.matches ? "right" : "wrong";
    } catch (const CredentialError& error) {
      entry["matches"] = nullptr;
      entry["error"] = error.what();
      said = error.what();
    }
    report.lines.push_back(
        fmt::format("'{}'  {}  {}  {}", login.user, login.plugin,
                    login.outcome.empty() ? "no verdict captured" : login.outcome, said));
    report.found["logins"].push_back(std::move(entry));
  }
  if (logins.empty()) throw CredentialError(options.capture + ": no login in it");
  report.found["matches"] = right == logins.size();
  report.summary = fmt::format("the password is right for {} of {} logins", right, logins.size());
  if (right != logins.size()) report.raise(ExitCode::refused);
}

// The order: what is wrong with the question comes before any answer.
void verify(Report& report, const Options& options) {
  const VerifyOptions& given = options.verify;
  const Bytes password = options.password->bytes();
  const bool by_salt = !given.salt.empty() || !given.response.empty();
  if ((given.hash.empty() ? 0 : 1) + (by_salt ? 1 : 0) + (given.capture.empty() ? 0 : 1) != 1)
    throw CredentialError("one of --hash, --salt with --response, and --capture");
  if (!options.has_password)
    throw CredentialError("no password; -p asks for it, see also --password-file");
  if (!given.capture.empty()) return verify_capture(report, password, given);
  if (!by_salt) return tell(report, verify_hash(password, given.hash, given.plugin), "stored hash");
  const Buffer salt = from_hex(given.salt, "--salt");
  const Buffer response = from_hex(given.response, "--response");
  tell(report, verify_response(password, salt, response, given.plugin), "answer to a salt");
}

void hash(Report& report, const Options& options) {
  if (!options.has_password)
    throw CredentialError("no password; -p asks for it, see also --password-file");
  const std::string plugin =
      options.verify.plugin.empty() ? "caching_sha2_password" : options.verify.plugin;
  const std::string made = make_hash(options.password->bytes(), plugin, options.verify.rounds);
  const bool shown =
      std::all_of(made.begin(), made.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  report.found["plugin"] = plugin;
  report.found["hash"] = shown ? Json(made) : Json(nullptr);
  report.found["hex"] = hex(made);
  report.summary = plugin;
  if (made.empty())
    report.lines.push_back("an empty string: no password");
  else
    report.lines.push_back(shown ? made : "0x" + hex(made));
}

template <class Command>
Report offline(const Options& options, const char* what, Command command) {
  Report report;
  try {
    command(report, options);
    report.step = what;
  } catch (const CredentialError& error) {
    report.exit = ExitCode::usage;
    report.summary.clear();
    report.failure = Failure{FailureKind::system, what, 0, "", error.what()};
    report.step = what;
  }
  return report;
}

}  // namespace

Report verify(const Target&, const Options& options) {
  return offline(options, "verify",
                 [](Report& report, const Options& given) { verify(report, given); });
}

Report hash(const Target&, const Options& options) {
  return offline(options, "hash",
                 [](Report& report, const Options& given) { hash(report, given); });
}

}  // namespace mysqlprobe
