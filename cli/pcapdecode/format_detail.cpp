// Every field of every message, with its place, its bytes and what they say.
#include "cli/common/text.hpp"
#include "cli/pcapdecode/field_meaning.hpp"
#include "cli/pcapdecode/field_tree.hpp"
#include "cli/pcapdecode/format.hpp"
#include "cli/pcapdecode/message_fields.hpp"

#include <algorithm>
#include <cstdio>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

constexpr std::size_t longest_bytes = 32;

FormatOptions line_options(FormatOptions options) {
  options.every_message = true;
  options.bytes = false;
  return options;
}

/// The line of the text format, with the tree below it.
class DetailFormat final : public Format {
 public:
  DetailFormat(const FormatOptions& options, Output& output)
      : options_(options),
        output_(output),
        line_(make_text_format(line_options(options), output)) {}

  void on_connection(const Conversation& conversation) override {
    hold();
    line_->on_connection(conversation);
    if (const Bytes header = conversation.proxy_header_bytes(); !header.empty())
      write(collect_proxy_fields(tree_, header), Flavor::mysql);
    release();
  }
  void on_tls(const Conversation& conversation, const TlsInfo& info,
              const Origin& origin) override {
    line_->on_tls(conversation, info, origin);
  }
  void on_message(const Conversation& conversation, const SeenMessage& message) override {
    const bool is_row =
        message.kind == PacketKind::text_row || message.kind == PacketKind::binary_row;
    if (is_row && message.exchange != nullptr && message.exchange->rows > options_.max_rows) return;
    hold();
    line_->on_message(conversation, message);
    const std::string error = collect_fields(tree_, conversation, message, options_.redact);
    write(message.is_whole() ? error : "cut", conversation.context().flavor);
    release();
  }
  void on_problem(const Conversation& conversation, const Problem& problem,
                  const Origin& origin) override {
    line_->on_problem(conversation, problem, origin);
  }
  void on_end(const Conversation& conversation, TcpStream::End how) override {
    line_->on_end(conversation, how);
  }

 private:
  std::string& text() { return output_.text(); }

  // The line and its tree are one record.
  void hold() {
    record_.clear();
    outer_ = output_.redirect(&record_);
  }
  void release() {
    output_.redirect(outer_);
    text() += record_;
    output_.end_record();
  }

  bool is_hidden(const FieldNode& node) const {
    switch (secret_of(node)) {
      case FieldSecret::none: return false;
      case FieldSecret::login: return options_.redact != Redact::none;
      case FieldSecret::value: return options_.redact == Redact::values;
    }
    return true;
  }

  void begin_line(const FieldNode& node) {
    char place[40];
    std::snprintf(place, sizeof place, "  %6zu %6zu  ", node.offset, node.size);
    text() += place;
    text().append(2 * static_cast<std::size_t>(node.depth), ' ');
  }

  void write(const std::string& error, Flavor flavor) {
    for (const FieldNode& node : tree_.finish()) write(node, flavor);
    if (!error.empty()) {
      text() += "                 not decoded: ";
      append_printable(text(), error);
      text() += '\n';
    }
  }

  void write(const FieldNode& node, Flavor flavor) {
    begin_line(node);
    text() += node.name.empty() ? "rest" : node.name;
    const bool is_length = node.form == FieldForm::lenenc && node.kind == FieldNode::Kind::field;
    if (is_length) text() += " (lenenc)";
    const Bytes bytes = tree_.bytes_of(node);
    if (is_hidden(node)) {
      text() += ": (hidden)\n";
      return;
    }
    std::string meaning = node.meaning;
    if (node.kind == FieldNode::Kind::field && node.is_leaf)
      append_meaning(meaning, node, bytes, flavor);
    if (!meaning.empty()) {
      text() += ": ";
      text() += meaning;
    }
    const bool hides_bytes =
        options_.redact == Redact::values && node.kind != FieldNode::Kind::field;
    if (node.is_leaf && node.size != 0 && !hides_bytes) {
      text() += "  [";
      append_hex(text(), bytes.first(std::min(bytes.size(), longest_bytes)));
      text() += bytes.size() > longest_bytes ? "…]" : "]";
    }
    text() += '\n';
    for (const std::string& flag : flags_of(node)) {
      text().append(19 + 2 * static_cast<std::size_t>(node.depth), ' ');
      text() += flag;
      text() += '\n';
    }
  }

  FormatOptions options_;
  Output& output_;
  std::unique_ptr<Format> line_;
  FieldTree tree_;
  std::string record_;
  std::string* outer_ = nullptr;
};

}  // namespace

std::unique_ptr<Format> make_detail_format(const FormatOptions& options, Output& output) {
  return std::make_unique<DetailFormat>(options, output);
}

}  // namespace pcapdecode
