// The client's side of proving who it is: what login and COM_CHANGE_USER share.
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
#include <utility>

namespace mysqlwire {

/// Who logs in, and how. Owned copies.
struct ClientLogin {
  /// Wanted. In force is what the server offers too. CONNECT_WITH_DB follows from `schema`;
  /// PROTOCOL_41 and SECURE_CONNECTION are always wanted.
  Capabilities capabilities;
  std::uint32_t max_packet_size = 1U << 24;  ///< bytes; binds what the server may send
  /// Ids above 255 do not fit a login: utf8mb4_general_ci (45) is sent in their place, and the
  /// wanted collation has to be set by a statement later. COM_CHANGE_USER has room for them.
  std::uint16_t collation = 45;
  std::string user;
  std::string schema;  ///< empty: none
  Buffer attributes;   ///< the block of ConnectionAttributes, without its total length
  /// The plugin to begin with; empty: the one that the server's greeting names.
  std::string preferred_plugin;
  std::uint8_t zstd_compression_level = 3;
  /// With SSL wanted and a server that has none: go on in clear instead of failing.
  bool tls_optional = false;
};

/// What the client's role asks of its driver.
enum class ClientStep : std::uint8_t {
  need_more,  ///< send `out`, then feed the server's next packet
  start_tls,  ///< send `out`, start TLS, then call tls_established()
  need_auth,  ///< look at plugin() and auth_data(), then respond(); or give up and close
  ready,      ///< logged in: ok_payload()
  refused,    ///< the server said no: err_payload()
  failed,     ///< the server broke the protocol or a limit: error(); close
};

/// Where the data of a need_auth came from.
enum class AuthSource : std::uint8_t {
  greeting,     ///< the salt of the greeting, for the first reply
  switched,     ///< an AuthSwitchRequest: plugin() may be a new one
  more_data,    ///< AuthMoreData, or MariaDB's raw plugin data
  next_factor,  ///< AuthNextFactor
};

/// The rounds between greeting and verdict, without I/O and without cryptography: the server's
/// packets in, the client's packets out, and the driver computes. ClientHandshake and
/// ClientChangeUser differ in how it begins. `out` may hold a password after respond(): it is
/// appended without leaving copies behind, and the driver overwrites it once it is sent.
///
/// A server can ask for any plugin, mysql_clear_password too: the driver answers only for plugins
/// it allows on this link, and closes otherwise. After data that want no reply (`more_data` only,
/// such as caching_sha2's "fast auth ok", 0x03) the driver just feeds the next packet.
class ClientAuth {
 public:
  using Step = ClientStep;

  ClientAuth(const ClientAuth&) = delete;
  ClientAuth& operator=(const ClientAuth&) = delete;
  ClientAuth(ClientAuth&&) noexcept = default;
  ClientAuth& operator=(ClientAuth&&) = delete;

  /// The plugin to answer for; mysql_native_password without PLUGIN_AUTH.
  std::string_view plugin() const noexcept { return plugin_; }
  /// What to answer: the 20 bytes of a salt without their closing NUL, or any other data raw.
  Bytes auth_data() const noexcept { return auth_data_; }
  AuthSource auth_source() const noexcept { return source_; }

  /// The server's whole OK payload; after `ready`.
  Bytes ok_payload() const noexcept { return verdict_; }
  /// The server's whole ERR payload; after `refused`.
  Bytes err_payload() const noexcept { return verdict_; }
  /// After `failed`.
  const Error& error() const noexcept { return error_; }

  /// In force: wanted by the client AND offered by the server.
  Capabilities capabilities() const noexcept { return capabilities_; }
  /// The id that the next packet sent or received will have.
  std::uint8_t next_sequence_id() const noexcept { return sequence_id_; }
  /// The largest payload that a server may send during a login, in bytes, for
  /// FrameReader::set_max_payload(). An OK with much session state in it fits many times over.
  static constexpr std::uint64_t max_payload = 256 << 10;

 protected:
  /// What comes next: of the server greeting and verdict, of the driver tls, first_reply and reply.
  enum class Phase : std::uint8_t { idle, greeting, tls, first_reply, reply, verdict, over };

  ClientAuth(ClientLogin login, Phase phase, const Limits& limits)
      : login_(std::move(login)), limits_(limits), phase_(phase) {}
  ~ClientAuth() = default;

  /// Size, sequence id, and the ERR that may come at any time. need_more: go on with the packet.
  Step admit(const Packet& packet);
  /// Any packet behind the first reply.
  Step on_auth_packet(const Packet& packet);
  Step on_switch(Bytes payload);
  Step on_next_factor(Bytes payload);
  Step on_ok(Bytes payload);
  Step next_round(AuthSource source, std::string_view plugin, Bytes data);
  /// A reply to a switch or to more data.
  Step respond_raw(Bytes auth_response, Buffer& out);
  Step fail(const Error& error) noexcept;
  /// Makes room for the whole login: a buffer that grows behind a password leaves a copy of it.
  void reserve_for_secret(Buffer& out, Bytes auth_response) const;
  /// The plugin to name first.
  std::string_view first_plugin(std::string_view greeting_plugin) const noexcept;
  Step need_auth(AuthSource source, std::string_view plugin, Bytes data);
  Context context() const noexcept;

  ClientLogin login_;
  Limits limits_;
  Capabilities capabilities_;
  std::string plugin_;
  Buffer auth_data_;
  Buffer verdict_;
  Error error_;
  std::uint32_t rounds_ = 0;
  Phase phase_;
  AuthSource source_ = AuthSource::greeting;
  Flavor flavor_ = Flavor::mysql;
  std::uint8_t sequence_id_ = 0;
  bool check_sequence_ = true;  // not within compressed frames
};

}  // namespace mysqlwire
