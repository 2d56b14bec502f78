#include "proxy/lending/statements.hpp"

#include <mysqlwire/wire/stmt.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

namespace mysqlproxy::lending {

namespace {

/// What a server's reading of a text depends on.
constexpr std::string_view reading_variables[] = {
    "sql_mode", "character_set_client", "character_set_connection", "collation_connection"};

std::string key_of(const SessionImage& image, std::string_view text) {
  std::string key = image.schema;
  for (const std::string_view name : reading_variables) {
    key += '\0';
    const auto variable = image.variables.find(name);
    if (variable != image.variables.end()) key += variable->second;
  }
  key += '\0';
  key += text;
  return key;
}

}  // namespace

SessionImage as_read_by(const SessionImage& image, const StatementSource& source) {
  SessionImage changed = image;
  changed.schema = source.image->schema;
  for (const std::string_view name : reading_variables) {
    const auto wanted = source.image->variables.find(name);
    if (wanted != source.image->variables.end())
      changed.variables.insert_or_assign(std::string(name), wanted->second);
    else if (const auto had = changed.variables.find(name); had != changed.variables.end())
      changed.variables.erase(had);
  }
  return changed;
}

SharedSource StatementSources::find(const SharedImage& image, std::string_view text) {
  auto& known = sources_[key_of(*image, text)];
  if (auto source = known.lock()) return source;
  auto source =
      std::make_shared<const StatementSource>(StatementSource{std::string(text), image, false});
  known = source;
  if (sources_.size() >= sweep_at_) sweep();
  return source;
}

SharedSource StatementSources::partial(const SharedImage& image) {
  return std::make_shared<const StatementSource>(StatementSource{{}, image, true});
}

/// Forgets those that nobody has any more, now and then.
void StatementSources::sweep() {
  std::erase_if(sources_, [](const auto& one) { return one.second.expired(); });
  sweep_at_ = std::max<std::size_t>(1024, 2 * sources_.size());
}

PreparedHere::Entry* PreparedHere::find(ClientStatement& statement, std::uint32_t id) noexcept {
  Place& place = statement.place;
  // One that holds nothing can have any that nobody holds.
  const bool is_there = place.version_ == version_ && !statement.held && place.entry_->holder == 0;
  if (!is_there && !search(*statement.source, id, place)) return nullptr;
  if (place.entry_ != entries_.begin()) entries_.splice(entries_.begin(), entries_, place.entry_);
  return &*place.entry_;
}

bool PreparedHere::search(const StatementSource& source, std::uint32_t id, Place& place) noexcept {
  const auto [first, last] = by_source_.equal_range(&source);
  const auto usable = std::find_if(first, last, [&](const auto& one) {
    const std::uint32_t holder = one.second->holder;
    return holder == 0 || holder == id;
  });
  if (usable == last) return false;
  // What it holds it has to be found by, were there another one before it.
  const auto held =
      std::find_if(first, last, [&](const auto& one) { return one.second->holder == id; });
  place.entry_ = (held != last ? held : usable)->second;
  place.version_ = version_;
  return true;
}

/// By any thread.
std::uint64_t PreparedHere::new_version() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

PreparedHere::Entry& PreparedHere::add(SharedSource source, std::uint32_t server_id) {
  entries_.push_front({std::move(source), server_id, {}, 0});
  by_source_.emplace(entries_.front().source.get(), entries_.begin());
  return entries_.front();
}

std::vector<std::uint32_t> PreparedHere::make_room() {
  std::vector<std::uint32_t> closed;
  for (auto entry = entries_.end(); entries_.size() >= most && entry != entries_.begin();) {
    --entry;
    if (entry->holder != 0) continue;
    closed.push_back(entry->server_id);
    const auto [first, last] = by_source_.equal_range(entry->source.get());
    by_source_.erase(
        std::find_if(first, last, [&](const auto& one) { return one.second == entry; }));
    entry = entries_.erase(entry);
  }
  if (!closed.empty()) version_ = new_version();
  return closed;
}

bool PreparedHere::let_go(std::uint32_t client_statement) noexcept {
  bool held = false;
  for (Entry& entry : entries_) {
    if (entry.holder != client_statement) continue;
    entry.holder = 0;
    held = true;
  }
  return held;
}

void PreparedHere::clear() noexcept {
  by_source_.clear();
  entries_.clear();
  version_ = new_version();
}

ClientStatement& ClientStatements::add(ClientStatement statement) {
  if (!statements_) statements_ = std::make_unique<Statements>();
  ++last_;
  return (*statements_)[last_] = std::move(statement);
}

std::uint32_t ClientStatements::resolve(std::uint32_t id) const noexcept {
  return id == mysqlwire::last_prepared_statement ? last_ : id;
}

ClientStatement* ClientStatements::find(std::uint32_t id) noexcept {
  if (!statements_) return nullptr;
  id = resolve(id);
  if (found_ != nullptr && found_id_ == id) return found_;
  const auto found = statements_->find(id);
  if (found == statements_->end()) return nullptr;
  found_id_ = id;
  return found_ = &found->second;
}

void ClientStatements::close(std::uint32_t id) noexcept {
  if (!statements_) return;
  const auto found = statements_->find(id);
  if (found == statements_->end()) return;
  hold(found->second, false);
  found_ = nullptr;
  statements_->erase(found);
}

void ClientStatements::clear() noexcept {
  statements_.reset();
  found_ = nullptr;
  held_ = 0;
}

void ClientStatements::hold(ClientStatement& statement, bool on) noexcept {
  if (statement.held == on) return;
  statement.held = on;
  held_ += on ? 1 : -1;
}

}  // namespace mysqlproxy::lending
