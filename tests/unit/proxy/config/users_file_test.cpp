#include "proxy/config/users_file.hpp"

#include "unit/proxy/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <thread>
#include <vector>

using namespace mysqlproxy;
namespace fs = std::filesystem;
using Catch::Contains;

namespace {

std::string table(const std::string& name, std::string_view password = "x") {
  StoredHashes hashes;
  hashes.native = mysqlwire::crypto::native_hash(password);
  return format_user_table(name, "main", {}, hashes);
}

std::string put(const std::string& text, const std::string& name, bool replace = false) {
  std::string fault;
  std::string result = with_user(text, name, table(name, "new"), replace, fault);
  CHECK(fault == "");
  return result;
}

std::string fault_of(const std::string& text, const std::string& name, bool replace = false) {
  std::string fault;
  CHECK(with_user(text, name, table(name, "new"), replace, fault).empty());
  return fault;
}

}  // namespace

TEST_CASE("a user's table as text", "[users]") {
  StoredHashes hashes;
  hashes.native = mysqlwire::crypto::native_hash("secret");
  CHECK(format_user_table("jo", "main", {}, hashes) ==
        "[user.jo]\npool = \"main\"\nhash = \"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\"\n");
  hashes.sha2 = mysqlwire::crypto::sha2_hash("secret");
  CHECK(format_user_table("j\"o.e", "a b", {"10.%", "localhost"}, hashes) ==
        "[user.\"j\\\"o.e\"]\npool = \"a b\"\n"
        "hash = [\"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\", "
        "\"3881219D087DD9C634373FD33DFA33A2CB6BFC6C520B64B8BB60EF2CEB534AE7\"]\n"
        "host = [\"10.%\", \"localhost\"]\n");
}

TEST_CASE("users are put at the end", "[users]") {
  CHECK(put("", "a") == table("a", "new"));
  const std::string old = "# ours\n" + table("b");
  CHECK(put(old, "a") == old + "\n" + table("a", "new"));
  std::string cut = old;
  cut.pop_back();
  CHECK(put(cut, "a") == old + "\n" + table("a", "new"));
  CHECK(put(old, "a", true) == old + "\n" + table("a", "new"));
}

TEST_CASE("users are put in the place of their former selves", "[users]") {
  const std::string before = "# ours\n\n" + table("a");
  const std::string behind = "\n# about b\n" + table("b") + "# the end\n";
  CHECK(put(before + table("c") + behind, "c", true) == before + table("c", "new") + behind);
  CHECK(put(table("c"), "c", true) == table("c", "new"));
  // What stands in several lines goes as a whole.
  const std::string long_one =
      "[ user . \"c\" ] # him\npool = \"main\"\nhash = [\n"
      "  \"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\",\n\n"
      "# [user.d]\n]\nhost = [\n[\"10.%\"][0]\n]\n";
  const std::string shorter =
      "[user.c]\npool = \"main\"\nhash = [\n  \"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\",\n"
      "# [user.d]\n]\n";
  CHECK(put(before + shorter + behind, "c", true) == before + table("c", "new") + behind);
  CHECK(fault_of(long_one, "c", true) != "");
}

TEST_CASE("nothing is done to what is not understood", "[users]") {
  CHECK_THAT(fault_of(table("a"), "a"), Contains("already") && Contains("--replace"));
  CHECK_THAT(fault_of("[user.a", "a"), Contains("not TOML"));
  CHECK_THAT(fault_of("[server.a]\n", "a"), Contains("unknown key server"));
  CHECK_THAT(fault_of("user.a = {pool = \"main\", hash = "
                      "\"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\"}\n",
                      "a", true),
             Contains("edit the file"));
  CHECK_THAT(fault_of("[user]\na.pool = \"main\"\na.hash = "
                      "\"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\"\n",
                      "a", true),
             Contains("edit the file"));
}

TEST_CASE("a users file is written as a whole", "[users]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "users.toml";
  CHECK(add_to_users_file(path, "a", table("a"), false) == "");
  CHECK((fs::status(path).permissions() & fs::perms::mask) == fs::perms(0600));
  CHECK(add_to_users_file(path, "b", table("b"), false) == "");
  CHECK(test::read_file(path) == table("a") + "\n" + table("b"));
  SECTION("one that is there already stays") {
    CHECK_THAT(add_to_users_file(path, "a", table("a", "new"), false), Contains("already"));
    CHECK(test::read_file(path) == table("a") + "\n" + table("b"));
  }
  SECTION("a link stays one") {
    fs::create_symlink(path, folder / "link");
    CHECK(add_to_users_file(folder / "link", "c", table("c"), false) == "");
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(read_users_file(path).users.size() == 3);
  }
  SECTION("a folder that is missing") {
    CHECK_THAT(add_to_users_file(folder / "no/users.toml", "a", table("a"), false),
               Contains("No such file"));
  }
  SECTION("many at once lose nobody") {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        const std::string name = "t" + std::to_string(i);
        // Names of temporary files are by process, and these are one: the lock keeps them apart.
        (void)add_to_users_file(path, name, table(name), false);
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(read_users_file(path).users.size() == 10);
  }
  for (const auto& entry : fs::directory_iterator(folder / "."))
    CHECK(entry.path().extension() != ".new");
}

TEST_CASE("a users file is read by itself", "[users]") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "u", table("a") + table("b"));
  const auto file = read_users_file(folder / "u");
  CHECK(file.fault == "");
  CHECK(file.users.size() == 2);
  CHECK_THAT(read_users_file(folder / "none").fault, Contains("No such file"));
  test::write_file(folder / "u", "[user.a]\npool = \"p\"\nhash = \"what\"\n");
  CHECK_THAT(read_users_file(folder / "u").fault, Contains(":3:") && !Contains("what"));
}
