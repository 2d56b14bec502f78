// A filter in libpcap's language, for frames of several link types.
#pragma once

#include "cli/pcapdecode/input.hpp"

#include <mysqlwire/capture/segment.hpp>

#include <map>
#include <memory>
#include <string>

struct bpf_program;

namespace pcapdecode {

class FrameFilter {
 public:
  /// Throws InputError where frames of that link type can't be filtered by the expression.
  FrameFilter(std::string expression, mysqlwire::capture::LinkType link);
  ~FrameFilter();

  /// Frames of a link type that the expression is not for do not pass.
  bool passes(const Frame& frame);

 private:
  struct Program;

  std::unique_ptr<Program> compile(mysqlwire::capture::LinkType link) const;

  std::string expression_;
  std::map<mysqlwire::capture::LinkType, std::unique_ptr<Program>> programs_;
};

}  // namespace pcapdecode
