// What becomes of the proxy when there is no memory.
#pragma once

namespace mysqlproxy {

/// From here on the process ends at once when an allocation fails: with a line on standard error
/// and ExitCode::failure, whichever thread it is, and without a core file that would have
/// everybody's data.
///
/// A session that went on with half of what it needed would be worse than none: an answer might be
/// lost that its client counts on. What a server has acknowledged stays, and whatever started the
/// proxy starts it again.
void end_when_out_of_memory() noexcept;

}  // namespace mysqlproxy
