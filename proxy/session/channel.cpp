#include "proxy/session/channel.hpp"

namespace mysqlproxy {

bool Channel::send(mysqlwire::Bytes bytes) {
  if (!congested()) {
    while (!bytes.empty() && socket.writable()) {
      const IoResult result = write(bytes);
      if (result.kind == IoResult::Kind::failed) return false;
      if (result.kind != IoResult::Kind::done) break;
      bytes_out += result.size;
      bytes = bytes.subspan(result.size);
    }
  }
  if (!bytes.empty()) tail_.insert(tail_.end(), bytes.begin(), bytes.end());
  return true;
}

bool Channel::flush() {
  while (congested() && socket.writable()) {
    const IoResult result = write(mysqlwire::Bytes(tail_).subspan(sent_));
    if (result.kind == IoResult::Kind::failed) return false;
    if (result.kind != IoResult::Kind::done) break;
    bytes_out += result.size;
    sent_ += result.size;
  }
  if (!congested() && !tail_.empty()) {
    // Freed, not only cleared: an idle connection holds no buffer.
    mysqlwire::Buffer().swap(tail_);
    sent_ = 0;
  }
  return true;
}

}  // namespace mysqlproxy
