#include "cli/pcapdecode/selection.hpp"

#include "cli/common/text.hpp"

namespace pcapdecode {

using namespace mysqlwire::capture;

namespace {

// "192.0.2.1" or "192.0.2.1:4000", "2001:db8::1" or "[2001:db8::1]:4000".
bool matches(const Endpoint& endpoint, const std::string& wanted) {
  if (wanted.empty()) return true;
  const std::string text = to_string(endpoint);
  if (text == wanted) return true;
  const std::string host = text.substr(0, text.rfind(':'));
  return host == wanted || (endpoint.is_v6 && host.substr(1, host.size() - 2) == wanted);
}

}  // namespace

Selection::Selection(const Filter& filter, Format& format, Output& output, PacketWriter* packets)
    : filter_(filter),
      format_(format),
      output_(output),
      packets_(packets),
      by_exchange_(filter.is_by_exchange()) {
  if (!filter.grep.empty()) pattern_ = std::make_unique<re2::RE2>(filter.grep, re2::RE2::Quiet);
}

bool Selection::is_selected(const Conversation& conversation) const {
  return (filter_.streams.empty() || filter_.streams.contains(conversation.id())) &&
         matches(conversation.client(), filter_.client) &&
         matches(conversation.server(), filter_.server);
}

bool Selection::is_selected(const Conversation& conversation, const Exchange& exchange) const {
  if (!filter_.user.empty() && conversation.user() != filter_.user) return false;
  if (!filter_.db.empty() && exchange.schema != filter_.db) return false;
  if (!filter_.command.empty() && command_name(exchange.command) != filter_.command) return false;
  if (filter_.errors && exchange.outcome != Outcome::error) return false;
  if (pattern_ && !re2::RE2::PartialMatch(exchange.query, *pattern_)) return false;
  if (filter_.slower_than) {
    if (!exchange.answered()) return false;
    const auto took = static_cast<double>(exchange.end.time - exchange.request_end.time) / 1e9;
    if (!(took > *filter_.slower_than)) return false;
  }
  return true;
}

std::string* Selection::held(const Conversation& conversation, const Exchange* exchange) {
  std::string& text = held_[conversation.id()][exchange->id];
  return text.size() < max_held ? &text : nullptr;
}

void Selection::on_connection(const Conversation& conversation) {
  if (packets_ != nullptr) packets_->on_connection(conversation, is_selected(conversation));
  if (!by_exchange_ && is_selected(conversation)) format_.on_connection(conversation);
}

void Selection::on_tls(const Conversation& conversation, const TlsInfo& info,
                       const Origin& origin) {
  if (packets_ != nullptr) packets_->on_tls(conversation);
  if (!by_exchange_ && is_selected(conversation)) format_.on_tls(conversation, info, origin);
}

void Selection::on_message(const Conversation& conversation, const SeenMessage& message) {
  if (!is_selected(conversation)) return;
  if (packets_ != nullptr) packets_->on_message(conversation, message);
  if (!by_exchange_) {
    format_.on_message(conversation, message);
  } else if (message.exchange != nullptr) {
    std::string* text = held(conversation, message.exchange);
    if (text == nullptr) return;
    output_.redirect(text);
    format_.on_message(conversation, message);
    output_.redirect(nullptr);
  }
}

void Selection::on_columns(const Conversation& conversation, const SeenMessage& last,
                           const Definitions& definitions) {
  if (!is_selected(conversation)) return;
  if (!by_exchange_) {
    format_.on_columns(conversation, last, definitions);
  } else if (last.exchange != nullptr) {
    std::string* text = held(conversation, last.exchange);
    if (text == nullptr) return;
    output_.redirect(text);
    format_.on_columns(conversation, last, definitions);
    output_.redirect(nullptr);
  }
}

void Selection::on_exchange(const Conversation& conversation, const Exchange& exchange) {
  if (!is_selected(conversation)) return;
  const bool is_wanted = !by_exchange_ || is_selected(conversation, exchange);
  if (packets_ != nullptr) packets_->on_exchange(conversation, exchange, is_wanted);
  if (!by_exchange_) {
    format_.on_exchange(conversation, exchange);
    return;
  }
  const auto connection = held_.find(conversation.id());
  std::string text;
  if (connection != held_.end()) {
    if (const auto found = connection->second.find(exchange.id);
        found != connection->second.end()) {
      text = std::move(found->second);
      connection->second.erase(found);
    }
    if (connection->second.empty()) held_.erase(connection);
  }
  if (!is_wanted) return;
  if (!text.empty()) {
    output_.text() += text;
    output_.end_record();
  }
  format_.on_exchange(conversation, exchange);
}

void Selection::on_problem(const Conversation& conversation, const Problem& problem,
                           const Origin& origin) {
  if (!is_selected(conversation)) return;
  ++problems_;
  if (!by_exchange_) format_.on_problem(conversation, problem, origin);
}

void Selection::on_end(const Conversation& conversation, TcpStream::End how) {
  held_.erase(conversation.id());
  if (packets_ != nullptr) packets_->on_end(conversation);
  if (!by_exchange_ && is_selected(conversation)) format_.on_end(conversation, how);
}

}  // namespace pcapdecode
