#include "cli/pcapdecode/toolbox.hpp"

#include "cli/pcapdecode/tls.hpp"

namespace pcapdecode {

using namespace mysqlwire;

std::unique_ptr<capture::TlsReader> Tools::tls() { return make_tls_reader(key_log_); }

}  // namespace pcapdecode
