#include "proxy/config/files.hpp"

#include "unit/proxy/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace mysqlproxy;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

TEST_CASE("a whole file up to a limit") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "f";
  test::write_file(path, std::string("a\0b\n", 4));
  CHECK(read_whole_file(path, 4).text == std::string("a\0b\n", 4));
  CHECK(read_whole_file(path, 4).fault.empty());
  CHECK(read_whole_file(path, 3).fault == "is larger than 3 bytes");
  CHECK_THAT(read_whole_file(folder / "none", 9).fault, Contains("No such file or directory"));
  CHECK_THAT(read_whole_file(folder / "", 9).fault, Contains("Is a directory"));
  CHECK(read_whole_file("/dev/zero", 1000).fault == "is larger than 1000 bytes");
  // A file that has no size until it is read, and one that takes no more memory than it needs.
  CHECK_THAT(read_whole_file("/proc/self/stat", 10'000).text, Contains(" (") && EndsWith("\n"));
  CHECK(read_whole_file(path, 16 << 20).text.capacity() < 1000);
}

TEST_CASE("a password is the first line of its file, next to the configuration") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "password";
  const auto password = [&](std::string_view content) {
    test::write_file(path, content);
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    const auto result = read_password_file("password", folder / "proxy.toml");
    CHECK(result.fault.empty());
    CHECK(result.warning.empty());
    return std::string(mysqlwire::as_text(result.value.bytes()));
  };
  CHECK(password("secret") == "secret");
  CHECK(password("secret\n") == "secret");
  CHECK(password("secret\r\nmore\n") == "secret");
  CHECK(password(" se\tcret \n") == " se\tcret ");
  CHECK(password("\xff") == "\xff");
}

TEST_CASE("a password file that is no good") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "empty", "");
  test::write_file(folder / "blank", "\nsecret\n");
  test::write_file(folder / "large", std::string(65'537, 'x'));
  test::write_file(folder / "public", "secret\n");
  test::write_file(folder / "shared", "secret\n");
  for (const char* name : {"empty", "blank", "large"})
    std::filesystem::permissions(folder / name, std::filesystem::perms(0600));
  std::filesystem::permissions(folder / "public", std::filesystem::perms(0644));
  std::filesystem::permissions(folder / "shared", std::filesystem::perms(0660));
  const std::string config = folder / "proxy.toml";
  CHECK_THAT(read_password_file("none", config).fault, Contains("No such file"));
  CHECK_THAT(read_password_file("empty", config).fault, Contains("is empty"));
  CHECK_THAT(read_password_file("blank", config).fault, Contains("is empty"));
  CHECK_THAT(read_password_file("large", config).fault, Contains("is larger than"));
  const Password exposed = read_password_file(folder / "public", "elsewhere/proxy.toml");
  CHECK_THAT(exposed.fault, Contains("everybody on this machine can read"));
  CHECK(exposed.value.bytes().empty());
  CHECK(read_password_file("shared", config).fault.empty());
  CHECK_THAT(read_password_file("shared", config).warning, Contains("others than its owner"));
}
