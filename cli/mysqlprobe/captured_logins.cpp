#include "cli/mysqlprobe/captured_logins.hpp"

#include "cli/pcapdecode/input.hpp"
#include "cli/pcapdecode/toolbox.hpp"

#include <mysqlwire/capture/onlooker.hpp>
#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>

#include <map>
#include <utility>

namespace mysqlprobe {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

constexpr std::size_t most = 10000;

class Collector final : public Observer {
 public:
  void on_message(const Conversation& conversation, const SeenMessage& message) override {
    CapturedLogin& login = open_[conversation.id()];
    switch (message.kind) {
      case PacketKind::greeting:
        login = {};
        if (const auto& greeting = conversation.greeting())
          login.salt.assign(greeting->salt.begin(), greeting->salt.end());
        break;
      case PacketKind::handshake_response:
        login.user = conversation.user();
        login.plugin = conversation.plugin();
        if (const auto response =
                HandshakeResponse41::decode(message.payload, conversation.context()))
          answer(login, response->auth_response);
        break;
      case PacketKind::auth_switch_request:
        if (const auto request =
                AuthSwitchRequest::decode(message.payload, conversation.context())) {
          login.plugin = request->plugin_name;
          login.salt.assign(request->plugin_provided_data.begin(),
                            request->plugin_provided_data.end());
          login.response.clear();
          switched_ = true;
        }
        break;
      case PacketKind::auth_response:
        // What comes after the answer to a salt (keys, the password itself) is no answer to it.
        if (switched_) answer(login, message.payload);
        switched_ = false;
        break;
      case PacketKind::ok:
      case PacketKind::err:
        if (message.exchange != nullptr || login.salt.empty()) break;
        login.outcome = message.kind == PacketKind::ok ? "ok" : "refused";
        finish(conversation.id());
        break;
      default: break;
    }
  }

  void on_end(const Conversation& conversation, TcpStream::End) override {
    finish(conversation.id());
  }

  std::vector<CapturedLogin> take() { return std::move(found_); }
  bool full() const noexcept { return found_.size() >= most; }

 private:
  static void answer(CapturedLogin& login, Bytes response) {
    login.response.assign(response.begin(), response.end());
  }

  void finish(std::uint64_t id) {
    const auto it = open_.find(id);
    if (it == open_.end()) return;
    if (!it->second.salt.empty() && !it->second.plugin.empty() && !full())
      found_.push_back(std::move(it->second));
    open_.erase(it);
  }

  std::map<std::uint64_t, CapturedLogin> open_;
  std::vector<CapturedLogin> found_;
  bool switched_ = false;
};

}  // namespace

std::vector<CapturedLogin> read_logins(const std::string& path) {
  try {
    const auto capture = pcapdecode::Capture::open_file(path);
    pcapdecode::Tools tools;
    Collector collector;
    Onlooker::Options options;
    options.any_port = true;
    Onlooker onlooker(options, collector, tools);
    std::uint64_t number = 0;
    for (pcapdecode::Frame frame; !collector.full() && capture->next(frame);) {
      if (const std::string secrets = capture->take_secrets(); !secrets.empty())
        tools.key_log().add(secrets);
      onlooker.add(frame.link, frame.bytes, frame.length, {++number, frame.time});
    }
    onlooker.finish();
    return collector.take();
  } catch (const pcapdecode::InputError& error) {
    throw CredentialError(error.what());
  }
}

}  // namespace mysqlprobe
