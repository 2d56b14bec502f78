// The server's side of every authentication plugin.
#pragma once

#include <mysqlwire/crypto/password.hpp>
#include <mysqlwire/crypto/rsa_password.hpp>
#include <mysqlwire/session/client_auth.hpp>
#include <mysqlwire/session/server_auth.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlwire::crypto {

struct PasswordCheckOptions {
  Channel channel;
  /// For passwords on a link without TLS. Must outlive the check. None: no password is asked for
  /// there.
  const RsaKey* rsa = nullptr;
  /// Whether mysql_clear_password may be used; never but through TLS or a unix socket.
  bool allow_clear_password = false;
  /// Whether the password itself has to be learnt, and not only what the plugin needs to know it
  /// is right: for servers that want full authentication.
  bool want_clear = false;
  /// Nothing is stored, and somebody else decides, such as the server behind a proxy: whatever the
  /// client says is accepted, and nothing is learnt until relay() or ask_for_clear().
  bool unchecked = false;
  /// Keep a wrong password, until the check goes, for judge_again().
  bool judge_again = false;
  /// For a proxy: a server behind it is going to ask for a proof of its own, which relay() hands
  /// on. A signature (client_ed25519, parsec) that answers another nonce is of no use there, and
  /// most clients follow one switch only; so where nothing else fits, on_response() says `accepted`
  /// before anything is proved, and what the client answers to relay() is checked against what is
  /// stored. The login must end with confirm().
  bool proof_is_relayed = false;
};

/// What to do next.
enum class CheckStep : std::uint8_t {
  switch_plugin,  ///< send an AuthSwitchRequest with `plugin` and `data`
  more_data,      ///< send an AuthMoreData with `data`
  relayed,        ///< `data` is the client's answer to what relay() asked
  accepted,       ///< the password is right: preamble(), then OK; or ask_for_clear()
  denied,         ///< wrong: ERR 1045
  impossible,     ///< no plugin can be used; `reason` says why. ERR 1251 or 1045
  refused,        ///< from advance() only: `out` ends with an ERR of ServerAuth's own
  need_more,      ///< from advance() only: send `out` and feed the client's next packet
};

struct CheckAction {
  CheckStep step = CheckStep::denied;
  std::string_view plugin{};  ///< as valid as `data`
  Bytes data{};               ///< valid until the check's next call
  const char* reason = "";    ///< static; for a log, never for the client
};

/// Checks one login against what is stored: client's data in, what to send out. No I/O. It takes
/// the plugin that the client began with where the stored forms allow that, and asks for another
/// where they don't.
///
///   used by the client      checked against
///   mysql_native_password   native
///   caching_sha2_password   sha2 on the fast path; any form by full authentication
///   sha256_password         any form, by full authentication
///   client_ed25519, parsec  their own forms
///   mysql_clear_password    any form
///
/// Full authentication means the password itself, through TLS, a unix socket (caching_sha2_password
/// only: other clients take no unix socket for safe) or encrypted for `rsa`. A client that failed
/// the fast path is asked for its password only where a form is stored that has another opinion
/// ($A$, $5$): `sha2` may have been learnt before the password changed.
///
/// A proxy whose own login to a server needs what this login has not told goes on after `accepted`:
/// it relays the server's request, or asks for the password itself.
///
/// Users who do not exist are checked against StoredPassword::make_decoy(), by the same rounds.
class PasswordCheck {
 public:
  /// `stored` is copied. Draws a salt for a switch.
  PasswordCheck(StoredPassword stored, const PasswordCheckOptions& options);
  ~PasswordCheck();
  PasswordCheck(PasswordCheck&&) noexcept = default;
  PasswordCheck& operator=(PasswordCheck&&) = delete;
  PasswordCheck(const PasswordCheck&) = delete;
  PasswordCheck& operator=(const PasswordCheck&) = delete;

  /// The client's newest data, with the plugin that made them and the salt that they answer.
  /// `must_switch`: ServerAuth::switch_required(): ask anew.
  CheckAction on_response(std::string_view plugin, Bytes salt, Bytes response,
                          bool must_switch = false);

  /// After `denied` or `impossible`: the same login against what is stored by now. `plugin`, `salt`
  /// and `response` are the client's newest, as before. It is asked for more only where it follows:
  /// by one switch, if it was not switched before.
  CheckAction judge_again(StoredPassword stored, std::string_view plugin, Bytes salt,
                          Bytes response);

  /// After `accepted`, when a server turns out to want the password itself: asks the client for it,
  /// and its answer is checked again. `impossible` when it is too late, or not safe: a client by
  /// libmysql follows one switch only, so one that was switched to another plugin than
  /// caching_sha2_password has to be left alone.
  CheckAction ask_for_clear();

  /// After `accepted` or `relayed`: has the client answer a server's own request, so that its
  /// answer can be handed to that server. on_response() then says `relayed`. The arguments are
  /// those of PasswordAnswer::on_auth(). `impossible` when the client would not follow: while it
  /// waits for the end of a fast path, or after one switch, unless it is asked for one of MariaDB's
  /// plugins, whose clients follow as many as an account with several plugins takes.
  CheckAction relay(std::string_view plugin, Bytes data, AuthSource source);

  /// With `proof_is_relayed`, when the server has accepted: `accepted` or `denied`, or a request to
  /// the client where the server asked for nothing that was checked.
  CheckAction confirm();
  /// Whether the user is still to be proved, and whether what was relayed was wrong. Such an answer
  /// is handed to the server all the same: it counts logins that break off.
  bool unproved() const noexcept { return proof_ == Proof::due; }
  bool relayed_wrong() const noexcept { return proof_ == Proof::wrong; }

  /// What goes before the OK, as an AuthMoreData; empty for nothing.
  Bytes preamble() const noexcept;
  /// Whether the client sent a password at all: for "(using password: YES)".
  bool used_password() const noexcept { return used_password_; }
  /// After `accepted`: what is stored of the password by the plugin of the verdict, for
  /// certificate_proof(); empty for plugins that can't make one, and for who has no password.
  Buffer password_hash() const;
  /// The plugin of the verdict.
  AuthPlugin plugin() const noexcept { return plugin_; }
  /// After `accepted`: what the login told. The owner may move it out. Empty where that is nothing.
  PasswordSecret& learnt() noexcept { return learnt_; }

 private:
  enum class Waiting : std::uint8_t { first, switched, full, parsec, relayed, over };
  enum class Proof : std::uint8_t { made, due, wrong };

  bool sealed(AuthPlugin plugin) const noexcept;
  bool can_receive_clear(AuthPlugin plugin) const noexcept;
  bool fits(AuthPlugin plugin) const noexcept;
  bool can_check(AuthPlugin plugin) const noexcept;
  AuthPlugin choose(AuthPlugin used) const noexcept;
  bool can_wait(AuthPlugin chosen) const noexcept;
  CheckAction wait_for_proof(AuthPlugin plugin) noexcept;
  CheckAction switch_to(AuthPlugin plugin, Bytes salt);
  CheckAction check(Bytes salt, Bytes response);
  CheckAction check_native(Bytes salt, Bytes response);
  CheckAction check_sha2(Bytes salt, Bytes response);
  CheckAction check_parsec(Bytes salt, Bytes response);
  CheckAction ask_for_full();
  CheckAction on_full(Bytes salt, Bytes response);
  CheckAction on_relayed(Bytes response);
  void check_relayed(Bytes response);
  CheckAction take_unchecked(AuthPlugin used, Bytes response, bool must_switch);
  CheckAction check_clear(Bytes password);
  CheckAction accept() noexcept;
  CheckAction deny(const char* reason) noexcept;
  CheckAction more(Buffer data);

  StoredPassword stored_;
  PasswordCheckOptions options_;
  PasswordSecret learnt_;
  std::optional<SecretBytes> wrong_;  ///< the password itself, of a login that was denied
  Buffer data_;
  Buffer relayed_nonce_;
  AuthPlugin plugin_ = AuthPlugin::unknown;
  Waiting waiting_ = Waiting::first;
  Proof proof_ = Proof::made;
  AuthPlugin proof_plugin_ = AuthPlugin::unknown;  ///< of a proof that is due
  bool switched_ = false;
  bool used_password_ = false;
  bool key_sent_ = false;
  bool asked_for_full_ = false;
  bool relaying_ = false;
  bool by_fast_path_ = false;
  std::string relayed_plugin_;
};

/// Carries what an action says out on a ServerAuth: need_more, or what is the driver's to
/// act on (relayed, accepted, denied, impossible, refused).
inline CheckAction carry_out(const CheckAction& action, ServerAuth& auth, Buffer& out) {
  const auto done = [](ServerStep step) {
    return CheckAction{step == ServerStep::need_more ? CheckStep::need_more : CheckStep::refused};
  };
  if (action.step == CheckStep::switch_plugin)
    return done(auth.switch_plugin(action.plugin, action.data, out));
  if (action.step == CheckStep::more_data) return done(auth.more_data(action.data, out));
  return action;
}

/// To be called on each ServerStep::need_verdict.
inline CheckAction advance(PasswordCheck& check, ServerAuth& auth, Buffer& out) {
  return carry_out(
      check.on_response(auth.plugin(), auth.salt(), auth.auth_response(), auth.switch_required()),
      auth, out);
}

/// Ends a login that was accepted: what the plugin says before its OK, and the OK.
inline void accept(const PasswordCheck& check, ServerAuth& auth, Bytes ok_payload, Buffer& out) {
  if (!check.preamble().empty()) (void)auth.more_data(check.preamble(), out);
  auth.accept(ok_payload, out);
}

}  // namespace mysqlwire::crypto
