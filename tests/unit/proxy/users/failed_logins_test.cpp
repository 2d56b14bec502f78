#include "proxy/users/failed_logins.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mysqlproxy;
using namespace std::chrono_literals;

namespace {

ClientHost from(std::string_view address) { return {parse_network(address)->address, false}; }

LoginLimits few() {
  LoginLimits limits;
  limits.max_failures = 8;
  limits.free_failures = 2;
  limits.first_delay = 100ms;
  limits.longest_delay = 500ms;
  limits.block_time = 60s;
  return limits;
}

}  // namespace

TEST_CASE("answers to failed logins come later and later, then none is let in", "[users]") {
  FailedLogins logins;
  logins.reset(few());
  const ClientHost host = from("192.0.2.7");
  std::vector<milliseconds> delays;
  for (int i = 0; i < 8; ++i) {
    CHECK_FALSE(logins.blocked(host, 1'000));
    delays.push_back(logins.note_failure(host, 1'000));
  }
  CHECK(delays == std::vector<milliseconds>{0ms, 0ms, 100ms, 200ms, 400ms, 500ms, 500ms, 500ms});
  CHECK(logins.blocked(host, 1'000));
  CHECK_FALSE(logins.blocked(from("192.0.2.8"), 1'000));
  CHECK(logins.blocked(host, 60'999));
  CHECK_FALSE(logins.blocked(host, 61'000));
  // And begins anew.
  CHECK(logins.note_failure(host, 61'000) == 0ms);
  CHECK_FALSE(logins.blocked(host, 61'000));
}

TEST_CASE("a thread whose clock is behind does not end a count", "[users]") {
  FailedLogins logins;
  logins.reset(few());
  const ClientHost host = from("192.0.2.7");
  for (int i = 0; i < 8; ++i) logins.note_failure(host, static_cast<std::uint64_t>(1'000 - i));
  CHECK(logins.hosts() == 1);
  CHECK(logins.blocked(host, 999));
  CHECK(logins.blocked(host, 1'000));
  CHECK(logins.note_failure(host, 990) == 500ms);
  CHECK(logins.blocked(host, 60'999));
}

TEST_CASE("what ends a count", "[users]") {
  FailedLogins logins;
  logins.reset(few());
  const ClientHost host = from("192.0.2.7");
  for (int i = 0; i < 7; ++i) logins.note_failure(host, 1'000);
  SECTION("a login that succeeds") {
    logins.note_success(host);
    CHECK(logins.note_failure(host, 1'000) == 0ms);
    CHECK_FALSE(logins.blocked(host, 1'000));
  }
  SECTION("time") { CHECK(logins.note_failure(host, 61'000) == 0ms); }
  SECTION("a reload") {
    logins.note_failure(host, 1'000);
    CHECK(logins.blocked(host, 1'000));
    logins.reset(few());
    CHECK_FALSE(logins.blocked(host, 1'000));
    CHECK(logins.hosts() == 0);
  }
}

TEST_CASE("some hosts are not counted", "[users]") {
  FailedLogins logins;
  LoginLimits limits = few();
  limits.max_failures = 1;
  limits.free_failures = 0;
  logins.reset(limits);
  for (const char* address : {"127.0.0.1", "127.9.9.9", "::1"}) {
    CHECK(logins.note_failure(from(address), 1) == 0ms);
    CHECK_FALSE(logins.blocked(from(address), 1));
  }
  const ClientHost socket{.ip = {}, .unix_socket = true};
  CHECK(logins.note_failure(socket, 1) == 0ms);
  CHECK_FALSE(logins.blocked(socket, 1));
  limits.exempt.clear();
  logins.reset(limits);
  CHECK(logins.note_failure(from("127.0.0.1"), 1) == 100ms);
  CHECK(logins.blocked(from("127.0.0.1"), 1));
  CHECK_FALSE(logins.blocked(socket, 1));
}

TEST_CASE("an IPv6 host has many addresses", "[users]") {
  FailedLogins logins;
  LoginLimits limits = few();
  limits.max_failures = 1;
  logins.reset(limits);
  logins.note_failure(from("2001:db8:1:2::1"), 1);
  CHECK(logins.blocked(from("2001:db8:1:2:ffff::9"), 1));
  CHECK_FALSE(logins.blocked(from("2001:db8:1:3::1"), 1));
}

TEST_CASE("zero turns limits off", "[users]") {
  FailedLogins logins;
  LoginLimits limits = few();
  limits.max_failures = 0;
  limits.first_delay = 0ms;
  logins.reset(limits);
  for (int i = 0; i < 1'000; ++i) CHECK(logins.note_failure(from("192.0.2.7"), 1) == 0ms);
  CHECK_FALSE(logins.blocked(from("192.0.2.7"), 1));
}

TEST_CASE("memory of hosts is bounded, the latest are kept", "[users]") {
  FailedLogins logins;
  LoginLimits limits = few();
  limits.max_failures = 1;
  logins.reset(limits);
  const auto nth = [](std::size_t n) {
    ClientHost host = from("10.0.0.0");
    host.ip[13] = static_cast<std::uint8_t>(n >> 16);
    host.ip[14] = static_cast<std::uint8_t>(n >> 8);
    host.ip[15] = static_cast<std::uint8_t>(n);
    return host;
  };
  for (std::size_t n = 0; n < FailedLogins::most_hosts; ++n) logins.note_failure(nth(n), 1);
  logins.note_failure(nth(0), 2);
  logins.note_failure(nth(FailedLogins::most_hosts), 2);
  CHECK(logins.hosts() == FailedLogins::most_hosts);
  CHECK(logins.blocked(nth(0), 3));
  CHECK_FALSE(logins.blocked(nth(1), 3));
  CHECK(logins.blocked(nth(FailedLogins::most_hosts), 3));
}
