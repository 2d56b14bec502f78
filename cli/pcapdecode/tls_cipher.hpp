// Keys and records of TLS 1.2 and 1.3, for one who only reads.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_cipher_ctx_st;

namespace pcapdecode {

/// A cipher suite that can be read.
struct CipherSuite {
  enum class Mode : std::uint8_t { gcm, chacha20, cbc };

  std::uint16_t number;
  std::string_view name;  ///< IANA's
  const char* cipher;     ///< OpenSSL's name of the cipher
  const char* digest;     ///< of the key derivation
  Mode mode;
  std::uint8_t key_size;
  std::uint8_t mac_size = 0;  ///< CBC only
};

/// Nothing for a suite that can't be read.
const CipherSuite* find_cipher_suite(std::uint16_t number);
/// "0x1305", for suites without a name here.
std::string cipher_suite_number(std::uint16_t number);

/// What one direction's records are opened with.
struct TrafficKeys {
  mysqlwire::Buffer key;
  mysqlwire::Buffer iv;
};

struct KeysOfBoth {
  TrafficKeys client;
  TrafficKeys server;
};

/// TLS 1.2: from the master secret. Source: RFC 5246, section 6.3
std::optional<KeysOfBoth> derive_keys_12(const CipherSuite& suite, std::uint16_t version,
                                         mysqlwire::Bytes master, mysqlwire::Bytes client_random,
                                         mysqlwire::Bytes server_random);
/// TLS 1.3: from a traffic secret. Source: RFC 8446, section 7.3
TrafficKeys derive_keys_13(const CipherSuite& suite, mysqlwire::Bytes secret);
/// The secret behind a KeyUpdate. Source: RFC 8446, section 7.2
mysqlwire::Buffer next_traffic_secret(const CipherSuite& suite, mysqlwire::Bytes secret);

/// Opens the records of one direction, in order.
class RecordCipher {
 public:
  RecordCipher();
  ~RecordCipher();

  void set(const CipherSuite& suite, TrafficKeys keys, std::uint16_t version,
           bool encrypt_then_mac);
  bool ready() const noexcept { return suite_ != nullptr; }

  /// `start`: type and version of the record's header. `type` becomes that of the content. False
  /// when the record can't be opened. The MAC of a CBC record is taken off and not checked: whoever
  /// looks on can't refuse it.
  bool open(const std::array<std::uint8_t, 3>& start, mysqlwire::Bytes record,
            mysqlwire::Buffer& out, std::uint8_t& type);

 private:
  bool open_aead(const std::array<std::uint8_t, 3>& start, mysqlwire::Bytes record,
                 mysqlwire::Buffer& out);
  bool open_cbc(mysqlwire::Bytes record, mysqlwire::Buffer& out);

  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
  const CipherSuite* suite_ = nullptr;
  TrafficKeys keys_;
  std::uint64_t sequence_ = 0;
  /// Of the keys, which a second hello does not change.
  bool is_13() const noexcept { return version_ == 0x0304; }

  std::uint16_t version_ = 0;
  bool encrypt_then_mac_ = false;
};

}  // namespace pcapdecode
