#include "cli/pcapdecode/tls.hpp"

#include "cli/pcapdecode/tls_cipher.hpp"
#include "cli/pcapdecode/tls_handshake.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

constexpr std::size_t record_header = 5;
// What RFC 8446 allows, and RFC 5246's larger figure.
constexpr std::size_t max_record = 16384 + 2048;
constexpr std::size_t max_handshake = std::size_t{1} << 18;

enum class Record : std::uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};

enum class Handshake : std::uint8_t {
  client_hello = 1,
  server_hello = 2,
  certificate = 11,
  finished = 20,
  key_update = 24,
};

// What TLS 1.2 and older encrypt first; the MAC of CBC, which would tell wrong keys, is not
// checked.
bool begins_with_finished(Record type, Bytes record) {
  constexpr std::array<std::uint8_t, 4> header{20, 0, 0, 12};
  return type == Record::handshake && record.size() == header.size() + header[3] &&
         std::equal(header.begin(), header.end(), record.begin());
}

/// One connection. The records of each direction are put together, handshakes read for what they
/// show, and what is encrypted is opened as soon as the secrets for it are known.
class Reader final : public TlsReader {
 public:
  explicit Reader(const KeyLog& key_log) : key_log_(key_log) {}

  void feed(Direction direction, Bytes bytes, Buffer& plain) override {
    Side& mine = side(direction);
    if (mine.lost) return;
    mine.input.insert(mine.input.end(), bytes.begin(), bytes.end());
    std::size_t done = 0;
    while (!mine.lost && mine.input.size() - done >= record_header) {
      const std::uint8_t* header = mine.input.data() + done;
      const std::size_t size = static_cast<std::size_t>(header[3] << 8 | header[4]);
      const bool is_record = header[0] >= 20 && header[0] <= 24 && header[1] == 3;
      if (!is_record || size > max_record) {
        mine.lost = true;
        if (mine.cipher.ready()) mine.failure = "what follows is no TLS record";
        break;
      }
      if (mine.input.size() - done - record_header < size) break;
      const Buffer record(header + record_header, header + record_header + size);
      const std::array<std::uint8_t, 3> start{header[0], header[1], header[2]};
      done += record_header + size;
      take_record(direction, start, record, plain);
    }
    mine.input.erase(mine.input.begin(), mine.input.begin() + static_cast<std::ptrdiff_t>(done));
    if (mine.lost) mine.input = Buffer();
  }

  void lose(Direction direction) override {
    side(direction).lost = true;
    side(direction).input = Buffer();
  }

  bool established() const override { return encrypted_; }
  const TlsInfo& info() const override { return info_; }
  std::string_view failure(Direction direction) const override {
    return sides_[static_cast<std::size_t>(direction)].failure;
  }

 private:
  struct Side {
    Buffer input;
    Buffer handshake;
    RecordCipher cipher;
    bool encrypted = false;  ///< records are encrypted from here on
    bool tried = false;      ///< the keys were looked for
    bool lost = false;
    bool opened = false;  ///< a record, so the keys fit
    std::string_view failure;
    Buffer secret;  ///< TLS 1.3: of the traffic keys in use
  };

  Side& side(Direction direction) { return sides_[static_cast<std::size_t>(direction)]; }
  bool is_13() const { return version_ == 0x0304; }
  bool has_master() const {
    return suite_ != nullptr && key_log_.find("CLIENT_RANDOM", client_random_) != nullptr;
  }

  void take_record(Direction direction, std::array<std::uint8_t, 3> start, const Buffer& record,
                   Buffer& plain);
  void take_handshake(Direction direction, Bytes bytes);
  void take_message(Direction direction, Handshake type, Bytes body);
  bool set_keys(Direction direction);
  void use_secret(Side& mine, const Buffer& secret);
  void take_application_keys(Direction direction);

  const KeyLog& key_log_;
  TlsInfo info_;
  Side sides_[2];
  std::array<std::uint8_t, 32> client_random_{};
  std::array<std::uint8_t, 32> server_random_{};
  std::uint16_t version_ = 0;
  bool hellos_ = false;
  bool encrypted_ = false;
  bool encrypt_then_mac_ = false;
  const CipherSuite* suite_ = nullptr;
};

void Reader::take_record(Direction direction, std::array<std::uint8_t, 3> start,
                         const Buffer& record, Buffer& plain) {
  Side& mine = side(direction);
  auto type = static_cast<Record>(start[0]);
  if (type == Record::change_cipher_spec) {
    // TLS 1.3 sends it for the looks.
    if (hellos_ && !is_13()) {
      mine.encrypted = true;
      // With keys the next record shows whether they fit.
      encrypted_ = encrypted_ || !has_master();
    }
    return;
  }
  if (!mine.encrypted) {
    if (type == Record::handshake) take_handshake(direction, record);
    return;
  }
  encrypted_ = true;
  // In TLS 1.3 only what looks like application data is encrypted.
  if (is_13() && type != Record::application_data) return;
  if (!mine.cipher.ready() && (mine.tried || !set_keys(direction))) return;
  Buffer opened;
  std::uint8_t inner = start[0];
  const bool is_open = mine.cipher.open(start, record, opened, inner);
  type = static_cast<Record>(inner);
  if (!is_open || (!mine.opened && !is_13() && !begins_with_finished(type, opened))) {
    mine.lost = true;
    mine.failure =
        mine.opened ? "a TLS record can't be opened" : "the TLS secrets do not fit the connection";
    return;
  }
  mine.opened = info_.decrypted = true;
  if (type == Record::handshake) {
    take_handshake(direction, opened);
  } else if (type == Record::application_data) {
    plain.insert(plain.end(), opened.begin(), opened.end());
  }
}

void Reader::take_handshake(Direction direction, Bytes bytes) {
  Buffer& pending = side(direction).handshake;
  pending.insert(pending.end(), bytes.begin(), bytes.end());
  std::size_t done = 0;
  while (pending.size() - done >= 4) {
    const std::uint8_t* header = pending.data() + done;
    const std::size_t size = static_cast<std::size_t>(header[1] << 16 | header[2] << 8 | header[3]);
    if (pending.size() - done - 4 < size) break;
    take_message(direction, static_cast<Handshake>(header[0]),
                 Bytes(pending).subspan(done + 4, size));
    done += 4 + size;
  }
  pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(done));
  if (pending.size() > max_handshake) pending = Buffer();
}

void Reader::take_message(Direction direction, Handshake type, Bytes body) {
  switch (type) {
    case Handshake::client_hello: {
      const auto hello = read_client_hello(body);
      if (!hello) return;
      client_random_ = hello->random;
      info_.server_name = hello->server_name;
      break;
    }
    case Handshake::server_hello: {
      const auto hello = read_server_hello(body);
      if (!hello || hello->is_retry) return;
      server_random_ = hello->random;
      version_ = hello->version;
      encrypt_then_mac_ = hello->encrypt_then_mac;
      suite_ = find_cipher_suite(hello->cipher_suite);
      info_.version = tls_version_name(version_);
      info_.cipher =
          suite_ != nullptr ? std::string(suite_->name) : cipher_suite_number(hello->cipher_suite);
      hellos_ = true;
      if (is_13()) sides_[0].encrypted = sides_[1].encrypted = true;
      break;
    }
    case Handshake::certificate:
      if (info_.certificate.empty() && direction == Direction::to_client)
        info_.certificate = certificate_subject(body, is_13());
      break;
    case Handshake::finished:
      if (is_13()) take_application_keys(direction);
      break;
    case Handshake::key_update:
      if (is_13() && suite_ != nullptr) {
        Side& mine = side(direction);
        use_secret(mine, next_traffic_secret(*suite_, mine.secret));
      }
      break;
    default: break;
  }
}

// The first keys of a direction.
bool Reader::set_keys(Direction direction) {
  Side& mine = side(direction);
  mine.tried = true;
  if (suite_ == nullptr) return false;
  const bool is_client = direction == Direction::to_server;
  if (is_13()) {
    const Buffer* secret = key_log_.find(
        is_client ? "CLIENT_HANDSHAKE_TRAFFIC_SECRET" : "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        client_random_);
    if (secret == nullptr) return false;
    use_secret(mine, *secret);
    return mine.cipher.ready();
  }
  const Buffer* master = key_log_.find("CLIENT_RANDOM", client_random_);
  if (master == nullptr) return false;
  const auto keys = derive_keys_12(*suite_, version_, *master, client_random_, server_random_);
  if (!keys) return false;
  mine.cipher.set(*suite_, is_client ? keys->client : keys->server, version_, encrypt_then_mac_);
  return mine.cipher.ready();
}

void Reader::use_secret(Side& mine, const Buffer& secret) {
  mine.secret = secret;
  mine.cipher.set(*suite_, derive_keys_13(*suite_, secret), version_, false);
}

// Behind its Finished each side goes on with other keys.
void Reader::take_application_keys(Direction direction) {
  Side& mine = side(direction);
  if (suite_ == nullptr || !mine.cipher.ready()) return;
  const Buffer* secret = key_log_.find(
      direction == Direction::to_server ? "CLIENT_TRAFFIC_SECRET_0" : "SERVER_TRAFFIC_SECRET_0",
      client_random_);
  if (secret == nullptr) {
    mine.lost = true;
    mine.failure = "the TLS secrets end with the handshake's";
    return;
  }
  use_secret(mine, *secret);
}

}  // namespace

std::unique_ptr<TlsReader> make_tls_reader(const KeyLog& key_log) {
  return std::make_unique<Reader>(key_log);
}

}  // namespace pcapdecode
