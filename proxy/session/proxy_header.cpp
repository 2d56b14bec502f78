// Session: the header of the PROXY protocol, in front of the greeting.
#include "proxy/app/worker.hpp"
#include "proxy/session/session.hpp"

#include <mysqlwire/wire/proxy_protocol.hpp>

#include <fmt/format.h>

namespace mysqlproxy {

/// Hears from a load balancer whose connection this is. The header is read to its last byte and no
/// further. False when the session is over by that.
Task<bool> Session::hear_origin() {
  mysqlwire::Buffer header;
  std::string fault;
  for (;;) {
    const auto size = mysqlwire::ProxyHeader::size_in(header);
    if (!size) {
      fault = to_string(size.error());
      break;
    }
    if (*size && **size <= header.size()) break;
    // One byte at a time until its length is known: what follows may be the client's.
    const std::size_t wanted = *size ? **size - header.size() : 1;
    if (client_.readable()) {
      const IoResult got = client_.read(worker_.loop().scratch().first(wanted));
      if (got.kind == IoResult::Kind::done) {
        const auto* from = worker_.loop().scratch().data();
        header.insert(header.end(), from, from + got.size);
        continue;
      }
      if (got.kind != IoResult::Kind::would_block) {
        spoke_ = !header.empty();
        end(EndedBy::client, "left before its PROXY header");
        co_return false;
      }
    }
    if (deadline_.passed()) {
      fault = "no PROXY header in time";
      break;
    }
    co_await waker_;
  }
  spoke_ = true;
  mysqlwire::ProxyHeader origin;
  if (fault.empty()) {
    const auto read = mysqlwire::ProxyHeader::decode(header, {});
    if (read)
      origin = *read;
    else
      fault = to_string(read.error());
  }
  if (!fault.empty()) {
    // Whoever sends something else is no load balancer, and gets nothing.
    end(EndedBy::proxy, fmt::format("PROXY header: {}", fault));
    co_return false;
  }
  take_origin(origin);
  spoke_ = false;  // the header is not the client's word
  co_return true;
}

/// A health check of the balancer's own keeps the address that it came from.
void Session::take_origin(const mysqlwire::ProxyHeader& origin) {
  const std::string ip = ip_text(origin.family, origin.source);
  if (origin.local || ip.empty()) return;
  arrival_.origin = {origin.family, origin.source, origin.destination};
  arrival_.host = ip;
  if (const auto network = parse_network(ip)) arrival_.from = {network->address, false};
  arrival_.address = ip.find(':') == ip.npos ? fmt::format("{}:{}", ip, origin.source.port)
                                             : fmt::format("[{}]:{}", ip, origin.source.port);
}

}  // namespace mysqlproxy
