#include "proxy/lending/held_things.hpp"

namespace mysqlproxy::lending {

void HeldThings::take(Pin pin, std::string_view name) {
  Counts& counts = named_[static_cast<std::size_t>(pin)];
  const auto known = counts.find(name);
  if (known != counts.end()) {
    ++known->second;
  } else if (name.empty() || counts.size() >= most_names) {
    nameless_.add(pin);
  } else {
    counts.emplace(name, 1);
  }
}

void HeldThings::take_once(Pin pin, std::string_view name) {
  if (!has(pin, name)) take(pin, name);
}

void HeldThings::release(Pin pin, std::string_view name) {
  Counts& counts = named_[static_cast<std::size_t>(pin)];
  const auto known = counts.find(name);
  if (known != counts.end() && --known->second == 0) counts.erase(known);
}

void HeldThings::release_all(Pin pin) {
  named_[static_cast<std::size_t>(pin)].clear();
  nameless_.remove(pin);
}

void HeldThings::clear() {
  for (Counts& counts : named_) counts.clear();
  nameless_ = {};
}

bool HeldThings::has(Pin pin, std::string_view name) const {
  return named_[static_cast<std::size_t>(pin)].contains(name);
}

Pins HeldThings::pins() const {
  Pins pins = nameless_;
  for (std::size_t i = 0; i < pin_count; ++i) {
    if (!named_[i].empty()) pins.add(static_cast<Pin>(i));
  }
  return pins;
}

}  // namespace mysqlproxy::lending
