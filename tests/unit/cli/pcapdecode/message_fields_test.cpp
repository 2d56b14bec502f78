#include "cli/pcapdecode/message_fields.hpp"

#include "cli/pcapdecode/field_tree.hpp"
#include "cli/pcapdecode/input.hpp"
#include "cli/pcapdecode/toolbox.hpp"

#include <mysqlwire/capture/onlooker.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::capture;
using namespace pcapdecode;

namespace {

// What is wrong with a tree of these many bytes; empty when its leaves stand side by side from the
// first byte to the last, and parents hold their children.
std::string flaw(const FieldTree& tree, const std::vector<FieldNode>& nodes, std::size_t size) {
  if (tree.has_overlap()) return "fields overlap";
  std::size_t done = 0;
  std::vector<std::size_t> ends;
  for (const FieldNode& node : nodes) {
    if (node.depth > ends.size()) return node.name + " is nested too deep";
    ends.resize(node.depth);
    if (!ends.empty() && node.offset + node.size > ends.back()) return node.name + " sticks out";
    ends.push_back(node.offset + node.size);
    if (node.offset != done) return node.name + " does not begin where the last leaf ended";
    if (node.is_leaf) done += node.size;
  }
  return done == size ? "" : "bytes are missing at the end";
}

// Looks at every message of a capture.
class Fields final : public Observer {
 public:
  void on_connection(const Conversation& conversation) override {
    const Bytes header = conversation.proxy_header_bytes();
    if (header.empty()) return;
    CHECK(collect_proxy_fields(tree_, header).empty());
    CHECK(flaw(tree_, tree_.finish(), header.size()).empty());
  }
  void on_message(const Conversation& conversation, const SeenMessage& message) override {
    ++messages;
    INFO("frame " << message.end.frame << ", " << to_string(message.kind));
    const std::string error = collect_fields(tree_, conversation, message, cli::Redact::auth);
    const auto& nodes = tree_.finish();
    CHECK(flaw(tree_, nodes, message.payload.size()) == "");
    if (message.is_whole() && message.kind != PacketKind::unexpected) {
      CHECK(error == "");
      for (const FieldNode& node : nodes) CHECK(node.kind != FieldNode::Kind::unread);
    }
    // However a message is cut, all of it is accounted for.
    constexpr std::size_t longest = 300;
    SeenMessage cut = message;
    cut.event = nullptr;  // of the whole
    const Bytes whole = message.payload;
    for (std::size_t size = 0; size < std::min(whole.size(), longest); ++size) {
      const Buffer copy(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      cut.payload = copy;
      (void)collect_fields(tree_, conversation, cut, cli::Redact::auth);
      const std::string found = flaw(tree_, tree_.finish(), size);
      if (!found.empty()) FAIL_CHECK("cut at " << size << ": " << found);
    }
  }
  std::size_t messages = 0;

 private:
  FieldTree tree_;
};

Field field(const char* name, Bytes bytes, FieldForm form = FieldForm::bytes) {
  return {"Message", name, form, bytes, 0};
}

std::string shape(const std::vector<FieldNode>& nodes) {
  std::string text;
  for (const FieldNode& node : nodes)
    text += std::string(node.depth, '.') + node.name + ' ' + std::to_string(node.offset) + '+' +
            std::to_string(node.size) + ' ';
  return text;
}

}  // namespace

TEST_CASE("the fields of every message of the captures cover its payload", "[pcapdecode]") {
  const char* folder = std::getenv("MYSQLWIRE_CAPTURES");
  REQUIRE(folder != nullptr);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (path.find(".pcap") == std::string::npos) continue;
    INFO(path);
    ++files;
    Tools tools;
    Fields fields;
    Onlooker::Options options;
    options.any_port = true;
    Onlooker onlooker(options, fields, tools);
    const auto capture = Capture::open_file(path);
    std::uint64_t number = 0;
    for (Frame frame; capture->next(frame);)
      (void)onlooker.add(frame.link, frame.bytes, frame.length, {++number, frame.time});
    onlooker.finish();
    CHECK(fields.messages != 0);
  }
  CHECK(files >= 10);
}

TEST_CASE("fields inside of others are their children, and gaps are filled", "[pcapdecode]") {
  const Buffer payload(10);
  const Bytes all(payload);
  FieldTree tree;
  tree.begin(all);
  tree.on_field(field("a", all.subspan(0, 2)));
  tree.on_field(field("b", all.subspan(3, 6)));
  tree.on_field(field("c", all.subspan(4, 2)));
  tree.on_field(field("d", all.subspan(9, 0)));
  tree.on_field(field("b", all.subspan(3, 6)));  // told twice
  CHECK(shape(tree.finish()) ==
        "a 0+2 not decoded 2+1 b 3+6 .not decoded 3+1 .c 4+2 .not decoded 6+3 .d 9+0 "
        "not decoded 9+1 ");
  CHECK_FALSE(tree.has_overlap());

  tree.begin(all);
  tree.on_field(field("a", all.subspan(0, 6)));
  tree.on_field(field("b", all.subspan(5, 5)));
  (void)tree.finish();
  CHECK(tree.has_overlap());

  tree.begin(all);
  CHECK(shape(tree.finish()) == "not decoded 0+10 ");
}

TEST_CASE("a group of one field takes its place", "[pcapdecode]") {
  const Buffer payload(5);
  const Bytes all(payload);
  FieldTree tree;
  tree.begin(all);
  tree.on_field(field("value", all.subspan(0, 4)));
  tree.add_group("column", all.subspan(0, 4), "7");
  tree.add_group("empty", all.subspan(4, 0), "NULL");
  tree.on_field(field("length", all.subspan(4, 1), FieldForm::lenenc));
  tree.on_field(field("text", all.subspan(5, 0)));
  tree.add_group("other", all.subspan(4, 1), "");
  CHECK(shape(tree.finish()) == "column 0+4 empty 4+0 other 4+1 ");
}

TEST_CASE("bytes from elsewhere are no fields of a payload", "[pcapdecode]") {
  const Buffer payload(4), other(4);
  FieldTree tree;
  tree.begin(payload);
  tree.on_field(field("a", Bytes(other)));
  tree.add_group("b", Bytes(), "");
  CHECK(shape(tree.finish()) == "not decoded 0+4 ");
}
