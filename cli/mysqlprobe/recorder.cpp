#include "cli/mysqlprobe/recorder.hpp"

#include "cli/common/text.hpp"
#include "cli/mysqlprobe/explain.hpp"
#include "cli/mysqlprobe/pcapng.hpp"

#include <arpa/inet.h>

#include <chrono>

namespace mysqlprobe {

using namespace mysqlwire;
using capture::Conversation;

namespace {

// pcapdecode's lines, and under each what it is for.
class ExplainingFormat final : public cli::Format {
 public:
  ExplainingFormat(std::unique_ptr<cli::Format> lines, cli::Output& output, bool explains)
      : lines_(std::move(lines)), output_(output), explains_(explains) {}

  void on_connection(const Conversation& conversation) override {
    lines_->on_connection(conversation);
  }
  void on_tls(const Conversation& conversation, const capture::TlsInfo& info,
              const capture::Origin& origin) override {
    lines_->on_tls(conversation, info, origin);
  }
  void on_message(const Conversation& conversation, const capture::SeenMessage& message) override {
    lines_->on_message(conversation, message);
    if (!explains_) return;
    const std::string words = explain(conversation, message);
    if (words.empty()) return;
    output_.text() += "        ";
    cli::append_printable(output_.text(), words);
    output_.text() += '\n';
  }
  void on_columns(const Conversation& conversation, const capture::SeenMessage& last,
                  const capture::Definitions& definitions) override {
    lines_->on_columns(conversation, last, definitions);
  }
  void on_problem(const Conversation& conversation, const capture::Problem& problem,
                  const capture::Origin& origin) override {
    lines_->on_problem(conversation, problem, origin);
  }
  void on_end(const Conversation& conversation, capture::TcpStream::End how) override {
    lines_->on_end(conversation, how);
  }

 private:
  std::unique_ptr<cli::Format> lines_;
  cli::Output& output_;
  bool explains_;
};

capture::Endpoint endpoint(const Address& address, std::uint16_t fallback_port) {
  capture::Endpoint out;
  if (address.storage.ss_family == AF_UNIX) {
    out.address = {127, 0, 0, 1};
    out.port = fallback_port;
    return out;
  }
  out.is_v6 = address.storage.ss_family == AF_INET6;
  out.port = address.port();
  const std::string text = address.text();
  ::inet_pton(address.storage.ss_family, text.c_str(), out.address.data());
  return out;
}

}  // namespace

// TLS is taken off before a Conversation sees the bytes: this reader has nothing left to do.
class Recorder::Tools final : public capture::Toolbox {
 public:
  bool inflate(capture::Compression compression, Bytes input, std::size_t size,
               Buffer& out) override {
    return inflater_.inflate(compression, input, size, out);
  }
  std::unique_ptr<capture::TlsReader> tls() override { return std::make_unique<Reader>(info_); }
  void set_tls(const std::string& version, const std::string& cipher) {
    info_.version = version;
    info_.cipher = cipher;
    info_.decrypted = true;
  }

 private:
  class Reader final : public capture::TlsReader {
   public:
    explicit Reader(const capture::TlsInfo& info) : info_(info) {}
    void feed(Direction, Bytes bytes, Buffer& plain) override {
      plain.insert(plain.end(), bytes.begin(), bytes.end());
    }
    void lose(Direction) override {}
    bool established() const override { return true; }
    const capture::TlsInfo& info() const override { return info_; }

   private:
    const capture::TlsInfo& info_;
  };

  cli::Inflater inflater_;
  capture::TlsInfo info_;
};

std::int64_t wall_clock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Recorder::Recorder(const RecorderOptions& options) : options_(options), output_(nullptr, false, 0) {
  output_.redirect(&text_);
  if (!options_.trace && !options_.explain) return;
  cli::FormatOptions format;
  format.bytes = options_.hex;
  format.max_rows = 20;
  if (options_.secrets) format.redact = cli::Redact::none;
  format_ = std::make_unique<ExplainingFormat>(cli::make_text_format(format, output_), output_,
                                               options_.explain);
  tools_ = std::make_unique<Tools>();
}

Recorder::~Recorder() = default;

void Recorder::on_open(const Address& client, const Address& server) {
  client_ = client;
  server_ = server;
  opened_ = wall_clock();
  if (format_)
    conversation_.emplace(1, endpoint(client, 40000), endpoint(server, 3306), true,
                          capture::Origin{++events_, opened_}, Conversation::Options{}, *format_,
                          *tools_);
}

void Recorder::on_wire(Direction direction, Bytes bytes) {
  if (!options_.capture || wire_.size() + bytes.size() > max_capture) return;
  pieces_.push_back({direction, wall_clock(), wire_.size(), bytes.size()});
  wire_.insert(wire_.end(), bytes.begin(), bytes.end());
}

void Recorder::on_bytes(Direction direction, Bytes bytes) {
  if (conversation_)
    conversation_->on_bytes(direction, bytes, capture::Origin{++events_, wall_clock()});
}

void Recorder::on_tls(const std::string& version, const std::string& cipher) {
  if (tools_) tools_->set_tls(version, cipher);
}

void Recorder::on_close(bool) {
  closed_ = wall_clock();
  if (conversation_)
    conversation_->finish(capture::TcpStream::End::fin, capture::Origin{++events_, closed_});
  conversation_.reset();
}

void Recorder::write(const std::string& path) const {
  PcapngWriter writer(endpoint(client_, 40000), endpoint(server_, 3306));
  if (!secrets_.empty()) writer.add_secrets(secrets_);
  if (opened_ != 0) writer.open(opened_);
  for (const Piece& piece : pieces_)
    writer.add(piece.direction, Bytes(wire_).subspan(piece.begin, piece.size), piece.time);
  if (closed_ != 0) writer.close(closed_);
  writer.save(path);
}

}  // namespace mysqlprobe
