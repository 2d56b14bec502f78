// The server's side of proving who the client is: what login and COM_CHANGE_USER share.
#pragma once

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlwire {

/// Who wants in, and how. Owned copies.
struct LoginRequest {
  Capabilities capabilities;          ///< in force: what the client set AND the greeting offered
  std::uint32_t max_packet_size = 0;  ///< bytes; what the client is ready to receive
  std::uint16_t collation = 0;
  std::string user;         ///< without the pair of `'` that servers strip
  std::string schema;       ///< empty: none
  std::string auth_plugin;  ///< as the client named it; empty without PLUGIN_AUTH
  /// The client's newest plugin data; see ServerAuth::auth_response().
  Buffer auth_response;
  Buffer attributes;  ///< the block of ConnectionAttributes, without its total length
  std::uint8_t zstd_compression_level = 0;
};

/// What the server's role asks of its driver.
enum class ServerStep : std::uint8_t {
  need_more,     ///< send `out`, then feed the client's next packet
  start_tls,     ///< the client sent an SSLRequest: start TLS, then feed the next packet
  need_verdict,  ///< look at login() and auth_response(); then switch, send more data, or judge
  refused,       ///< `out` ends with an ERR: send it and close; error() says why
  quit,          ///< the client took its leave (COM_QUIT): close, no error
};

/// The rounds between a client's claim and the verdict, without I/O and without cryptography:
/// packets in, packets out, and the driver judges. One object serves one login; ServerHandshake and
/// ServerChangeUser differ in how it begins.
///
/// After `need_verdict` the driver calls exactly one of switch_plugin(), more_data(), accept() and
/// reject(). After more_data() it may go on without a reply (caching_sha2's "fast auth ok" is
/// followed by the OK at once). Plugin data may be a password in clear: it is overwritten as soon
/// as newer data come, and when the object goes.
class ServerAuth {
 public:
  using Step = ServerStep;

  ServerAuth(const ServerAuth&) = delete;
  ServerAuth& operator=(const ServerAuth&) = delete;
  ServerAuth(ServerAuth&&) noexcept = default;
  ServerAuth& operator=(ServerAuth&&) = delete;

  /// Valid from the first need_verdict on.
  const LoginRequest& login() const noexcept { return login_; }
  /// The client's newest plugin data, valid until the next packet.
  Bytes auth_response() const noexcept { return login_.auth_response; }
  /// The plugin that made auth_response(): the client's own choice, then that of the newest switch.
  /// mysql_native_password for a client without PLUGIN_AUTH.
  std::string_view plugin() const noexcept { return plugin_; }
  /// The salt that auth_response() answers, without closing NUL.
  Bytes salt() const noexcept { return salt_; }

  /// auth_response() answers nothing, not even with an empty password: switch_plugin() is due. True
  /// for a COM_CHANGE_USER, and for a client that named another plugin than the greeting and sent
  /// no data: it has no salt for its plugin yet.
  bool switch_required() const noexcept { return switch_required_; }

  /// Asks the client for another plugin, or for the same with other data. Data of 20 bytes, the
  /// salt of the password plugins, gets its closing NUL; other data are sent as they are. A client
  /// without PLUGIN_AUTH is refused with ERR 1251, and so is one that has used up
  /// `limits.max_auth_rounds`.
  Step switch_plugin(std::string_view plugin, Bytes data, Buffer& out);
  /// Sends data of the plugin in use. Feed the reply, if the plugin expects one.
  Step more_data(Bytes data, Buffer& out);
  /// Ends the login well. `ok_payload` is a whole OK payload, made here or by another server; only
  /// its sequence id is put right.
  void accept(Bytes ok_payload, Buffer& out);
  /// Ends it badly with a whole ERR payload. Also good before anything was received, or sent.
  void reject(Bytes err_payload, Buffer& out);

  /// For an error of the framing in place of a packet: appends the ERR for it (1156 for packets out
  /// of order, 1153 for one that is too large, else 1043).
  Step refuse(const Error& error, Buffer& out);

  /// Why the step was `refused`; only meaningful then.
  const Error& error() const noexcept { return error_; }
  /// The id that the next packet sent will have.
  std::uint8_t next_sequence_id() const noexcept { return sequence_id_; }
  /// The largest payload that may come next, in bytes, for FrameReader::set_max_payload(): what a
  /// stranger may make us keep.
  std::uint64_t max_payload() const noexcept;

 protected:
  /// The ERR packets that the roles make themselves.
  enum class Refusal : std::uint8_t {
    bad_handshake,    ///< 1043 08S01
    out_of_order,     ///< 1156 08S01
    too_large,        ///< 1153 08S01
    old_auth,         ///< 1251 08004
    old_client,       ///< 1251, in the form without SQLSTATE that a 320 client reads
    unknown_command,  ///< 1047 08S01
  };
  enum class Phase : std::uint8_t { idle, request, request_in_tls, verdict, reply, over };

  /// Of what a decode has let pass what servers do not: a client that says it has attributes, and
  /// sends not even their length. Null where that is not so.
  static const Error* missing_attributes(const Notes& notes) noexcept;

  ServerAuth(Phase phase, std::uint8_t sequence_id, const Limits& limits) noexcept
      : limits_(limits), phase_(phase), sequence_id_(sequence_id) {}
  ~ServerAuth();

  /// Sequence id, leave-taking, size. need_more: go on with the packet.
  Step admit(const Packet& packet, Buffer& out);
  /// A reply within the rounds.
  Step on_reply(const Packet& packet, Buffer& out);
  /// Appends an ERR of our own and ends the login.
  Step refuse_with(Refusal refusal, const Error& error, Buffer& out);
  void set_auth_response(Bytes response);
  Context context() const noexcept;

  LoginRequest login_;
  std::string plugin_;
  Buffer salt_;
  Limits limits_;
  Error error_;
  std::uint32_t rounds_ = 0;
  Phase phase_;
  std::uint8_t sequence_id_;
  bool switch_required_ = false;
  bool check_sequence_ = true;  // not within compressed frames
};

}  // namespace mysqlwire
