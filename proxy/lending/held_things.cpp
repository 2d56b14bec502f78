#include "proxy/lending/held_things.hpp"

#include <algorithm>

namespace mysqlproxy::lending {

void HeldThings::take(Pin pin, std::string_view name) {
  if (name.empty()) return nameless_.add(pin);
  if (!named_) named_ = std::make_unique<Counts>();
  if (const auto known = named_->find({pin, std::string(name)}); known != named_->end())
    ++known->second;
  else if (count(pin) >= most_names)
    nameless_.add(pin);
  else
    named_->emplace(std::pair(pin, std::string(name)), 1);
}

void HeldThings::take_once(Pin pin, std::string_view name) {
  if (!has(pin, name)) take(pin, name);
}

void HeldThings::release(Pin pin, std::string_view name) {
  if (!named_) return;
  const auto known = named_->find({pin, std::string(name)});
  if (known != named_->end() && --known->second == 0) named_->erase(known);
  if (named_->empty()) named_.reset();
}

void HeldThings::release_all(Pin pin) {
  nameless_.remove(pin);
  if (!named_) return;
  std::erase_if(*named_, [pin](const auto& one) { return one.first.first == pin; });
  if (named_->empty()) named_.reset();
}

void HeldThings::clear() {
  named_.reset();
  nameless_ = {};
}

bool HeldThings::has(Pin pin, std::string_view name) const {
  return named_ && named_->contains({pin, std::string(name)});
}

std::size_t HeldThings::count(Pin pin) const {
  return static_cast<std::size_t>(std::count_if(
      named_->begin(), named_->end(), [pin](const auto& one) { return one.first.first == pin; }));
}

Pins HeldThings::pins() const {
  Pins pins = nameless_;
  if (named_) {
    for (const auto& [what, times] : *named_) pins.add(what.first);
  }
  return pins;
}

}  // namespace mysqlproxy::lending
