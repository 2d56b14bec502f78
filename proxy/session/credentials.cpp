#include "proxy/session/credentials.hpp"

#include <utility>

namespace mysqlproxy {

void Credentials::learn(mysqlwire::crypto::SecretBytes clear) {
  const std::string_view text = mysqlwire::as_text(clear.bytes());
  sha1 = mysqlwire::crypto::stage1(text);
  sha256 = mysqlwire::crypto::sha2_stage1(text);
  password = std::move(clear);
}

}  // namespace mysqlproxy
