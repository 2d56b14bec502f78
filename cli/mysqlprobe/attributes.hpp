// What mysqlprobe tells servers about itself.
#pragma once

#include <mysqlwire/wire/writer.hpp>

namespace mysqlprobe {

/// The block of connection attributes, without its total length.
mysqlwire::Buffer connection_attributes();

}  // namespace mysqlprobe
