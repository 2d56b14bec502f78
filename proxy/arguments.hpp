// The arguments of a command: what there is, and what was given.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mysqlproxy {

/// CLI11 behind a wall: its headers take the compiler five seconds in each file that includes them.
/// A handle; copies mean the same command. What is given to an option goes where it says, which has
/// to live until `parse()` is over.
class Arguments {
 public:
  enum class Need { optional, required };
  enum class Times { once, many };

  /// What parsing came to. With neither the values are there.
  struct Parsed {
    std::optional<std::string> help;  ///< was asked for
    std::optional<std::string> fault;
  };

  /// Takes a word; returns what is wrong with it, or nothing.
  using Taker = std::function<std::string(const std::string& word)>;

  Arguments(const std::string& description, const std::string& name);

  /// Below the help.
  void footer(const std::string& text);
  /// What no option wants is no fault, but left to `unwanted()`.
  void allow_unwanted();

  /// `names` is as "-c,--config", or without a hyphen for an argument by its place.
  void option(const std::string& names, std::string& out, const std::string& type,
              const std::string& help, Need need = Need::optional);
  void option(const std::string& names, std::vector<std::string>& out, const std::string& type,
              const std::string& help, Times times = Times::many);
  void option(const std::string& name, const Taker& take, const std::string& type,
              const std::string& help);
  void flag(const std::string& names, bool& out, const std::string& help);

  /// A command below this one, of which exactly one has to be given then.
  Arguments command(const std::string& name, const std::string& help);
  /// Whether this command was given.
  bool given() const;

  Parsed parse(std::span<const std::string> arguments);
  std::vector<std::string> unwanted() const;
  /// Of all options, with their hyphens.
  std::vector<std::string> long_names() const;

 private:
  explicit Arguments(std::shared_ptr<CLI::App> app);

  std::shared_ptr<CLI::App> app_;
};

}  // namespace mysqlproxy
