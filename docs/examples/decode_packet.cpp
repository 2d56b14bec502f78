// Decodes one payload: what a server answers to a wrong password.
#include <mysqlwire/wire/err_packet.hpp>

#include <cstdio>

int main() {
  const unsigned char payload[] = "\xff\x15\x04#28000Access denied for user 'app'@'localhost'";
  const mysqlwire::Bytes bytes(payload, sizeof payload - 1);

  mysqlwire::Context context;  // what client and server have agreed on
  context.capabilities = mysqlwire::Capability::protocol_41;

  const auto err = mysqlwire::ErrPacket::decode(bytes, context);
  if (!err) {
    std::fprintf(stderr, "%s\n", to_string(err.error()).c_str());
    return 1;
  }
  // The texts point into the payload; nothing was copied.
  std::printf("%u %.*s: %.*s\n", err->code, static_cast<int>(err->sql_state.size()),
              err->sql_state.data(), static_cast<int>(err->message.size()), err->message.data());

  // Bytes that are cut short give an error that names the field and the place.
  const auto cut = mysqlwire::ErrPacket::decode(bytes.first(2), context);
  std::printf("%s\n", to_string(cut.error()).c_str());
}
