#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::capture;
using namespace std::string_view_literals;

namespace {

class NoTools final : public Toolbox {
 public:
  bool inflate(Compression, Bytes, std::size_t, Buffer&) override { return false; }
  std::unique_ptr<TlsReader> tls() override { return nullptr; }
};

// Writes down what is told: kinds, problems and how commands ended.
class Log final : public Observer {
 public:
  void on_message(const Conversation&, const SeenMessage& message) override {
    add(std::string(to_string(message.kind)));
  }
  void on_exchange(const Conversation&, const Exchange& exchange) override {
    static constexpr const char* outcomes[] = {"none", "ok", "rows", "error"};
    add("[" + exchange.query + "=" + outcomes[static_cast<std::size_t>(exchange.outcome)] +
        (exchange.rows != 0 ? ":" + std::to_string(exchange.rows) : "") + "]");
    schemas.push_back(exchange.schema);
  }
  void on_problem(const Conversation&, const Problem& problem, const Origin&) override {
    add("!" + std::string(to_string(problem.what)));
  }

  std::string take() { return std::exchange(text_, {}); }
  std::vector<std::string> schemas;

 private:
  void add(const std::string& word) {
    if (!text_.empty()) text_ += ' ';
    text_ += word;
  }
  std::string text_;
};

class Talk {
 public:
  explicit Talk(bool from_start) : conversation(0, {}, {}, from_start, {1, 0}, {}, log, tools) {}

  void client(std::string_view payload, std::uint8_t sequence = 0) {
    send(Direction::to_server, payload, sequence);
  }
  void server(std::string_view payload, std::uint8_t sequence) {
    send(Direction::to_client, payload, sequence);
  }
  void send(Direction direction, std::string_view payload, std::uint8_t sequence) {
    Buffer bytes;
    append_packet(bytes, as_bytes(payload), sequence);
    conversation.on_bytes(direction, bytes, {++frame, 0});
  }

  NoTools tools;
  Log log;
  Conversation conversation;
  std::uint64_t frame = 1;
};

const std::string_view column =
    "\x03"
    "def\0\0\0\x01"
    "1\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0"sv;
const std::string_view ok = "\0\0\0\x02\0\0\0"sv;
const std::string_view eof = "\xfe\0\0\x02\0"sv;

}  // namespace

TEST_CASE("a connection joined in its middle is followed from the first command on") {
  Talk talk(false);
  talk.server(
      "\x01"
      "7",
      5);  // a row of some answer
  CHECK(talk.log.take().empty());
  talk.client("\x03SELECT 1");
  talk.server("\x01", 1);
  talk.server(column, 2);
  talk.server(eof, 3);
  talk.server(
      "\x01"
      "1",
      4);
  talk.server(eof, 5);
  CHECK(talk.log.take() ==
        "command column_count column_definition eof text_row result_end [SELECT 1=rows:1]");
}

TEST_CASE("in the middle the dialect of result sets is found out") {
  Talk talk(false);
  for (int i = 0; i < 2; ++i) {
    talk.client("\x03SELECT 1");
    talk.server("\x01", 1);
    talk.server(column, 2);
    talk.server(
        "\x01"
        "1",
        3);
    talk.server("\xfe\0\0\x02\0\0\0"sv, 4);
    CHECK(talk.log.take() ==
          "command column_count column_definition text_row result_end [SELECT 1=rows:1]");
  }
}

TEST_CASE("a schema is remembered once the server has agreed") {
  Talk talk(false);
  talk.client("\x03USE `shop`;");
  talk.server(ok, 1);
  talk.client("\x02other");
  talk.server("\xff\x19\x04#42000Unknown database"sv, 1);
  talk.client("\x0e");
  talk.server(ok, 1);
  CHECK(talk.log.schemas == std::vector<std::string>{"", "shop", "shop"});
}

TEST_CASE("a gap at a packet's boundary loses what is under way and no more") {
  Talk talk(false);
  talk.client("\x03SELECT 1");
  talk.conversation.on_missing(Direction::to_client, 50, Missing::gap, {10, 0});
  CHECK(talk.log.take() == "command !gap [SELECT 1=none]");
  talk.server(
      "\x01"
      "x",
      9);
  talk.client("\x0e");
  talk.server(ok, 1);
  CHECK(talk.log.take() == "command ok [=ok]");
}

TEST_CASE("a packet whose end is missing keeps its place") {
  Talk talk(false);
  talk.client("\x0e");
  talk.server(ok, 1);
  talk.log.take();
  const std::string query = "\x03SELECT '" + std::string(100, 'x') + "'";
  Buffer bytes;
  std::uint8_t sequence = 0;
  append_packet(bytes, as_bytes(query), sequence);
  talk.conversation.on_bytes(Direction::to_server, Bytes(bytes).first(60), {2, 0});
  talk.conversation.on_missing(Direction::to_server, bytes.size() - 60, Missing::cut, {2, 0});
  talk.server(ok, 1);
  CHECK(talk.log.take() == "!cut command ok [" + query.substr(1, 55) + "=ok]");
}

TEST_CASE("a packet of several frames keeps its place, whatever is missing inside of them") {
  Talk talk(false);
  talk.client("\x0e");
  talk.server(ok, 1);
  talk.log.take();
  Buffer bytes;
  std::uint8_t sequence = 0;
  append_packet(bytes, Buffer(max_frame_payload + 1000, 3), sequence);
  const std::size_t second = packet_header_size + max_frame_payload;
  const auto send = [&](std::size_t begin, std::size_t end) {
    talk.conversation.on_bytes(Direction::to_server, Bytes(bytes).subspan(begin, end - begin),
                               {2, 0});
  };
  const auto miss = [&](std::size_t begin, std::size_t end) {
    talk.conversation.on_missing(Direction::to_server, end - begin, Missing::cut, {2, 0});
  };
  send(0, 100);
  miss(100, 2000);
  send(2000, 3000);
  miss(3000, second - 5);
  SECTION("and the frames' headers are there") {
    send(second - 5, second + 3);
    send(second + 3, second + 50);
    miss(second + 50, bytes.size() - 2);
    CHECK(talk.log.take() == "!cut !cut !cut");
    send(bytes.size() - 2, bytes.size());
    talk.server(ok, 2);
    CHECK(talk.log.take() == "command ok [" + std::string(95, '\3') + "=ok]");
  }
  SECTION("but not their headers") {
    miss(second - 5, second + 1);
    send(second + 1, bytes.size());
    talk.client("\x0e");
    talk.server(ok, 1);
    CHECK(talk.log.take() == "!cut !cut !cut command ok [=ok]");
  }
  SECTION("unless a frame does not continue the one before it") {
    bytes[second + 3] = 9;
    send(second - 5, bytes.size());
    talk.client("\x0e");
    talk.server(ok, 1);
    CHECK(talk.log.take() == "!cut !cut !undecodable command ok [=ok]");
  }
}

TEST_CASE("a packet that makes no sense is a problem, and the next command is understood") {
  Talk talk(false);
  talk.client("\x03SELECT 1");
  talk.server("\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe"sv, 1);
  CHECK(talk.log.take() == "command !malformed [SELECT 1=none] unexpected");
  talk.client("\x0e");
  talk.server(ok, 1);
  CHECK(talk.log.take() == "command ok [=ok]");
}

TEST_CASE("a sequence id that is wrong is reported and stops nothing") {
  Talk talk(false);
  talk.client("\x0e");
  talk.server(ok, 1);
  talk.log.take();
  talk.client("\x0e");
  talk.server(ok, 7);
  CHECK(talk.log.take() == "command !out_of_order_seq ok [=ok]");
}

TEST_CASE("pipelined commands are answered in their order") {
  Talk talk(false);
  talk.client("\x0e");
  talk.server(ok, 1);
  talk.log.take();
  talk.client(
      "\x03"
      "A");
  talk.client(
      "\x03"
      "B");
  talk.client(
      "\x03"
      "C");
  talk.server(ok, 1);
  talk.server("\xff\x19\x04#42000no"sv, 1);
  talk.server(ok, 1);
  CHECK(talk.log.take() == "command command command ok [A=ok] err [B=error] ok [C=ok]");
}

TEST_CASE("a client that is heard alone is followed too") {
  Talk talk(true);
  talk.client("\x03SELECT 1");
  talk.client("\x03SELECT 2");
  talk.conversation.finish(TcpStream::End::open, {9, 0});
  CHECK(talk.log.take() == "command command [SELECT 1=none] [SELECT 2=none]");
}

TEST_CASE("an execution of a statement that is not known says so once") {
  Talk talk(false);
  for (int i = 0; i < 2; ++i) {
    talk.client("\x17\x05\0\0\0\0\x01\0\0\0"sv);
    talk.server(ok, 1);
  }
  CHECK(talk.log.take() == "!unknown_statement command ok [=ok] command ok [=ok]");
}

TEST_CASE("any cut of a conversation is survived") {
  const std::string_view packets[] = {"\x03SELECT 1"sv,
                                      "\x01"sv,
                                      column,
                                      eof,
                                      "\x01"
                                      "1"sv,
                                      eof};
  for (std::size_t cut = 0; cut < 60; ++cut) {
    Talk talk(false);
    std::size_t at = 0;
    for (std::size_t i = 0; i < std::size(packets); ++i) {
      Buffer bytes;
      auto sequence = static_cast<std::uint8_t>(i);
      append_packet(bytes, as_bytes(packets[i]), sequence);
      const Direction direction = i == 0 ? Direction::to_server : Direction::to_client;
      for (std::size_t byte = 0; byte < bytes.size(); ++byte, ++at) {
        if (at == cut) {
          talk.conversation.on_missing(direction, 1, Missing::gap, {9, 0});
        } else {
          talk.conversation.on_bytes(direction, Bytes(bytes).subspan(byte, 1), {9, 0});
        }
      }
    }
    talk.conversation.finish(TcpStream::End::fin, {10, 0});
    CHECK(talk.log.take().find("!gap") != std::string::npos);
  }
}

TEST_CASE("a PROXY header stands in front of a login, however it is split") {
  const std::string_view v1 = "PROXY TCP4 192.0.2.1 198.51.100.1 5000 3306\r\n";
  const std::string_view v2 =
      "\x0d\x0a\x0d\x0a\x00\x0d\x0aQUIT\x0a\x21\x21\x00\x24"
      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x13\x88\x0c\xea"sv;
  const auto feed = [](Talk& talk, std::string_view bytes) {
    talk.conversation.on_bytes(Direction::to_server, as_bytes(bytes), {++talk.frame, 0});
  };
  for (const std::string_view header : {v1, v2}) {
    for (std::size_t cut = 1; cut <= header.size(); ++cut) {
      Talk talk(true);
      feed(talk, header.substr(0, cut));
      CHECK((talk.conversation.proxy_header_bytes().size() == header.size()) ==
            (cut == header.size()));
      if (cut != header.size()) feed(talk, header.substr(cut));
      CHECK(talk.conversation.proxy_header() ==
            (header == v1 ? "v1 TCP4 192.0.2.1:5000 198.51.100.1:3306"
                          : "v2 TCP6 [2001:db8::1]:5000 [2001:db8::2]:3306"));
      CHECK(as_text(talk.conversation.proxy_header_bytes()) == header);
      CHECK(talk.log.take().empty());
    }
  }
}

TEST_CASE("a PROXY header that is wrong is a problem, and is taken off") {
  Talk talk(true);
  talk.conversation.on_bytes(Direction::to_server,
                             as_bytes("PROXY TCP4 192.0.2.1 elsewhere 5000 3306\r\n"sv), {2, 0});
  CHECK(talk.log.take() == "!malformed");
  CHECK(talk.conversation.proxy_header() == "unreadable");
}
