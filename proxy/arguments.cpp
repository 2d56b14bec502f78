#include "proxy/arguments.hpp"

#include <CLI/CLI.hpp>

#include <utility>

namespace mysqlproxy {

Arguments::Arguments(const std::string& description, const std::string& name)
    : app_(std::make_shared<CLI::App>(description, name)) {}

Arguments::Arguments(std::shared_ptr<CLI::App> app) : app_(std::move(app)) {}

void Arguments::footer(const std::string& text) { app_->footer(text); }

void Arguments::allow_unwanted() { app_->allow_extras(); }

void Arguments::option(const std::string& names, std::string& out, const std::string& type,
                       const std::string& help, Need need) {
  app_->add_option(names, out, help)->type_name(type)->required(need == Need::required);
}

void Arguments::option(const std::string& names, std::vector<std::string>& out,
                       const std::string& type, const std::string& help, Times times) {
  CLI::Option* option = app_->add_option(names, out, help)->type_name(type)->expected(1);
  if (times == Times::many) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Arguments::option(const std::string& name, const Taker& take, const std::string& type,
                       const std::string& help) {
  const auto checked = [name, take](const std::string& word) {
    if (const std::string fault = take(word); !fault.empty())
      throw CLI::ValidationError(name, fault);
  };
  app_->add_option_function<std::string>(name, checked, help)->type_name(type);
}

void Arguments::flag(const std::string& names, bool& out, const std::string& help) {
  app_->add_flag(names, out, help);
}

Arguments Arguments::command(const std::string& name, const std::string& help) {
  app_->require_subcommand(1);
  // The one above owns it, and lives as long as any of them.
  return Arguments(std::shared_ptr<CLI::App>(app_, app_->add_subcommand(name, help)));
}

bool Arguments::given() const { return app_->parsed(); }

Arguments::Parsed Arguments::parse(std::span<const std::string> arguments) {
  try {
    app_->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return {.help = app_->help(), .fault = std::nullopt};
  } catch (const CLI::ParseError& fault) {
    return {.help = std::nullopt, .fault = fault.what()};
  }
  return {};
}

std::vector<std::string> Arguments::unwanted() const { return app_->remaining(true); }

std::vector<std::string> Arguments::long_names() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : app_->get_options()) {
    for (const std::string& known : option->get_lnames()) names.push_back("--" + known);
  }
  return names;
}

}  // namespace mysqlproxy
