// [[rule]] of the configuration.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/config/table_reader.hpp"

#include <string>
#include <utility>
#include <vector>

namespace mysqlproxy {

/// Reads the rules and checks them against the rest of the file. What it is given must outlive it.
class RuleReader {
 public:
  /// `config` has its listeners and users already; servers and pools are named apart, so that one
  /// that is defined badly counts as there.
  RuleReader(const Config& config, const std::vector<std::string>& servers,
             const std::vector<std::string>& pools, Report& report)
      : config_(config), servers_(servers), pools_(pools), report_(report) {}

  std::vector<RuleConfig> read(TableReader& top);
  /// The pools that rules send something to.
  const std::vector<std::string>& used_pools() const noexcept { return used_pools_; }

 private:
  void read_rule(const toml::table& table, std::size_t number);
  void read_match(TableReader& parent, std::string_view key, RuleConfig& rule, RuleMatch& match);
  void read_zone(TableReader& reader, RuleConfig& rule);
  void read_percent(TableReader& reader, const toml::table& table, RuleConfig& rule);
  void read_names(TableReader& reader, std::string_view key, std::string_view what,
                  std::vector<std::string>& out);
  void read_regex(TableReader& reader, std::string_view key, std::string& out);
  void read_action(TableReader& parent, RuleConfig& rule);
  void read_targets(TableReader& reader, RuleConfig& rule);
  void read_hash(TableReader& reader, RuleConfig& rule);
  void read_rewrite(TableReader& reader, RuleConfig& rule);
  void read_refusal_table(TableReader& parent, const toml::table& table, RuleRefusal& refusal);
  void read_refusal(TableReader& reader, RuleConfig& rule);
  void read_answer(TableReader& reader, RuleConfig& rule);
  void read_rows(TableReader& reader, const toml::table& table, RuleAnswer& answer);
  void read_rate(TableReader& reader, RuleConfig& rule);
  void read_concurrency(TableReader& reader, RuleConfig& rule);
  void check_known(TableReader& reader, std::string_view key, std::string_view what,
                   const Located& pattern, const std::vector<std::string>& known);
  std::string target(TableReader& reader, std::string_view key, std::string_view what,
                     const std::vector<std::string>& known);
  void check_action(const toml::source_region& at, std::string_view path, const RuleConfig& rule,
                    bool says_continue);

  const Config& config_;
  const std::vector<std::string>& servers_;
  const std::vector<std::string>& pools_;
  Report& report_;
  std::vector<RuleConfig> rules_;
  std::vector<toml::source_region> places_;
  std::vector<std::string> used_pools_;
};

}  // namespace mysqlproxy
