#include "proxy/config/create_user.hpp"

#include "proxy/config/user.hpp"

#include <mysqlwire/sql/lexer.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace mysqlproxy {
namespace {

using mysqlwire::sql::Lexer;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;

bool is_word(const Token& token, std::string_view word) {
  if (token.kind != TokenKind::keyword && !token.is_identifier()) return false;
  return std::ranges::equal(token.text, word, [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
  });
}

bool is_quoted(const Token& token) {
  return token.kind == TokenKind::string || token.kind == TokenKind::quoted_identifier;
}

/// What a quoted token stands for; a bare word as it is.
std::string content(const Token& token) {
  if (!is_quoted(token) || token.text.size() < 2) return std::string(token.text);
  const char quote = token.text.front();
  const std::string_view inside = token.text.substr(1, token.text.size() - 2);
  std::string text;
  for (std::size_t at = 0; at < inside.size(); ++at) {
    char c = inside[at];
    if (c == quote) ++at;  // doubled
    if (c == '\\' && quote != '`' && at + 1 < inside.size()) {
      c = inside[++at];
      switch (c) {
        case '0': c = '\0'; break;
        case 'b': c = '\b'; break;
        case 'n': c = '\n'; break;
        case 'r': c = '\r'; break;
        case 't': c = '\t'; break;
        case 'Z': c = '\x1a'; break;
        default: break;
      }
    }
    text += c;
  }
  return text;
}

class Reader {
 public:
  Reader(std::string_view text, UserConfig& account) : lexer_(text), account_(account) { next(); }

  std::string read() {
    next();  // CREATE
    next();  // USER
    if (is("IF")) skip(3);
    read_name();
    while (fault_.empty() && token_.kind != TokenKind::end && !token_.is(';')) read_clause();
    return fault_;
  }

 private:
  void next() { token_ = lexer_.next(); }
  void skip(int count) {
    while (count-- > 0) next();
  }
  bool is(std::string_view word) const { return is_word(token_, word); }
  bool take(std::string_view word) {
    const bool here = is(word);
    if (here) next();
    return here;
  }
  std::string take_content() {
    std::string text = content(token_);
    next();
    return text;
  }

  void read_name() {
    account_.name = take_content();
    std::string host = "%";
    if (token_.kind == TokenKind::at) {
      next();
      host = take_content();
    }
    const auto pattern = HostPattern::parse(host);
    if (!pattern)
      fault_ = "its host is no host pattern";
    else
      account_.host = *pattern;
  }

  void read_clause() {
    if (token_.kind == TokenKind::invalid) {
      fault_ = "a quote has no end";
    } else if (token_.is(',')) {
      fault_ = "it is about more than one account";
    } else if (take("IDENTIFIED")) {
      read_password();
    } else if (take("REQUIRE")) {
      read_requirement();
    } else if (take("ACCOUNT")) {
      account_.locked = is("LOCK");
      next();
    } else if (take("PASSWORD")) {
      const bool expiry = is("EXPIRE");
      next();  // else HISTORY, REUSE, REQUIRE: of the next password
      if (!expiry) return;
      account_.expired = !is("DEFAULT") && !is("NEVER") && !is("INTERVAL");
    } else {
      next();
    }
  }

  void read_password() {
    const bool by = take("BY");
    if (by && !is("PASSWORD")) {
      fault_ = "it has a password in clear: paste what SHOW CREATE USER prints";
      return;
    }
    std::string fault;
    if (by) {
      next();
      fault = add_hash_of("", take_content(), account_.hashes);
    } else if (take("WITH") || take("VIA")) {
      do {
        const std::string plugin = take_content();
        std::string text;
        if (take("AS") || take("USING")) text = take_content();
        if (is("BY")) {
          fault_ = "it has a password in clear: paste what SHOW CREATE USER prints";
          return;
        }
        auto why = add_hash_of(plugin, text, account_.hashes);
        if (!why.empty()) fault = std::move(why);
      } while (take("OR"));
    }
    // One that can be checked is enough.
    if (account_.hashes.empty()) fault_ = std::move(fault);
  }

  void read_requirement() {
    using Kind = TransportRule::Kind;
    TransportRule& rule = account_.require;
    if (take("NONE")) {
      rule = {};
      return;
    }
    if (take("SSL")) {
      rule.kind = Kind::ssl;
      return;
    }
    if (take("X509")) {
      rule.kind = Kind::x509;
      return;
    }
    for (;;) {
      std::string* place = nullptr;
      if (take("SUBJECT"))
        place = &rule.subject;
      else if (take("ISSUER"))
        place = &rule.issuer;
      else if (take("CIPHER"))
        place = &rule.cipher;
      if (place == nullptr) break;
      const bool certificate = place != &rule.cipher || rule.kind == Kind::x509;
      rule.kind = certificate ? Kind::x509 : Kind::ssl;
      *place = take_content();
      take("AND");
    }
  }

  Lexer lexer_;
  UserConfig& account_;
  Token token_;
  std::string fault_;
};

}  // namespace

bool is_create_user(std::string_view text) {
  Lexer lexer(text);
  return is_word(lexer.next(), "CREATE") && is_word(lexer.next(), "USER");
}

std::string read_create_user(std::string_view text, UserConfig& account) {
  return Reader(text, account).read();
}

}  // namespace mysqlproxy
