// A login, step by step.
#pragma once

#include "cli/mysqlprobe/connection.hpp"
#include "cli/mysqlprobe/failure.hpp"
#include "cli/mysqlprobe/report.hpp"

#include <mysqlwire/crypto/client_password.hpp>
#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/wire/context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mysqlprobe {

/// Who logs in, and what is allowed on the way.
struct LoginPlan {
  std::string user;
  std::string database;
  std::string plugin;  ///< to begin with; empty: the one that the greeting names
  std::uint16_t collation = 45;
  mysqlwire::Capabilities add;     ///< to the usual ones
  mysqlwire::Capabilities remove;  ///< from them
  bool compress_zlib = false;
  bool compress_zstd = false;
  int compression_level = 0;  ///< 0: the usual one
  bool allow_cleartext = false;
  std::string public_key;        ///< pinned, PEM
  bool take_public_key = false;  ///< that the server sends, when none is pinned
};

/// What is wanted at a login, as far as the server has it.
mysqlwire::Capabilities usual_capabilities() noexcept;

/// The client's side of a login without I/O: the server's bytes in, ours out, and what was done.
class LoginMachine {
 public:
  enum class Want : std::uint8_t {
    bytes,   ///< send what was put out, and feed() what comes
    tls,     ///< send what was put out, start TLS, then tls_established()
    done,    ///< logged in
    failed,  ///< failure() says why
  };

  /// `facts` begins with what is known of the target. The secret is shared by several logins.
  LoginMachine(const LoginPlan& plan, TlsMode tls, const mysqlwire::crypto::SecretBytes& password,
               LoginFacts facts);

  Want feed(mysqlwire::Bytes received, mysqlwire::Buffer& out);
  Want tls_established(mysqlwire::Buffer& out);

  /// What was done since the last call; the times are the caller's to fill in.
  std::vector<Step> take_steps() { return std::exchange(steps_, {}); }
  const Failure& failure() const noexcept { return failure_; }
  LoginFacts& facts() noexcept { return facts_; }
  const LoginFacts& facts() const noexcept { return facts_; }
  /// The step under way.
  const std::string& step() const noexcept { return step_; }

  const mysqlwire::ClientHandshake& handshake() const noexcept { return handshake_; }
  mysqlwire::Context context() const noexcept;
  /// Whether a packet has begun to come, and not ended.
  bool mid_packet() const noexcept { return frames_.mid_packet(); }
  /// After `done`: what came behind the login.
  mysqlwire::FrameReader take_frames() { return std::move(frames_); }

 private:
  Want on_packet(const mysqlwire::Packet& packet, mysqlwire::Buffer& out);
  Want on_step(mysqlwire::ClientStep step, mysqlwire::Buffer& out);
  Want answer(mysqlwire::Buffer& out);
  Want carry_out(const mysqlwire::crypto::AnswerAction& action, mysqlwire::Buffer& out);
  Want fail(FailureKind kind, std::string message);
  Want refused();
  Want give_up(const char* reason);
  void note_greeting();
  void note_question();
  void did(std::string name, std::string detail) {
    steps_.push_back({std::move(name), 0, std::move(detail)});
  }

  LoginPlan plan_;
  LoginFacts facts_;
  mysqlwire::ClientHandshake handshake_;
  mysqlwire::FrameReader frames_;
  mysqlwire::crypto::PasswordSecret secret_;
  std::unique_ptr<mysqlwire::crypto::PasswordAnswer> password_;
  std::vector<Step> steps_;
  std::string step_ = "greeting";
  Failure failure_;
};

/// How a login is to be done.
struct LoginSettings {
  ConnectionSettings connection;
  LoginPlan plan;
  /// Must outlive the login.
  const mysqlwire::crypto::SecretBytes* password = nullptr;
};

/// Connects and logs in.
class Login {
 public:
  Login(const Target& target, const LoginSettings& settings);

  /// Throws ProbeError with its step; steps() and facts() tell how far it came.
  void run();
  /// Only as far as to the greeting.
  void connect();

  Connection& connection() noexcept { return connection_; }
  const LoginMachine& machine() const noexcept { return machine_; }
  const LoginFacts& facts() const noexcept { return machine_.facts(); }
  std::vector<Step>& steps() noexcept { return steps_; }
  mysqlwire::Context context() const noexcept { return machine_.context(); }
  /// Adds a step that ends now.
  void mark(std::string name, std::string detail);

 private:
  void go_on();
  [[noreturn]] void fail(Failure failure);

  Connection connection_;
  LoginMachine machine_;
  LoginPlan plan_;
  std::vector<Step> steps_;
  Clock::time_point last_;
  std::string step_;
};

/// Asks what speaks there by a line that text protocols answer; for servers that wait for the
/// client. Empty when nothing comes.
std::string poke(Connection& connection);
/// Takes a failure apart of a peer that has not greeted yet: `facts.said` becomes what it said
/// so far, which may be the beginning of a greeting, or no MySQL's.
void judge_silence(Connection& connection, Failure& failure, LoginFacts& facts);

}  // namespace mysqlprobe
