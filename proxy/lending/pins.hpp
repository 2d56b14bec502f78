// Why a session keeps its server connection although no transaction is open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace mysqlproxy::lending {

/// What the connection has that no other can be given. An open transaction is none of them: the
/// status flags of the last answer say that.
enum class Pin : std::uint8_t {
  temporary_table,
  lock_tables,     ///< LOCK TABLES, FLUSH TABLES WITH READ LOCK, LOCK INSTANCE, BACKUP LOCK
  user_lock,       ///< GET_LOCK()
  handler,         ///< HANDLER … OPEN
  xa,              ///< from XA START to XA COMMIT or XA ROLLBACK
  savepoint,       ///< set where the server does not see a transaction yet
  text_prepare,    ///< PREPARE
  one_shot,        ///< what one statement or transaction uses up: SET TRANSACTION, SET insert_id
  warnings,        ///< the last statement left some, or failed
  found_rows,      ///< SQL_CALC_FOUND_ROWS
  sequence,        ///< a value of a sequence that LASTVAL() gives again (MariaDB)
  call,            ///< a stored routine ran, which may have done anything
  unknown_change,  ///< something changed that can't be told, or can't be done again
  tracking,        ///< the client has set session trackers of its own
  too_much,        ///< more variables, or longer ones, than are carried along
};

inline constexpr std::size_t pin_count = 15;

/// "temporary_table", "lock_tables" …
std::string_view to_string(Pin pin) noexcept;

/// A set of pins.
class Pins {
 public:
  constexpr Pins() noexcept = default;
  constexpr Pins(std::initializer_list<Pin> pins) noexcept {
    for (const Pin pin : pins) add(pin);
  }

  constexpr bool has(Pin pin) const noexcept { return (bits_ & bit(pin)) != 0; }
  constexpr bool any() const noexcept { return bits_ != 0; }
  constexpr void add(Pin pin) noexcept { bits_ |= bit(pin); }
  constexpr void remove(Pin pin) noexcept { bits_ &= ~bit(pin); }
  constexpr void add(Pins pins) noexcept { bits_ |= pins.bits_; }
  constexpr void set(Pin pin, bool on) noexcept { on ? add(pin) : remove(pin); }
  constexpr std::uint32_t bits() const noexcept { return bits_; }

  friend constexpr bool operator==(Pins, Pins) noexcept = default;

 private:
  static constexpr std::uint32_t bit(Pin pin) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(pin);
  }

  std::uint32_t bits_ = 0;
};

/// COM_RESET_CONNECTION takes all of them away. Not so with a sequence's last value: the connection
/// is to be closed when its session has ended.
constexpr bool reset_cleans(Pins pins) noexcept { return !pins.has(Pin::sequence); }

/// "temporary_table, warnings"; "" for none.
std::string to_string(Pins pins);

}  // namespace mysqlproxy::lending
