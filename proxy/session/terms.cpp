#include "proxy/session/terms.hpp"

#include <utility>

namespace mysqlproxy {
namespace {

/// Bound by name, so that a member more is not forgotten here.
bool same(const mysqlwire::Limits& a, const mysqlwire::Limits& b) noexcept {
  const auto& [payload, columns, parameters, attributes, user, schema, plugin, response, rounds,
               pipelined] = a;
  return payload == b.max_payload && columns == b.max_columns && parameters == b.max_parameters &&
         attributes == b.max_attributes_bytes && user == b.max_user && schema == b.max_schema &&
         plugin == b.max_plugin_name && response == b.max_auth_response &&
         rounds == b.max_auth_rounds && pipelined == b.max_pipelined_commands;
}

bool same(const mysqlwire::Context& a, const mysqlwire::Context& b) noexcept {
  const auto& [capabilities, flavor, strict, limits, notes, fields] = a;
  return capabilities == b.capabilities && flavor == b.flavor && strict == b.strict &&
         same(limits, b.limits) && notes == b.notes && fields == b.fields;
}

bool same(const Terms& a, const Terms& b) noexcept {
  return same(a.client_side, b.client_side) && same(a.server_side, b.server_side) &&
         a.server == b.server;
}

}  // namespace

SharedTerms TermsStore::share(const Terms& terms) {
  for (const auto& known : known_) {
    auto held = known.lock();
    if (held && same(*held, terms)) return held;
  }
  auto made = std::make_shared<const Terms>(terms);
  std::erase_if(known_, [](const auto& known) { return known.expired(); });
  if (known_.size() < most) known_.push_back(made);
  return made;
}

}  // namespace mysqlproxy
