// What a conversation is turned into, and the form that people read.
#pragma once

#include "cli/common/output.hpp"

#include <mysqlwire/capture/conversation.hpp>

#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace cli {

enum class Redact : std::uint8_t {
  none,    ///< everything is shown
  auth,    ///< scrambles, salts and passwords are not
  values,  ///< nor are the values of rows, parameters and statements
};

struct FormatOptions {
  std::string format = "text";
  bool slow_log = false;
  bool colour = false;
  bool for_terminal = false;   ///< statements to run again are stripped of control characters
  bool every_message = false;  ///< a line for each column definition too, and none for all of them
  bool bytes = false;          ///< with a hex dump behind each message
  unsigned digits = 6;         ///< decimals of time stamps
  std::uint64_t max_rows = ~std::uint64_t{0};  ///< of one result set
  std::uint64_t top = 20;                      ///< statements of a digest
  std::set<std::string> types;                 ///< of JSON objects; empty for all
  Redact redact = Redact::auth;
  bool bar = false;
};

/// A format is an observer that writes. finish() writes what is known only at the end.
class Format : public mysqlwire::capture::Observer {
 public:
  virtual void finish() {}
  /// Whether Exchange::expanded is used.
  virtual bool wants_parameters() const { return false; }
  /// Writes by message or line, as opposed to a report at the end.
  virtual bool is_report() const { return false; }
};

/// One line a message. The output must outlive it.
std::unique_ptr<Format> make_text_format(const FormatOptions& options, Output& output);

}  // namespace cli
