#include <mysqlwire/wire/message.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <string>

using namespace mysqlwire;
using namespace mysqlwire::test;

namespace {

static_assert(Message<ProxyHeader>);

constexpr const char* signature = "0d0a0d0a000d0a515549540a";

/// An exact-size header of version 2: what stands behind the signature.
ExactBytes v2(const std::string& digits) { return hex(signature + digits); }

Result<ProxyHeader> decoded(Bytes header) { return ProxyHeader::decode(header, Context{}); }
Result<ProxyHeader> decoded(std::string_view line) { return decoded(ExactBytes(as_bytes(line))); }

Buffer encoded(const ProxyHeader& header) {
  Buffer out;
  Writer writer(out);
  header.encode(writer, Context{});
  CHECK(writer.ok());
  return out;
}

/// The header is found as soon as it is whole and no sooner, and comes out as it went in.
ProxyHeader check_header(Bytes header) {
  INFO(to_hex(header));
  for (std::size_t size = 0; size < header.size(); ++size) {
    const ExactBytes prefix(header.first(size));
    const auto found = ProxyHeader::size_in(prefix);
    REQUIRE(found);
    CHECK_FALSE(found->has_value());
    const auto cut = decoded(Bytes(prefix));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().offset <= size);
  }
  Buffer longer(header.begin(), header.end());
  longer.push_back('J');
  CHECK(ProxyHeader::size_in(longer).value() == header.size());
  CHECK_FALSE(decoded(Bytes(longer)));
  const auto whole = decoded(header);
  REQUIRE(whole);
  CHECK(to_hex(encoded(*whole)) == to_hex(header));
  return *whole;
}

ProxyHeader check_line(std::string_view line) {
  // Borrowed fields are not looked at by the callers of this one.
  return check_header(ExactBytes(as_bytes(line)));
}

}  // namespace

TEST_CASE("ProxyHeader, version 1", "[wire]") {
  ProxyHeader header = check_line("PROXY TCP4 192.0.2.1 203.0.113.255 56324 3306\r\n");
  CHECK(header.version == 1);
  CHECK_FALSE(header.local);
  CHECK(header.family == ProxyFamily::tcp4);
  CHECK(ip_text(header.family, header.source) == "192.0.2.1");
  CHECK(ip_text(header.family, header.destination) == "203.0.113.255");
  CHECK(header.source.port == 56324);
  CHECK(header.destination.port == 3306);

  header = check_line("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n");
  CHECK(header.family == ProxyFamily::tcp6);
  CHECK(to_hex(header.source.ip) == "20010db8000000000000000000000001");
  CHECK(header.destination.port == 65535);

  CHECK(check_line("PROXY UNKNOWN\r\n").family == ProxyFamily::unspecified);
  const auto more = decoded("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n");
  REQUIRE(more);
  CHECK(more->family == ProxyFamily::unspecified);
  // The longest line that there can be.
  check_line(
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "65535 65535\r\n");
}

TEST_CASE("ProxyHeader, version 1, bad lines", "[wire]") {
  for (const char* line : {
           "PROXY \r\n",
           "PROXY TCP4\r\n",
           "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
           "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
           "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
           "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
           "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
           "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
           "PROXY TCP4 192.0.2.1.1 192.0.2.2 1 2\r\n",
           "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
           "PROXY TCP4 ::1 ::1 1 2\r\n",
           "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
           "PROXY TCP6 ::g ::1 1 2\r\n",
           "PROXY UNKNOWN\r\n\r\n",
           "PROXY UNKNOWN\n",
       }) {
    INFO(line);
    CHECK_FALSE(decoded(line));
  }
  const auto bad = decoded("PROXY TCP4 192.0.2.1 192.0.2.x 1 2\r\n");
  CHECK(bad.error().offset == 21);
  CHECK(bad.error().field == std::string("destination"));
}

TEST_CASE("IPv6 addresses as text", "[wire]") {
  const auto again = [](const std::string& text) -> std::string {
    const auto header = decoded("PROXY TCP6 " + text + " :: 1 2\r\n");
    return header ? ip_text(header->family, header->source) : "none";
  };
  CHECK(again("::") == "::");
  CHECK(again("1::") == "1::");
  CHECK(again("::1") == "::1");
  CHECK(again("0:0:0:0:0:0:0:1") == "::1");
  CHECK(again("2001:DB8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");
  CHECK(again("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");
  CHECK(again("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");
  CHECK(again("1:2:3:4:5:6:7::") == "1:2:3:4:5:6:7:0");
  CHECK(again("::ffff:192.0.2.1") == "::ffff:192.0.2.1");
  CHECK(again("::192.0.2.1") == "::c000:201");
  CHECK(again("1:2:3:4:5:6:192.0.2.1") == "1:2:3:4:5:6:c000:201");
  for (const char* bad :
       {"", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::", "1::2::3", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "12345::", "::1%eth0",
        "192.0.2.1::", "::192.0.2", "::192.0.2.1:1", "1:2:3:4:5:6:7:192.0.2.1", "::0x1", "[::1]"}) {
    INFO(bad);
    CHECK(again(bad) == "none");
  }
}

TEST_CASE("ProxyHeader, version 2", "[wire]") {
  ProxyHeader header = check_header(v2("2111000cc0000201cb0071ffdc040cea"));
  CHECK(header.version == 2);
  CHECK(header.family == ProxyFamily::tcp4);
  CHECK(ip_text(header.family, header.source) == "192.0.2.1");
  CHECK(header.source.port == 56324);
  CHECK(header.destination.port == 3306);

  header = check_header(
      v2("2121002420010db800000000000000000000000100000000000000000000000000000001dc040cea"));
  CHECK(header.family == ProxyFamily::tcp6);
  CHECK(ip_text(header.family, header.destination) == "::1");

  check_header(v2("2112000cc0000201cb0071ffdc040cea"));  // UDP
  CHECK(check_header(v2("20000000")).local);
  CHECK(check_header(v2("21000000")).family == ProxyFamily::unspecified);

  const std::string path = to_hex(as_bytes("/run/a")) + std::string(204, '0');
  const std::string abstract = "00" + to_hex(as_bytes("b")) + std::string(212, '0');
  const ExactBytes unix_bytes = v2("213100d8" + path + abstract);
  header = check_header(unix_bytes);
  CHECK(as_text(header.source_path) == "/run/a");
  CHECK(as_text(header.destination_path) == std::string_view("\0b", 2));
}

TEST_CASE("ProxyHeader, LOCAL and UNSPEC: the rest is not read", "[wire]") {
  for (const char* digits :
       {"2011000cc0000201cb0071ffdc040cea", "20ff0003010203", "21000003010203"}) {
    INFO(digits);
    const auto header = decoded(Bytes(v2(digits)));
    REQUIRE(header);
    CHECK(header->family == ProxyFamily::unspecified);
    CHECK(header->source == ProxyAddress{});
    CHECK(header->tlvs.empty());
  }
}

TEST_CASE("ProxyHeader, TLVs", "[wire]") {
  const ExactBytes bytes =
      v2("2111001cc0000201cb0071ffdc040cea"
         "0400020000"
         "02000864622e6c6f63616c");
  // The length above is of both: 12 + 5 + 11.
  const ProxyHeader header = check_header(bytes);
  CHECK(as_text(*header.tlv(ProxyTlvType::authority)) == "db.local");
  CHECK(header.tlv(ProxyTlvType::noop)->size() == 2);
  CHECK_FALSE(header.tlv(ProxyTlvType::ssl));
  for (const char* cut :
       {"21110012c0000201cb0071ffdc040cea020004646200", "2111000ec0000201cb0071ffdc040cea0200",
        "2111000dc0000201cb0071ffdc040cea04"}) {
    INFO(cut);
    CHECK_FALSE(decoded(Bytes(v2(cut))));
  }
}

TEST_CASE("ProxyHeader, CRC32C", "[wire]") {
  // The checksum by another implementation.
  const ExactBytes right = v2("21110013c0000201cb0071ffdc040cea030004ad846b0c");
  check_header(right);
  ProxyHeader header = *decoded(Bytes(right));
  const ExactBytes tlvs = hex("03000400000000");
  header.tlvs = tlvs;
  CHECK(to_hex(encoded(header)) == to_hex(right));
  for (std::size_t i = 16; i < right.size(); ++i) {
    if (i >= 28 && i < 31) continue;  // the TLV's own type and length
    Buffer flipped(right.get().begin(), right.get().end());
    flipped[i] ^= 0x10;
    const auto bad = decoded(Bytes(flipped));
    REQUIRE_FALSE(bad);
    CHECK(bad.error().field == std::string("crc32c"));
  }
}

TEST_CASE("ProxyHeader, version 2, bad headers", "[wire]") {
  CHECK(decoded(Bytes(v2("1111000cc0000201cb0071ffdc040cea"))).error().code == errc::bad_value);
  CHECK(decoded(Bytes(v2("2211000cc0000201cb0071ffdc040cea"))).error().code == errc::bad_value);
  CHECK(decoded(Bytes(v2("2113000cc0000201cb0071ffdc040cea"))).error().code == errc::unsupported);
  CHECK(decoded(Bytes(v2("2111000bc0000201cb0071ffdc040c"))).error().code == errc::truncated);
  CHECK(decoded(Bytes(v2("2121000cc0000201cb0071ffdc040cea"))).error().code == errc::truncated);
  CHECK(decoded(Bytes(v2("2111000dc0000201cb0071ffdc040cea"))).error().code == errc::truncated);
  CHECK(decoded(Bytes(v2("2111000bc0000201cb0071ffdc040cea"))).error().code ==
        errc::trailing_bytes);
}

TEST_CASE("ProxyHeader: where it ends, and what is none", "[wire]") {
  const auto size_in = [](std::string_view text, std::size_t max = ProxyHeader::default_max_size) {
    return ProxyHeader::size_in(ExactBytes(as_bytes(text)), max);
  };
  // A client that sends its login, TLS, HTTP.
  for (const char* text : {"\x54", "\x16\x03\x01", "GET / HTTP/1.1\r\n", "PROXy", "PROXYTCP4"}) {
    INFO(text);
    CHECK(size_in(text).error().code == errc::bad_value);
  }
  CHECK_FALSE(size_in("")->has_value());
  CHECK_FALSE(size_in("P")->has_value());
  CHECK_FALSE(size_in("\r\n\r\n")->has_value());
  const std::string endless = "PROXY UNKNOWN " + std::string(200, 'x');
  CHECK_FALSE(size_in(endless.substr(0, 106))->has_value());
  CHECK(size_in(endless.substr(0, 107)).error().code == errc::too_long);
  CHECK(size_in(endless + "\r\n").error().code == errc::too_long);
  // An announced length over the limit is refused at once, before its bytes are there.
  CHECK(ProxyHeader::size_in(v2("2111ffff")).error().code == errc::too_long);
  CHECK_FALSE(ProxyHeader::size_in(v2("211107f0"))->has_value());
  CHECK(ProxyHeader::size_in(v2("211107f1")).error().code == errc::too_long);
  CHECK(ProxyHeader::size_in(v2("20000000"), 15).error().code == errc::too_long);
}

TEST_CASE("ProxyHeader, what can't be written", "[wire]") {
  ProxyHeader header;
  header.version = 1;
  header.family = ProxyFamily::unix_stream;
  CHECK(as_text(encoded(header)) == "PROXY UNKNOWN\r\n");
  header.version = 2;
  const std::string path(109, 'x');
  header.source_path = as_bytes(path);
  Buffer out;
  Writer writer(out);
  header.encode(writer, Context{});
  CHECK(writer.error().code == errc::too_long);
  CHECK(out.empty());
  header = {};
  header.family = ProxyFamily::tcp4;
  const Buffer huge(0xffff - 11);
  header.tlvs = huge;
  Writer second(out);
  header.encode(second, Context{});
  CHECK(second.error().code == errc::too_long);
}
