#include "proxy/config/files.hpp"

#include "proxy/net/descriptor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <span>
#include <system_error>

namespace mysqlproxy {
namespace {

constexpr std::size_t largest_password_file = 64U << 10;

/// A descriptor that closes itself.
class File {
 public:
  explicit File(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

std::string reason(int code) { return std::generic_category().message(code); }

/// What a regular file holds just now, or `limit` where that is less or is not known.
std::size_t expected_size(int descriptor, std::size_t limit) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return limit;
  return std::min(limit, static_cast<std::size_t>(status.st_size));
}

/// Moves `text` to `size` bytes of new memory and leaves no copy of it behind: it may be a
/// password.
void enlarge(std::string& text, std::size_t size) {
  std::string larger(size, '\0');
  std::copy(text.begin(), text.end(), larger.begin());
  mysqlwire::crypto::cleanse({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  text.swap(larger);
}

/// Reads into `text`, one byte more than `limit` at most; returns the errno, or 0.
int read_up_to(int descriptor, std::size_t limit, std::string& text) {
  std::size_t size = 0;
  // By the size that the file has: a buffer of the limit would stay with the allocator.
  text.resize(expected_size(descriptor, limit) + 1);
  for (;;) {
    const ssize_t count = read(descriptor, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
    if (size < text.size()) continue;
    if (size > limit) break;
    enlarge(text, limit + 1);
  }
  text.resize(size);
  return 0;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(descriptor) == 0;
}

}  // namespace

std::string beside(const std::string& config_file, const std::string& name) {
  return (std::filesystem::path(config_file).parent_path() / name).lexically_normal().string();
}

FileText read_whole_file(const std::string& path, std::size_t limit) {
  const File file(path);
  if (file.get() < 0) return {{}, fmt::format("can't be opened: {}", reason(errno))};
  FileText result;
  const int code = read_up_to(file.get(), limit, result.text);
  if (code != 0) return {{}, fmt::format("can't be read: {}", reason(code))};
  if (result.text.size() > limit) return {{}, fmt::format("is larger than {} bytes", limit)};
  return result;
}

namespace {

std::string everybody_reads(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if ((status.st_mode & S_IROTH) == 0) return {};
  return fmt::format("everybody on this machine can read {:?}", path);
}

}  // namespace

Password read_secret_file(const std::string& file, const std::string& config_file) {
  const std::string path = beside(config_file, file);
  Password password;
  auto content = read_whole_file(path, largest_password_file);
  const std::span<char> text(content.text);
  if (!content.fault.empty()) {
    password.fault = fmt::format("{:?} {}", path, content.fault);
    return password;
  }
  password.value = mysqlwire::crypto::SecretBytes(mysqlwire::as_bytes(content.text));
  mysqlwire::crypto::cleanse({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  password.fault = everybody_reads(path);
  if (!password.fault.empty()) {
    password.value = {};
    return password;
  }
  password.warning = exposure_of(path);
  return password;
}

Password read_password_file(const std::string& file, const std::string& config_file) {
  Password password = read_secret_file(file, config_file);
  const std::string_view text = mysqlwire::as_text(password.value.bytes());
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty() && password.fault.empty())
    password.fault = fmt::format("the first line of {:?} is empty", beside(config_file, file));
  password.value = mysqlwire::crypto::SecretBytes(mysqlwire::as_bytes(line));
  return password;
}

std::string exposure_of(const std::string& path) {
  if (std::string fault = everybody_reads(path); !fault.empty()) return fault;
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return {};
  if ((status.st_mode & (S_IWOTH | S_IWGRP)) != 0)
    return fmt::format("others than its owner can write {:?}", path);
  return {};
}

std::string replace_file(const std::string& path, std::string_view text) {
  const std::string fresh = fmt::format("{}.{}.new", path, ::getpid());
  const auto failed = [&](std::string_view what) {
    const int error = errno;
    ::unlink(fresh.c_str());
    return fmt::format("{}: {}: {}", fresh, what, reason(error));
  };
  {
    const Descriptor file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0) return failed("can't be made");
    struct stat old{};
    if (::stat(path.c_str(), &old) == 0 &&
        (old.st_uid != ::geteuid() || old.st_gid != ::getegid())) {
      // A group that may read it still may; what can't be kept is less, not more.
      if (::fchown(file.get(), old.st_uid, old.st_gid) == 0 &&
          ::fchmod(file.get(), old.st_mode & 0640) != 0)
        return failed("can't get its mode");
    }
    if (!write_all(file.get(), text)) return failed("can't be written");
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("can't take its place");
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const Descriptor folder(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
  return {};
}

}  // namespace mysqlproxy
