// Every plugin from both sides: PasswordCheck and PasswordAnswer against each other and against
// what real clients and servers sent.
#include "login_conversation.hpp"

#include <catch2/catch.hpp>

using namespace mysqlwire;
using namespace mysqlwire::crypto;
using namespace mysqlwire::test;

TEST_CASE("plugins by name", "[crypto]") {
  CHECK(find_auth_plugin("ed25519") == AuthPlugin::client_ed25519);
  CHECK(to_string(AuthPlugin::client_ed25519) == "client_ed25519");
  CHECK(find_auth_plugin("Caching_sha2_password") == AuthPlugin::unknown);
  CHECK(find_auth_plugin("") == AuthPlugin::unknown);
  CHECK(to_string(AuthPlugin::unknown) == "unknown");
  for (const char* name :
       {"mysql_native_password", "caching_sha2_password", "sha256_password", "client_ed25519",
        "parsec", "mysql_clear_password", "mysql_old_password"})
    CHECK(to_string(find_auth_plugin(name)) == name);
}

TEST_CASE("stored passwords are told by their shape", "[crypto]") {
  StoredPassword all;
  CHECK(all.empty());
  CHECK(*all.add("*14E65567ABDB5135D0CFD9A70B3032C179A49EE7") == AuthPlugin::mysql_native_password);
  CHECK(*all.add("3881219d087dd9c634373fd33dfa33a2cb6bfc6c520b64b8bb60ef2ceb534ae7") ==
        AuthPlugin::caching_sha2_password);
  CHECK(*all.add("ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY") == AuthPlugin::client_ed25519);
  CHECK(*all.add(format_parsec(make_parsec("secret"))) == AuthPlugin::parsec);
  CHECK(*all.add(format_sha_crypt(make_sha_crypt("secret", ShaCryptHash::Form::caching_sha2))) ==
        AuthPlugin::caching_sha2_password);
  // As HEX() prints it, of a real server.
  CHECK(
      *all.add("0x243524641D5C53642854360345543B57675F535E492C27247051796633734B4A536647376C763949"
               "543746465661346E6D77317061455A6B51757051674D6E71536831") ==
      AuthPlugin::sha256_password);
  CHECK(*all.add(
            "2A31344536353536374142444235313335443043464439413730423330333243313739413439454537") ==
        AuthPlugin::mysql_native_password);
  CHECK(*all.native == native_hash("secret"));
  CHECK_FALSE(all.empty());
  CHECK(verify_password(as_bytes("secret"), all));
  CHECK_FALSE(verify_password(as_bytes("Secret"), all));
  CHECK_FALSE(verify_password({}, all));

  StoredPassword bad;
  CHECK(bad.add("secret").error().code == errc::unsupported);
  CHECK(bad.add("5d2e19393cc5ef67").error().code == errc::unsupported);  // from before 4.1
  CHECK(bad.add("x", AuthPlugin::mysql_old_password).error().code == errc::unsupported);
  CHECK(bad.add("x", AuthPlugin::mysql_clear_password).error().code == errc::unsupported);
  CHECK_FALSE(bad.add("*14E65567", AuthPlugin::mysql_native_password));
  CHECK_FALSE(bad.add("*14E65567ABDB5135D0CFD9A70B3032C179A49EE7", AuthPlugin::client_ed25519));
  CHECK_FALSE(bad.add("*14E65567ABDB5135D0CFD9A70B3032C179A49EE7", AuthPlugin::parsec));
  CHECK(bad.empty());
  CHECK(*bad.add("", AuthPlugin::client_ed25519) == AuthPlugin::client_ed25519);
  CHECK(bad.no_password);
}

TEST_CASE("each form alone tells a password", "[crypto]") {
  for (const char* form : {"native", "sha2", "$A$", "$5$", "ed25519", "parsec"}) {
    INFO(form);
    CHECK(verify_password(as_bytes("secret"), stored(form)));
    CHECK_FALSE(verify_password(as_bytes("secre"), stored(form)));
    CHECK_FALSE(verify_password({}, stored(form)));
    const std::string longest(max_password_size, 'x');
    CHECK(verify_password(as_bytes(longest), stored(form, longest)));
    CHECK_FALSE(verify_password(as_bytes(longest + "x"), stored(form, longest + "x")));
    StoredPassword decoy = stored(form);
    decoy.decoy = true;
    CHECK_FALSE(verify_password(as_bytes("secret"), decoy));
  }
  CHECK(verify_password({}, stored("none")));
  CHECK_FALSE(verify_password(as_bytes("x"), stored("none")));
}

TEST_CASE("a login of real clients, checked", "[crypto]") {
  {
    PasswordCheck check(stored("native"), {});
    const auto action =
        check.on_response("mysql_native_password", hex("135c344e02491a195c3e593e2521227e1b202343"),
                          hex("36d748f80be43a5ebe0778b76ad351fae9f332c8"));
    CHECK(action.step == CheckStep::accepted);
    CHECK(check.preamble().empty());
    CHECK(test::to_hex(check.learnt().sha1->bytes()) == "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4");
  }
  {
    PasswordCheck check(stored("sha2"), {});
    const auto action =
        check.on_response("caching_sha2_password", hex("2b47146e1d6f5c596d23420b2a681b350a647e4d"),
                          hex("866d74031e3570868ac3adc69b3dc12e8183b1aad9534c8e050c39f6e1aed0d8"));
    CHECK(action.step == CheckStep::accepted);
    CHECK(test::to_hex(check.preamble()) == "03");
    CHECK(test::to_hex(check.learnt().sha256->bytes()) ==
          "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
  }
  {
    // Full authentication inside TLS.
    PasswordCheckOptions options;
    options.channel.tls = true;
    PasswordCheck check(stored("$A$"), options);
    const auto salt = hex("54673442470c5650514574706f383b65425a4e07");
    auto action =
        check.on_response("caching_sha2_password", salt,
                          hex("fcad8dccf97b6a2bdd38da5e39bcd938dced51c633055c84426d1dda891b7b56"));
    REQUIRE(action.step == CheckStep::more_data);
    CHECK(test::to_hex(action.data) == "04");
    action = check.on_response("caching_sha2_password", salt, hex("73656372657400"));
    CHECK(action.step == CheckStep::accepted);
    CHECK(check.preamble().empty());
    CHECK(as_text(check.learnt().clear->bytes()) == "secret");
  }
}

TEST_CASE("what real servers ask, answered", "[crypto]") {
  PasswordAnswer ours(clear("secret"), {tls, false, {}, false});
  auto action = ours.on_auth("caching_sha2_password",
                             hex("54673442470c5650514574706f383b65425a4e07"), AuthSource::greeting);
  CHECK(test::to_hex(action.data) ==
        "fcad8dccf97b6a2bdd38da5e39bcd938dced51c633055c84426d1dda891b7b56");
  action = ours.on_auth("caching_sha2_password", hex("04"), AuthSource::more_data);
  CHECK(test::to_hex(action.data) == "73656372657400");
  CHECK(ours.full_authentication());
  // MariaDB, accounts with alternatives: one switch after the other.
  action = ours.on_auth("client_ed25519",
                        hex("d3da36f0475d0beeb78491c23db6bac5c37c0fa22d456a8f177c9d5256719278"),
                        AuthSource::switched);
  CHECK(test::to_hex(action.data).starts_with("07fbb430cd3b7fc3"));
  CHECK(action.data.size() == 64);
  action = ours.on_auth("mysql_native_password", hex("135c344e02491a195c3e593e2521227e1b202343"),
                        AuthSource::switched);
  CHECK(test::to_hex(action.data) == "36d748f80be43a5ebe0778b76ad351fae9f332c8");
}

TEST_CASE("the fast path: nothing but digests on either side", "[crypto]") {
  PasswordSecret sha1;
  sha1.sha1 = stage1("secret");
  Login native = over(plain, "native", std::move(sha1));
  CHECK(preferred_plugin(native.secret) == "mysql_native_password");
  native.client_plugin = preferred_plugin(native.secret);
  CHECK(story(std::move(native)) == "mysql_native_password ok");
  PasswordSecret sha256;
  sha256.sha256 = sha2_stage1("secret");
  CHECK(preferred_plugin(sha256) == "caching_sha2_password");
  CHECK(preferred_plugin(clear("secret")).empty());
  CHECK(story(over(plain, "sha2", std::move(sha256))) == "caching_sha2_password fast ok");
  CHECK(story(over(plain, "sha2", clear("Secret"))) == "caching_sha2_password denied refused");
  CHECK(story(over(plain, "native", clear("Secret"))) ==
        "caching_sha2_password mysql_native_password denied refused");

  Outcome outcome = log_in(over(plain, "native"));
  CHECK(*outcome.learnt.sha1 == stage1("secret"));
  CHECK_FALSE(outcome.learnt.clear);
  CHECK(outcome.used_password);
  outcome = log_in(over(plain, "sha2"));
  CHECK(*outcome.learnt.sha256 == sha2_stage1("secret"));
}

TEST_CASE("a login is judged again by what is stored by then", "[crypto]") {
  struct Case {
    const char* begins;  ///< by which plugin the client does
    const char* before;  ///< the form that is stored of an older password
    const char* newer;
    const char* story;
  };
  const Case cases[] = {
      // By the answer that is there.
      {"mysql_native_password", "native", "native", "mysql_native_password again ok"},
      {"caching_sha2_password", "sha2", "sha2", "caching_sha2_password again fast ok"},
      {"caching_sha2_password", "sha2", "$A$", "caching_sha2_password again more ok"},
      // By the password that is there.
      {"caching_sha2_password", "$A$", "$A$", "caching_sha2_password more again ok"},
      {"caching_sha2_password", "$A$", "native", "caching_sha2_password more again ok"},
      {"caching_sha2_password", "$A$", "ed25519", "caching_sha2_password more again ok"},
      // By another answer.
      {"mysql_native_password", "native", "sha2",
       "mysql_native_password again caching_sha2_password fast ok"},
      {"caching_sha2_password", "sha2", "native",
       "caching_sha2_password again mysql_native_password ok"},
      {"mysql_native_password", "native", "ed25519",
       "mysql_native_password again client_ed25519 ok"},
      // Clients follow one switch and no more.
      {"caching_sha2_password", "native", "native",
       "caching_sha2_password mysql_native_password again ok"},
      {"caching_sha2_password", "native", "ed25519",
       "caching_sha2_password mysql_native_password again denied refused"},
      {"caching_sha2_password", "ed25519", "ed25519",
       "caching_sha2_password client_ed25519 again ok"},
      {"caching_sha2_password", "parsec", "parsec",
       "caching_sha2_password parsec more again denied refused"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.begins, one.before, one.newer);
    for (const bool right : {true, false}) {
      Login login = over(tls, "");
      login.greeting_plugin = one.begins;
      login.stored = stored(one.before, "former");
      login.newer = stored(one.newer, right ? "secret" : "another");
      login.server.judge_again = true;
      const std::string story = log_in(std::move(login)).story;
      if (right)
        CHECK(story == one.story);
      else
        CHECK_THAT(story, Catch::EndsWith(" denied refused"));
    }
  }
  // Where the password was not kept it is asked for once more.
  Login login = over(tls, "");
  login.stored = stored("$A$", "former");
  login.newer = stored("$A$");
  CHECK_THAT(log_in(std::move(login)).story,
             Catch::EndsWith("again caching_sha2_password more ok"));
}

TEST_CASE("full authentication by every way", "[crypto]") {
  for (const char* form : {"$A$", "$5$", "native", "ed25519", "parsec"}) {
    INFO(form);
    Login login = over(tls, form);
    login.server.want_clear = true;
    Outcome outcome = log_in(std::move(login));
    CHECK(outcome.story == "caching_sha2_password more ok");
    REQUIRE(outcome.learnt.clear);
    CHECK(as_text(outcome.learnt.clear->bytes()) == "secret");
    CHECK(*outcome.learnt.sha1 == stage1("secret"));
    CHECK(*outcome.learnt.sha256 == sha2_stage1("secret"));
  }
  CHECK(story(over(tls, "$A$")) == "caching_sha2_password more ok");
  CHECK(story(over(unix_socket, "$A$")) == "caching_sha2_password more ok");
  CHECK(story(with_rsa(over(plain, "$A$"))) == "caching_sha2_password more more ok");
  CHECK(story(over(tls, "$A$", clear("x"))) == "caching_sha2_password more denied refused");
  CHECK(story(with_rsa(over(plain, "$A$", clear("x")))) ==
        "caching_sha2_password more more denied refused");
  // A digest that went stale yields to the server's own hash; without one it is the judge.
  Login stale = over(tls, "$A$");
  stale.stored.sha2 = sha2_hash("before");
  CHECK(story(std::move(stale)) == "caching_sha2_password more ok");
  // The key is on the client's disk: not asked for.
  Login key_at_hand = with_rsa(over(plain, "$A$"));
  key_at_hand.client.server_public_key = rsa_key().public_pem();
  CHECK(story(std::move(key_at_hand)) == "caching_sha2_password more ok");
}

TEST_CASE("no password leaves on a link that anyone can read", "[crypto]") {
  // The server asks nobody.
  Outcome outcome = log_in(over(plain, "$A$"));
  CHECK(outcome.story == "caching_sha2_password server-impossible refused");
  CHECK(outcome.reason == "what is stored of the user's password needs TLS or an RSA key");
  // A server that does: the client gives nothing.
  Login login = over(plain, "$A$");
  login.server.channel = tls;
  outcome = log_in(std::move(login));
  CHECK(outcome.story == "caching_sha2_password impossible");
  login = over(plain, "$A$");
  login.server.rsa = &rsa_key();  // and the client takes no key from the wire
  CHECK(story(std::move(login)) == "caching_sha2_password impossible");
  login = over(plain, "native");
  login.client_plugin = "mysql_clear_password";
  login.client.allow_clear_password = true;
  CHECK(story(std::move(login)) == "mysql_clear_password mysql_native_password ok");
  for (const char* plugin : {"mysql_clear_password", "sha256_password"}) {
    PasswordAnswer ours(clear("secret"), {});
    const auto salt = hex("135c344e02491a195c3e593e2521227e1b202343");
    CHECK(ours.on_auth(plugin, salt, AuthSource::switched).step == AnswerStep::impossible);
    CHECK(ours.on_auth(plugin, salt, AuthSource::greeting).data.empty());
  }
  PasswordAnswer ours(clear("secret"), {tls, false, {}, false});
  CHECK(ours.on_auth("mysql_clear_password", {}, AuthSource::switched).step ==
        AnswerStep::impossible);
  CHECK(ours.on_auth("mysql_old_password", hex("0102030405060708"), AuthSource::switched).step ==
        AnswerStep::impossible);
  CHECK(ours.on_auth("dialog", as_bytes("\x04Password: "), AuthSource::switched).step ==
        AnswerStep::impossible);
}

TEST_CASE("a server that wants the password after all", "[crypto]") {
  const auto ask = [](Login login) {
    login.ask_for_clear = true;
    return log_in(std::move(login));
  };
  Outcome outcome = ask(over(tls, "sha2"));
  CHECK(outcome.story == "caching_sha2_password asked more ok");
  CHECK(as_text(outcome.learnt.clear->bytes()) == "secret");
  outcome = ask(with_rsa(over(plain, "sha2")));
  CHECK(outcome.story == "caching_sha2_password asked more more ok");
  CHECK(as_text(outcome.learnt.clear->bytes()) == "secret");
  // A client that began with native is switched once.
  Login native = over(tls, "native");
  native.client_plugin = "mysql_native_password";
  outcome = ask(std::move(native));
  CHECK(outcome.story == "mysql_native_password asked caching_sha2_password more ok");
  CHECK(as_text(outcome.learnt.clear->bytes()) == "secret");
  // One that was switched already is not, and on a plain link nobody is asked.
  CHECK(ask(over(tls, "native")).story ==
        "caching_sha2_password mysql_native_password asked server-impossible refused");
  CHECK(ask(over(plain, "sha2")).story == "caching_sha2_password asked server-impossible refused");
  // On the other side: what has only a digest says what it lacks.
  PasswordSecret sha256;
  sha256.sha256 = sha2_stage1("secret");
  PasswordAnswer ours(std::move(sha256), {tls, false, {}, false});
  const auto salt = hex("135c344e02491a195c3e593e2521227e1b202343");
  CHECK(ours.on_auth("caching_sha2_password", salt, AuthSource::switched).step ==
        AnswerStep::reply);
  CHECK(ours.on_auth("caching_sha2_password", hex("04"), AuthSource::more_data).step ==
        AnswerStep::need_secret);
  CHECK(as_text(ours.supply(clear("secret")).data) == std::string_view("secret\0", 7));
}

TEST_CASE("plugins that need the password on the client's side only", "[crypto]") {
  CHECK(story(over(plain, "ed25519")) == "caching_sha2_password client_ed25519 ok");
  CHECK(story(over(plain, "ed25519", clear("x"))) ==
        "caching_sha2_password client_ed25519 denied refused");
  CHECK(story(over(plain, "parsec")) == "caching_sha2_password parsec more ok");
  CHECK(story(over(plain, "parsec", clear("x"))) ==
        "caching_sha2_password parsec more denied refused");
  for (const char* form : {"ed25519", "parsec"}) {
    // A client whose own choice it is has 20 bytes of salt only: it is switched all the same.
    Login login = over(plain, form);
    login.client_plugin =
        to_string(form == std::string("parsec") ? AuthPlugin::parsec : AuthPlugin::client_ed25519);
    CHECK(story(std::move(login)).ends_with(" ok"));
    PasswordSecret digests;
    digests.sha1 = stage1("secret");
    digests.sha256 = sha2_stage1("secret");
    CHECK(log_in(over(plain, form, std::move(digests))).story.ends_with("need_secret"));
  }
  CHECK(story(over(tls, "$5$")) == "caching_sha2_password more ok");  // crossed
  for (const Channel channel : {tls, unix_socket, plain}) {
    Login login = with_rsa(over(channel, "$5$"));
    login.client_plugin = "sha256_password";
    CHECK(story(std::move(login)) ==
          (channel.tls ? "sha256_password ok" : "sha256_password more ok"));
  }
  // Without TLS by the plugin whose clients all take an RSA key.
  CHECK(story(with_rsa(over(plain, "$5$"))) == "caching_sha2_password sha256_password more ok");
  Login cleartext = over(tls, "native");
  cleartext.server.allow_clear_password = true;
  cleartext.client.allow_clear_password = true;
  cleartext.client_plugin = "mysql_clear_password";
  CHECK(story(std::move(cleartext)) == "mysql_clear_password ok");
}

TEST_CASE("accounts without a password, and clients without one", "[crypto]") {
  for (const char* plugin : {"mysql_native_password", "caching_sha2_password"}) {
    INFO(plugin);
    Login login = over(plain, "none", clear(""));
    login.client_plugin = login.greeting_plugin = plugin;
    Outcome outcome = log_in(std::move(login));
    CHECK(outcome.story == std::string(plugin) + " ok");
    CHECK_FALSE(outcome.used_password);
    login = over(plain, "none", clear("x"));
    login.client_plugin = plugin;
    CHECK(story(std::move(login)) == std::string(plugin) + " denied refused");
    login = over(tls, "native+sha2+$A$", clear(""));
    login.client_plugin = login.greeting_plugin = plugin;
    outcome = log_in(std::move(login));
    CHECK(outcome.story == std::string(plugin) + " denied refused");
    CHECK_FALSE(outcome.used_password);
  }
  // Without data for its own plugin a client may as well be one that has found no salt for it.
  Login unclear = over(plain, "none", clear(""));
  unclear.client_plugin = "mysql_native_password";
  CHECK(story(std::move(unclear)) == "mysql_native_password mysql_native_password ok");
  Login sha256 = over(tls, "none", clear(""));
  sha256.client_plugin = "sha256_password";
  CHECK(story(std::move(sha256)) == "sha256_password ok");
}

TEST_CASE("clients that guess wrong, or can't be asked", "[crypto]") {
  Login login = over(plain, "native");
  login.client_plugin = "auth_gssapi_client";
  CHECK(story(std::move(login)) == "auth_gssapi_client mysql_native_password ok");
  login = over(plain, "native+sha2");
  login.client_plugin = "mysql_native_password";
  CHECK(story(std::move(login)) == "mysql_native_password ok");
  // Without PLUGIN_AUTH: native, or nothing.
  login = over(plain, "native");
  login.plugin_auth = false;
  CHECK(story(std::move(login)) == "mysql_native_password ok");
  login = over(plain, "ed25519");
  login.plugin_auth = false;
  CHECK(story(std::move(login)) == "mysql_native_password server-refused refused");
  CHECK(story(over(plain, "")) == "caching_sha2_password server-impossible refused");
}

TEST_CASE("COM_CHANGE_USER by every plugin", "[crypto]") {
  const auto change = [](Login login) { return change_user(std::move(login)).story; };
  CHECK(change(over(plain, "native")) == "mysql_native_password ok");
  CHECK(change(over(plain, "sha2")) == "caching_sha2_password fast ok");
  CHECK(change(over(tls, "$A$")) == "caching_sha2_password more ok");
  CHECK(change(with_rsa(over(plain, "$A$"))) == "caching_sha2_password more more ok");
  CHECK(change(over(plain, "ed25519")) == "client_ed25519 ok");
  CHECK(change(over(plain, "parsec")) == "parsec more ok");
  CHECK(change(over(plain, "native", clear("x"))) == "mysql_native_password denied refused");
  Login sha256 = over(tls, "$5$");
  sha256.client_plugin = "sha256_password";
  CHECK(change(std::move(sha256)) == "sha256_password ok");
}

TEST_CASE("users who do not exist meet what others meet", "[crypto]") {
  for (const char* form :
       {"native", "sha2", "$A$", "$5$", "ed25519", "parsec", "native+sha2+$A$"}) {
    INFO(form);
    const StoredPassword like = stored(form);
    const StoredPassword decoy = StoredPassword::make_decoy("nobody", as_bytes("key"), like);
    CHECK(decoy.native.has_value() == like.native.has_value());
    CHECK(decoy.sha2.has_value() == like.sha2.has_value());
    CHECK(decoy.caching_sha2.has_value() == like.caching_sha2.has_value());
    CHECK(decoy.parsec.has_value() == like.parsec.has_value());
    CHECK_FALSE(verify_password(as_bytes("secret"), decoy));

    Login wrong = with_rsa(over(plain, form, clear("wrong")));
    Login unknown = with_rsa(over(plain, form, clear("wrong")));
    unknown.stored = decoy;
    CHECK(story(std::move(unknown)) == story(std::move(wrong)));
  }
  // The same name, the same salt and plugin; another name or key, another.
  const StoredPassword like = stored("native+sha2+$A$+parsec");
  const auto make = [&](std::string_view name, std::string_view key) {
    return StoredPassword::make_decoy(name, as_bytes(key), like);
  };
  CHECK(make("a", "k").parsec == make("a", "k").parsec);
  CHECK(make("a", "k").caching_sha2 == make("a", "k").caching_sha2);
  CHECK(make("a", "k").caching_sha2 != make("b", "k").caching_sha2);
  CHECK(make("a", "k").native != make("a", "l").native);
  CHECK(make("ab", "k").native != make("a", "kb").native);
}

TEST_CASE("data that are no answer are denied", "[crypto]") {
  const auto salt = hex("135c344e02491a195c3e593e2521227e1b202343");
  for (const char* plugin : {"mysql_native_password", "caching_sha2_password", "sha256_password",
                             "client_ed25519", "parsec", "mysql_clear_password", "", "x"}) {
    for (const char* form : {"native", "sha2", "$A$", "ed25519", "parsec"}) {
      for (const Channel channel : {plain, tls, unix_socket}) {
        PasswordCheckOptions options;
        options.channel = channel;
        options.rsa = &rsa_key();
        options.allow_clear_password = true;
        PasswordCheck check(stored(form), options);
        for (const std::size_t size : {0, 1, 2, 20, 31, 32, 33, 64, 96, 256, 1024}) {
          const test::ExactBytes junk{Bytes(Buffer(size, 0x02))};
          CHECK(check.on_response(plugin, salt, junk).step != CheckStep::accepted);
          CHECK_FALSE(check.learnt().clear);
        }
      }
    }
  }
}
