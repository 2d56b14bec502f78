// A server that lets everybody in, and a client that logs in to it, both without a socket.
#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/server_handshake.hpp>
#include <mysqlwire/wire/ok_packet.hpp>

#include <cstdio>

using namespace mysqlwire;

int main() {
  ServerGreeting greeting;
  greeting.server_version = "8.0.36-fake";
  greeting.connection_id = 7;
  greeting.capabilities = {Capability::protocol_41, Capability::secure_connection,
                           Capability::plugin_auth};
  greeting.auth_plugin = "mysql_native_password";
  greeting.salt.fill('x');  // a real server takes random bytes
  ServerHandshake server(greeting);

  ClientLogin login;
  login.user = "app";
  ClientHandshake client(login);

  Buffer to_client, to_server;
  FrameReader from_server, from_client;
  server.start(to_client);
  from_server.feed(to_client);
  client.on_packet(**from_server.next(), to_server);  // need_auth
  client.respond({}, to_server);                      // the answer of an empty password
  from_client.feed(to_server);
  to_client.clear();
  server.on_packet(**from_client.next(), to_client);  // need_verdict
  std::printf("%s wants in\n", server.login().user.c_str());

  Buffer ok;
  Writer writer(ok);
  OkPacket{}.encode(writer, {.capabilities = server.login().capabilities});
  server.accept(ok, to_client);
  from_server.feed(to_client);
  const bool ready = client.on_packet(**from_server.next(), to_server) == ClientStep::ready;
  std::printf("%s\n", ready ? "and is in" : "and is not");
}
