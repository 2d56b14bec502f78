// What a statement does: reads or writes, which session state it needs or leaves, how it moves a
// transaction, which tables it names. For routing and for rules; no parser, so that it says more
// than is certain and never less.
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mysqlwire::sql {

enum class StatementKind : std::uint8_t {
  unknown,  ///< nothing that is known here: taken to write, and to touch everything
  empty,    ///< blanks and comments only
  select,   ///< SELECT, VALUES, TABLE, with WITH and parentheses around
  insert,
  replace,
  update,
  delete_,
  load_data,  ///< LOAD DATA, LOAD XML
  call,
  do_,
  handler,
  create,
  alter,
  drop,
  rename,
  truncate,
  maintain,  ///< ANALYZE, CHECK, CHECKSUM, OPTIMIZE, REPAIR TABLE, CACHE INDEX, LOAD INDEX
  account,   ///< GRANT, REVOKE, CREATE/ALTER/DROP/RENAME USER and ROLE, SET PASSWORD
  begin,     ///< BEGIN, START TRANSACTION
  commit,
  rollback,
  savepoint,  ///< SAVEPOINT, RELEASE SAVEPOINT, ROLLBACK TO
  xa,
  lock_tables,    ///< and LOCK INSTANCE
  unlock_tables,  ///< and UNLOCK INSTANCE
  set,
  use,
  show,
  explain,  ///< EXPLAIN, DESCRIBE; not EXPLAIN ANALYZE, which is what it explains
  help,
  prepare,
  execute,
  deallocate,
  signal,  ///< SIGNAL, RESIGNAL, GET DIAGNOSTICS
  kill,
  admin,  ///< FLUSH, RESET, PURGE, CHANGE MASTER, START/STOP SLAVE, INSTALL, SHUTDOWN, BINLOG …
};

/// "select", "load_data", …
std::string_view to_string(StatementKind kind) noexcept;

/// What a statement may do, beside returning rows.
enum class Effect : std::uint32_t {
  writes = 1 << 0,  ///< may change data or settings that others see
  /// Takes or gives up locks: FOR UPDATE, GET_LOCK(), LOCK TABLES. In a READ ONLY transaction both
  /// servers refuse SELECT … FOR UPDATE.
  locks = 1 << 1,
  changes_session =
      1 << 2,  ///< leaves something behind in the session: variables, temporary tables …
  reads_session = 1 << 3,  ///< depends on the session: variables, LAST_INSERT_ID(), SHOW WARNINGS …
  begins_transaction = 1 << 4,
  ends_transaction = 1 << 5,   ///< COMMIT, ROLLBACK, XA COMMIT …
  implicit_commit = 1 << 6,    ///< ends a transaction by the way, as DDL does
  chains = 1 << 7,             ///< AND CHAIN: the next transaction begins at once
  releases = 1 << 8,           ///< COMMIT RELEASE: the server closes the connection
  read_only = 1 << 9,          ///< of a transaction that begins: READ ONLY
  nondeterministic = 1 << 10,  ///< another result each time: RAND(), UUID(), NOW(), SLEEP()
  waits = 1 << 11,             ///< SLEEP(), BENCHMARK(), GET_LOCK(), waiting for a replica
  writes_file = 1 << 12,       ///< INTO OUTFILE, INTO DUMPFILE
  reads_file = 1 << 13,        ///< LOAD_FILE(), LOAD DATA INFILE
  calls = 1 << 14,      ///< a stored routine or a function that is not known here; also `writes`
  has_where = 1 << 15,  ///< a WHERE that names a column (outside of subqueries)
  has_limit = 1 << 16,  ///< LIMIT outside of subqueries
  unions = 1 << 17,     ///< UNION, EXCEPT, INTERSECT
  comment = 1 << 18,    ///< a comment inside
  version_comment = 1 << 19,  ///< a version comment: other versions read other statements
  several = 1 << 20,          ///< another statement follows behind `;`
  invalid = 1 << 21,          ///< a byte that is no token; also `writes`
};

/// "writes", "changes_session", …
std::string_view to_string(Effect effect) noexcept;

/// A set of effects.
class Effects {
 public:
  constexpr Effects() noexcept = default;
  constexpr bool has(Effect effect) const noexcept {
    return (bits_ & static_cast<std::uint32_t>(effect)) != 0;
  }
  constexpr void add(Effect effect) noexcept { bits_ |= static_cast<std::uint32_t>(effect); }
  constexpr std::uint32_t bits() const noexcept { return bits_; }
  constexpr bool operator==(const Effects&) const noexcept = default;

 private:
  std::uint32_t bits_ = 0;
};

/// A table as the statement names it. Both parts borrow from the statement; the quotes are left
/// off, doubled quotes inside stay doubled. `schema` is empty for a table of the current schema.
struct TableName {
  std::string_view schema;
  std::string_view name;
  bool operator==(const TableName&) const noexcept = default;
};

/// What `classify` found out about the first statement of a text.
struct Classification {
  static constexpr std::size_t max_tables = 16;

  // Leaves table_names as it is: filling it with nothing would take as long as reading a short
  // statement.
  Classification() noexcept {}

  StatementKind kind = StatementKind::unknown;
  Effects effects;
  union {
    /// The first table_count of them are set.
    std::array<TableName, max_tables> table_names;
  };
  std::uint8_t table_count = 0;
  /// There are more tables than are listed, or such as can't be told from the text.
  bool more_tables = false;

  /// The tables that are named behind FROM, JOIN, INTO, UPDATE and TABLE, in order, repetitions and
  /// names of common table expressions included. Those behind views and routines don't show.
  std::span<const TableName> tables() const noexcept {
    return std::span(table_names).first(table_count);
  }
  bool has(Effect effect) const noexcept { return effects.has(effect); }

  /// A replica may answer, in autocommit mode or inside of a READ ONLY transaction, and any
  /// session: it reads, and neither needs nor leaves anything.
  bool reads_only() const noexcept;
};

/// Classifies the first statement of `sql`; what follows its `;` shows as `Effect::several`.
/// Allocates nothing, borrows `sql`.
Classification classify(std::string_view sql, const Dialect& dialect) noexcept;

/// The first statement of `sql`, without its `;`, and what follows it. The bodies of stored
/// programs (BEGIN … END) are not cut. Blanks stay where they are.
struct FirstStatement {
  std::string_view statement;
  std::string_view rest;
};
FirstStatement split(std::string_view sql, const Dialect& dialect) noexcept;

}  // namespace mysqlwire::sql
