// Logins through a proxy that does not know all that the plugin asks for.
#include "login_conversation.hpp"

#include <mysqlwire/crypto/certificate_proof.hpp>

#include <catch2/catch.hpp>

using namespace mysqlwire;
using namespace mysqlwire::crypto;
using namespace mysqlwire::test;

/// A client, a proxy that keeps nothing of its password, and a server; plugin data only. The story
/// is told by what the proxy has its client do.
std::string pass_through(AuthPlugin plugin, const char* form, bool right, bool cold = false) {
  PasswordAnswerOptions sealed;
  sealed.channel = tls;
  PasswordCheckOptions sealed_server;
  sealed_server.channel = tls;
  StoredPassword account = stored(form);
  if (cold) account.sha2.reset();
  PasswordAnswer client(clear(right ? "secret" : "wrong"), sealed);
  PasswordCheckOptions unchecked = sealed_server;
  unchecked.unchecked = true;
  PasswordCheck towards_client({}, unchecked);
  PasswordAnswer towards_server({}, sealed);
  PasswordCheck server(account, sealed_server);

  CHECK(towards_client.on_response("undecided", {}, as_bytes("x")).step == CheckStep::accepted);
  CheckAction asked = server.on_response("undecided", {}, {});
  std::string name(asked.plugin);
  Buffer salt(asked.data.begin(), asked.data.end());
  std::string story;
  AuthSource source = AuthSource::switched;
  for (int round = 0; round < 10; ++round) {
    const AnswerAction wanted = towards_server.on_auth(name, asked.data, source);
    Buffer reply(wanted.data.begin(), wanted.data.end());
    if (wanted.step == AnswerStep::need_secret) {
      CheckAction request = wanted.can_be_relayed ? towards_client.relay(name, asked.data, source)
                                                  : towards_client.ask_for_clear();
      story += wanted.can_be_relayed ? "relay " : "ask ";
      while (request.step == CheckStep::switch_plugin || request.step == CheckStep::more_data) {
        const bool fresh = request.step == CheckStep::switch_plugin;
        const AnswerAction said =
            client.on_auth(fresh ? request.plugin : name, request.data,
                           fresh ? AuthSource::switched : AuthSource::more_data);
        CHECK(said.step == AnswerStep::reply);
        request = towards_client.on_response(name, salt, said.data);
      }
      if (request.step == CheckStep::accepted) {
        const AnswerAction known = towards_server.supply(towards_client.learnt().clone());
        reply.assign(known.data.begin(), known.data.end());
      } else {
        CHECK(request.step == CheckStep::relayed);
        reply.assign(request.data.begin(), request.data.end());
      }
    }
    asked = server.on_response(name, salt, reply);
    source = AuthSource::more_data;
    if (asked.step == CheckStep::accepted) {
      const bool told = to_string(plugin) != "caching_sha2_password" ||
                        server.preamble().size() == towards_client.preamble().size();
      return story + (told ? "ok" : "the client waits in vain");
    }
    if (asked.step == CheckStep::denied) return story + "denied";
  }
  return story + "no end";
}

TEST_CASE("what is not known is relayed to who knows it", "[crypto]") {
  CHECK(pass_through(AuthPlugin::mysql_native_password, "native", true) == "relay ok");
  CHECK(pass_through(AuthPlugin::mysql_native_password, "native", false) == "relay denied");
  CHECK(pass_through(AuthPlugin::caching_sha2_password, "sha2", true) == "relay ok");
  CHECK(pass_through(AuthPlugin::caching_sha2_password, "sha2", false) == "relay denied");
  CHECK(pass_through(AuthPlugin::client_ed25519, "ed25519", true) == "relay ok");
  CHECK(pass_through(AuthPlugin::parsec, "parsec", true) == "relay relay ok");
  CHECK(pass_through(AuthPlugin::parsec, "parsec", false) == "relay relay denied");
  // A server with a cold cache wants the password itself.
  CHECK(pass_through(AuthPlugin::caching_sha2_password, "$A$", true) == "relay ask ok");
  CHECK(pass_through(AuthPlugin::caching_sha2_password, "$A$", false) == "relay ask denied");
}

TEST_CASE("requests that a client would not follow are not relayed", "[crypto]") {
  const auto salt = hex("135c344e02491a195c3e593e2521227e1b202343");
  PasswordCheckOptions options;
  options.channel = tls;
  SECTION("before the client has spoken, and after a relayed answer that is due") {
    options.unchecked = true;
    PasswordCheck check({}, options);
    CHECK(check.relay("mysql_native_password", salt, AuthSource::switched).step ==
          CheckStep::impossible);
  }
  SECTION("more data of a plugin that was not relayed") {
    PasswordCheck check(stored("native"), options);
    const auto sha1 = stage1("secret");
    const auto answer = scramble(sha1, salt);
    CHECK(check.on_response("mysql_native_password", salt, answer).step == CheckStep::accepted);
    CHECK(check.relay("parsec", salt, AuthSource::more_data).step == CheckStep::impossible);
    CHECK(check.relay("caching_sha2_password", salt, AuthSource::switched).step ==
          CheckStep::switch_plugin);
  }
  SECTION("in the middle of a fast path") {
    PasswordCheck check(stored("sha2"), options);
    const auto answer = sha2_scramble(sha2_stage1("secret"), salt);
    CHECK(check.on_response("caching_sha2_password", salt, answer).step == CheckStep::accepted);
    CHECK(check.relay("mysql_native_password", salt, AuthSource::switched).step ==
          CheckStep::impossible);
    CHECK(check.ask_for_clear().step == CheckStep::more_data);
  }
  SECTION("a second switch") {
    PasswordCheck check(stored("native"), options);
    CHECK(check.on_response("caching_sha2_password", salt, {}, true).step ==
          CheckStep::switch_plugin);
    const auto answer = scramble(stage1("secret"), salt);
    CHECK(check.on_response("mysql_native_password", salt, answer).step == CheckStep::accepted);
    CHECK(check.relay("caching_sha2_password", salt, AuthSource::switched).step ==
          CheckStep::impossible);
    CHECK(check.relay("client_ed25519", salt, AuthSource::switched).step ==
          CheckStep::switch_plugin);
  }
}

namespace {

/// A proxy's check of an account that signs, with the server's nonce behind it.
struct Deferred {
  static PasswordCheckOptions options() {
    PasswordCheckOptions made;
    made.channel = tls;
    made.proof_is_relayed = true;
    return made;
  }
  explicit Deferred(const char* form) : check(stored(form), options()) {}

  /// What the client answers to the relayed nonce.
  CheckAction signed_by(const char* password) {
    const CheckAction asked = check.relay("client_ed25519", nonce, AuthSource::switched);
    CHECK(asked.step == CheckStep::switch_plugin);
    CHECK(Buffer(asked.data.begin(), asked.data.end()) == Buffer(nonce.begin(), nonce.end()));
    return check.on_response("client_ed25519", nonce, ed25519_sign(password, nonce));
  }

  PasswordCheck check;
  ParsecScramble nonce = parsec_scramble();
};

}  // namespace

TEST_CASE("a proof that the server needs is asked for once", "[crypto]") {
  Deferred login("ed25519");
  const auto first = login.check.on_response("caching_sha2_password", random_salt(), as_bytes("x"));
  CHECK(first.step == CheckStep::accepted);
  CHECK(login.check.unproved());
  SECTION("by a right signature") {
    CHECK(login.signed_by("secret").step == CheckStep::relayed);
    CHECK_FALSE(login.check.unproved());
    CHECK_FALSE(login.check.relayed_wrong());
    CHECK(login.check.confirm().step == CheckStep::accepted);
  }
  SECTION("a wrong one is for the server to refuse, and if it does not, it is refused here") {
    CHECK(login.signed_by("wrong").step == CheckStep::relayed);
    CHECK(login.check.relayed_wrong());
    CHECK(login.check.confirm().step == CheckStep::denied);
  }
  SECTION("by a nonce of our own, where the server did not ask") {
    const CheckAction asked = login.check.confirm();
    REQUIRE(asked.step == CheckStep::switch_plugin);
    CHECK(asked.plugin == "client_ed25519");
    const Buffer nonce(asked.data.begin(), asked.data.end());
    const bool right = GENERATE(true, false);
    const auto signature = ed25519_sign(right ? "secret" : "wrong", nonce);
    CHECK(login.check.on_response("client_ed25519", nonce, signature).step ==
          (right ? CheckStep::accepted : CheckStep::denied));
  }
  SECTION("by the password itself") {
    REQUIRE(login.check.ask_for_clear().step == CheckStep::switch_plugin);
    const auto salt = random_salt();
    const auto answer = sha2_scramble(sha2_stage1("secret"), salt);
    CHECK(login.check.on_response("caching_sha2_password", salt, answer).step ==
          CheckStep::more_data);
    const auto password = hex("73656372657400");
    CHECK(login.check.on_response("caching_sha2_password", salt, password).step ==
          CheckStep::accepted);
    CHECK_FALSE(login.check.unproved());
  }
  SECTION("not by a plugin whose form is not stored") {
    CHECK(login.check.relay("mysql_native_password", random_salt(), AuthSource::switched).step ==
          CheckStep::impossible);
    CHECK(login.check.unproved());
  }
}

TEST_CASE("by parsec the proof is the client's second answer", "[crypto]") {
  const StoredPassword account = stored("parsec");
  PasswordCheck check(account, Deferred::options());
  CHECK(check.on_response("caching_sha2_password", random_salt(), as_bytes("x")).step ==
        CheckStep::accepted);
  const ParsecScramble nonce = parsec_scramble();
  CHECK(check.relay("parsec", nonce, AuthSource::switched).step == CheckStep::switch_plugin);
  CHECK(check.on_response("parsec", nonce, {}).step == CheckStep::relayed);
  CHECK(check.unproved());
  CHECK(check.relay("parsec", account.parsec->salt.encode(), AuthSource::more_data).step ==
        CheckStep::more_data);
  const bool right = GENERATE(true, false);
  const auto answer =
      parsec_response(right ? "secret" : "wrong", nonce, account.parsec->salt, parsec_scramble());
  CHECK(check.on_response("parsec", nonce, answer).step == CheckStep::relayed);
  CHECK(check.relayed_wrong() == !right);
  CHECK(check.confirm().step == (right ? CheckStep::accepted : CheckStep::denied));
}

TEST_CASE("what can be proved without the server is, and nobody looks like somebody", "[crypto]") {
  Deferred both("native+ed25519");
  const auto salt = random_salt();
  CHECK(both.check.on_response("mysql_native_password", salt, scramble(stage1("secret"), salt))
            .step == CheckStep::accepted);
  CHECK_FALSE(both.check.unproved());
  CHECK(both.check.confirm().step == CheckStep::accepted);

  PasswordCheck nobody(StoredPassword::make_decoy("u", as_bytes("key"), stored("ed25519")),
                       Deferred::options());
  const CheckAction asked = nobody.on_response("caching_sha2_password", salt, as_bytes("x"));
  REQUIRE(asked.step == CheckStep::switch_plugin);
  CHECK(asked.plugin == "client_ed25519");
  const Buffer nonce(asked.data.begin(), asked.data.end());
  CHECK(nobody.on_response("client_ed25519", nonce, ed25519_sign("secret", nonce)).step ==
        CheckStep::denied);
}

TEST_CASE("a certificate is vouched for by the password", "[crypto]") {
  Salt salt{};
  std::ranges::copy(std::string_view("abcdefghijklmnopqrst"), salt.begin());
  const auto bytes = hex("03d66dd08835c1ca3f128cceacd1f31ac94163096b20f445ae84285bc0832d72");
  Sha256 fingerprint{};
  std::ranges::copy(bytes.get(), fingerprint.begin());
  // Made by another implementation of SHA-256.
  const std::string proof = certificate_proof(native_hash("secret"), salt, fingerprint);
  CHECK(proof ==
        "\x01"
        "DC93FA560CDDBAA6076CBCDD41E8FAE19835A321C56DF0F594CC0B83690C9CDD");
  CHECK(is_certificate_proof(proof));
  CHECK_FALSE(is_certificate_proof(proof.substr(1)));
  CHECK_FALSE(is_certificate_proof(proof.substr(0, 64)));
  CHECK_FALSE(is_certificate_proof(" " + proof.substr(1)));
  CHECK_FALSE(is_certificate_proof(proof.substr(0, 64) + "G"));
  CHECK_FALSE(is_certificate_proof(""));
}

TEST_CASE("what vouches for a certificate is what the plugin stores", "[crypto]") {
  const auto hash_after = [](const char* plugin, const char* form, const char* password) {
    Login login = over(tls, form, clear(password));
    login.client_plugin = login.greeting_plugin = plugin;
    return log_in(std::move(login)).password_hash;
  };
  CHECK(test::to_hex(hash_after("mysql_native_password", "native", "secret")) ==
        test::to_hex(native_hash("secret")));
  CHECK(test::to_hex(hash_after("client_ed25519", "ed25519", "secret")) ==
        test::to_hex(ed25519_public_key("secret")));
  Login parsec = over(tls, "parsec", clear("secret"));
  const ParsecHash kept = *parsec.stored.parsec;
  CHECK(test::to_hex(log_in(std::move(parsec)).password_hash) ==
        test::to_hex(kept.salt.encode()) + test::to_hex(kept.key));
  CHECK(hash_after("caching_sha2_password", "native+sha2+$A$", "secret").empty());
  CHECK(hash_after("mysql_native_password", "none", "").empty());
}

TEST_CASE("mysql_native_password is asked for with the salt of the greeting", "[crypto]") {
  const auto salt = hex("135c344e02491a195c3e593e2521227e1b202343");
  PasswordCheck check(stored("native"), {});
  const CheckAction action = check.on_response("caching_sha2_password", salt, {}, true);
  CHECK(action.plugin == "mysql_native_password");
  CHECK(test::to_hex(action.data) == test::to_hex(salt));
}
