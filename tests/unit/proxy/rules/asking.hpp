// Rules from a text, and statements to ask them about.
#pragma once

#include "proxy/config/load.hpp"
#include "proxy/rules/rule_book.hpp"

#include <mysqlwire/sql/analysis.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <string>

namespace mysqlproxy::test {

inline const std::string rules_base = R"(
[listen.main]
bind = "127.0.0.1:6446"
[listen.other]
bind = "127.0.0.1:6447"
[server.db1]
address = "127.0.0.1:3306"
[server.db2]
address = "127.0.0.1:3307"
weight = 3
[server.db3]
address = "127.0.0.1:3308"
[pool.main]
servers = ["db1"]
[pool.replicas]
servers = ["db1", "db2", "db3"]
[user.app]
pool = "main"
native_hash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
[user.report]
pool = "replicas"
native_hash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
)";

inline Config config_with(const std::string& rules) {
  LoadResult loaded = load_text(rules_base + rules, "rules.toml");
  for (const Problem& problem : loaded.errors) FAIL(to_string(problem));
  return std::move(*loaded.config);
}

/// Asks a book as one client.
class Asking {
 public:
  explicit Asking(const std::string& text)
      : config(config_with(text)), book(std::make_unique<rules::RuleBook>(config)) {
    client.user = "app";
    client.schema = "shop";
    client.from.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 9};
    client.host = "10.0.0.9";
    client.listener = "main";
    client.pool = "main";
  }

  const rules::Statement& look_at(std::string_view sql) {
    shape = statement.prepared ? shapes->of_prepared(sql, statement.dialect)
                               : shapes->of_query(sql, statement.dialect);
    statement.text = sql;
    statement.what = &shape->what;
    statement.digest_text = shape->digest_text;
    statement.digest = shape->digest;
    statement.shape = shape->lasts() ? shape.get() : nullptr;
    return statement;
  }

  /// The names of the rules that match, with blanks between.
  std::string ask(std::string_view sql) {
    book->at_statement(book->scope(client), client, look_at(sql), moment, decision);
    return names();
  }
  std::string ask_connection() {
    book->at_connection(client, moment, decision);
    return names();
  }
  rules::Verdict why(std::string_view sql, std::size_t rule = 0) {
    rules::Decision explained;
    return book->explain(client, &look_at(sql), moment, explained).at(rule);
  }

  Config config;
  std::unique_ptr<rules::RuleBook> book;
  rules::Client client;
  rules::Statement statement;
  rules::Moment moment;
  rules::Decision decision;
  std::unique_ptr<ShapeCache> shapes = std::make_unique<ShapeCache>();
  std::shared_ptr<const Shape> shape;

 private:
  std::string names() const {
    std::string all;
    for (const rules::Rule* rule : decision.matched())
      all += (all.empty() ? "" : " ") + rule->config().name;
    return all;
  }
};

}  // namespace mysqlproxy::test
