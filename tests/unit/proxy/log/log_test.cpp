#include "proxy/log/log.hpp"

#include "unit/proxy/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>
#include <vector>

using namespace mysqlproxy;

namespace {

/// Standard error goes to a file while this object lives.
class CapturedStderr {
 public:
  explicit CapturedStderr(const std::string& path) : before_(dup(STDERR_FILENO)) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    REQUIRE(file >= 0);
    dup2(file, STDERR_FILENO);
    close(file);
  }
  ~CapturedStderr() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }

 private:
  int before_;
};

AccessRecord record(std::string_view user) { return {.client = "c", .user = user}; }

}  // namespace

TEST_CASE("messages above the level are not written") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "stderr";
  {
    const CapturedStderr captured(path);
    Log log({.level = LogLevel::warn, .format = LogFormat::text, .access = ""});
    CHECK(log.enabled(LogLevel::error));
    CHECK(log.enabled(LogLevel::warn));
    CHECK_FALSE(log.enabled(LogLevel::info));
    log.error("one");
    log.warn("two", {{"n", 2}});
    log.info("three");
    log.reconfigure({.level = LogLevel::debug, .format = LogFormat::json, .access = ""});
    log.debug("four");
  }
  const std::string text = test::read_file(path);
  CHECK(std::ranges::count(text, '\n') == 3);
  CHECK(text.find("error one\n") != std::string::npos);
  CHECK(text.find("warn  two n=2\n") != std::string::npos);
  CHECK(text.find("\"message\":\"four\"}\n") != std::string::npos);
}

TEST_CASE("the access log is a file, is reopened, is exchanged") {
  const test::TemporaryFolder folder;
  LogConfig config{.access = folder / "a"};
  Log log(config);
  log.access(record("first"));
  log.flush();
  std::filesystem::rename(folder / "a", folder / "a.1");
  log.reopen();
  log.access(record("second"));
  log.flush();
  config.access = folder / "none/b";
  CHECK_THROWS_AS(log.reconfigure(config), std::system_error);
  config.access = folder / "b";
  log.reconfigure(config);
  log.access(record("third"));
  log.flush();
  CHECK(test::read_file(folder / "a.1").find("user=first ") != std::string::npos);
  CHECK(test::read_file(folder / "a").find("user=second ") != std::string::npos);
  CHECK(test::read_file(folder / "b").find("user=third ") != std::string::npos);
  CHECK(std::ranges::count(test::read_file(folder / "b"), '\n') == 1);
}

TEST_CASE("an access log that can't be opened is told at once, or keeps the old one") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_AS(Log({.access = folder / "none/a"}), std::system_error);
  std::filesystem::create_directory(folder / "d");
  const CapturedStderr captured(folder / "stderr");
  Log log({.access = folder / "d/a"});
  std::filesystem::rename(folder / "d", folder / "e");
  log.reopen();
  log.access(record("kept"));
  log.flush();
  CHECK(test::read_file(folder / "e/a").find("user=kept ") != std::string::npos);
  CHECK(test::read_file(folder / "stderr").find("can't be reopened") != std::string::npos);
}

TEST_CASE("lost lines are told") {
  const test::TemporaryFolder folder;
  {
    const CapturedStderr captured(folder / "stderr");
    Log log({.access = "/dev/full"});
    log.access(record("lost"));
    log.flush();
  }
  CHECK(test::read_file(folder / "stderr").find("error access log lines were lost lines=1\n") !=
        std::string::npos);
}

TEST_CASE("many threads write whole lines while the log is reopened") {
  const test::TemporaryFolder folder;
  {
    Log log({.access = folder / "a"});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log] {
        for (int i = 0; i < 500; ++i) log.access(record("someone"));
      });
    }
    for (int i = 0; i < 20; ++i) log.reopen();
    for (auto& thread : threads) thread.join();
  }
  const std::string text = test::read_file(folder / "a");
  CHECK(std::ranges::count(text, '\n') == 2'000);
  CHECK(text.ends_with("ended_by=client\n"));
}
