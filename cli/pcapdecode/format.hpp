// The formats of pcapdecode.
#pragma once

#include "cli/common/format.hpp"

#include <memory>

namespace pcapdecode {

using namespace cli;

/// The format of that name; nothing for an unknown one. The output must outlive it.
std::unique_ptr<Format> make_format(const FormatOptions& options, Output& output);

std::unique_ptr<Format> make_detail_format(const FormatOptions& options, Output& output);
std::unique_ptr<Format> make_json_format(const FormatOptions& options, Output& output);
std::unique_ptr<Format> make_queries_format(const FormatOptions& options, Output& output);
std::unique_ptr<Format> make_slow_log_format(const FormatOptions& options, Output& output);
std::unique_ptr<Format> make_sql_format(const FormatOptions& options, Output& output);
std::unique_ptr<Format> make_streams_format(const FormatOptions& options, Output& output);
std::unique_ptr<Format> make_digest_format(const FormatOptions& options, Output& output);
std::unique_ptr<Format> make_html_format(const FormatOptions& options, Output& output);
std::unique_ptr<Format> make_stats_format(const FormatOptions& options, Output& output);

}  // namespace pcapdecode
