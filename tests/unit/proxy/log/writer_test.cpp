#include "proxy/log/writer.hpp"

#include "unit/proxy/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <system_error>

using namespace mysqlproxy;

namespace {

/// Both ends of a pipe.
struct Pipe {
  Pipe() { REQUIRE(pipe(ends) == 0); }
  ~Pipe() {
    close_reader();
    close(ends[1]);
  }
  void close_reader() {
    if (ends[0] >= 0) close(ends[0]);
    ends[0] = -1;
  }
  int ends[2] = {-1, -1};
};

}  // namespace

TEST_CASE("lines go to a file, in order, and are all there at the end") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "log";
  test::write_file(path, "before\n");
  std::string expected = "before\n";
  {
    LineWriter writer(-1, path);
    CHECK(writer.on());
    for (int i = 0; i < 5'000; ++i) {
      writer.write("line " + std::to_string(i));
      expected += "line " + std::to_string(i) + "\n";
    }
  }
  CHECK(test::read_file(path) == expected);
}

TEST_CASE("after a flush the lines are in the file") {
  const test::TemporaryFolder folder;
  LineWriter writer(-1, folder / "log");
  writer.write("one");
  writer.flush();
  CHECK(test::read_file(folder / "log") == "one\n");
  CHECK(writer.take_dropped() == 0);
}

TEST_CASE("a file that was moved away is opened anew") {
  const test::TemporaryFolder folder;
  LineWriter writer(-1, folder / "log");
  writer.write("old");
  writer.flush();
  std::filesystem::rename(folder / "log", folder / "log.1");
  writer.write("late");
  writer.flush();
  writer.reopen();
  writer.write("new");
  writer.flush();
  CHECK(test::read_file(folder / "log.1") == "old\nlate\n");
  CHECK(test::read_file(folder / "log") == "new\n");
}

TEST_CASE("a target that can't be opened changes nothing") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_AS(LineWriter(-1, folder / "none/log"), std::system_error);
  LineWriter writer(-1, folder / "log");
  CHECK_THROWS_AS(writer.open(folder / "none/log"), std::system_error);
  writer.write("still here");
  writer.flush();
  CHECK(test::read_file(folder / "log") == "still here\n");
}

TEST_CASE("a FIFO without a reader is an error and no wait") {
  const test::TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_THROWS_AS(LineWriter(-1, folder / "fifo"), std::system_error);
}

TEST_CASE("an empty target is off, and can be switched on and off") {
  const test::TemporaryFolder folder;
  LineWriter writer(-1, "");
  CHECK_FALSE(writer.on());
  writer.write("nowhere");
  writer.open(folder / "log");
  writer.write("here");
  writer.flush();
  writer.open("");
  writer.write("nowhere");
  writer.flush();
  CHECK(test::read_file(folder / "log") == "here\n");
  CHECK(writer.take_dropped() == 0);
}

TEST_CASE("a full disk loses lines, counts them, and goes on") {
  const test::TemporaryFolder folder;
  LineWriter writer(-1, "/dev/full");
  writer.write("lost");
  writer.write("lost");
  writer.flush();
  CHECK(writer.take_dropped() == 2);
  CHECK(writer.take_dropped() == 0);
  writer.open(folder / "log");
  writer.write("kept");
  writer.flush();
  CHECK(test::read_file(folder / "log") == "kept\n");
}

TEST_CASE("a reader that went away is no SIGPIPE") {
  Pipe pipe;
  LineWriter writer(pipe.ends[1], "-");
  pipe.close_reader();
  writer.write("lost");
  writer.flush();
  CHECK(writer.take_dropped() == 1);
}

TEST_CASE("a reader that is stuck holds nobody up, and loses no more than it must") {
  using Clock = std::chrono::steady_clock;
  Pipe pipe;
  const auto start = Clock::now();
  std::uint64_t dropped = 0;
  {
    LineWriter writer(pipe.ends[1], "-");
    const std::string line(999, 'x');
    for (int i = 0; i < 20'000; ++i) writer.write(line);  // 20 MB; a pipe takes 64 KiB
    CHECK(Clock::now() - start < std::chrono::seconds(1));
    writer.flush();
    dropped = writer.take_dropped();
  }
  CHECK(Clock::now() - start < std::chrono::seconds(10));
  REQUIRE(fcntl(pipe.ends[0], F_SETFL, O_NONBLOCK) == 0);
  std::string text(1'000'000, '\0');
  const ssize_t size = read(pipe.ends[0], text.data(), text.size());
  REQUIRE(size > 0);
  CHECK(size % 1'000 == 0);  // whole lines only
  CHECK(dropped + static_cast<std::uint64_t>(size) / 1'000 == 20'000);
}
