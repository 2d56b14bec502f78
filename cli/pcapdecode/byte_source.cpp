#include "cli/pcapdecode/byte_source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace pcapdecode {

namespace {

constexpr std::size_t head_size = 64;
constexpr std::size_t input_size = std::size_t{1} << 17;

}  // namespace

class ByteSource::Inflater {
 public:
  virtual ~Inflater() = default;
  virtual std::size_t read(ByteSource& source, std::uint8_t* out, std::size_t size) = 0;

 protected:
  std::vector<std::uint8_t> input_ = std::vector<std::uint8_t>(input_size);
};

// One member behind the other, as gzip appends them.
class ByteSource::Gzip final : public Inflater {
 public:
  Gzip() {
    constexpr int with_gzip_header = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, with_gzip_header) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() override { inflateEnd(&stream_); }

  std::size_t read(ByteSource& source, std::uint8_t* out, std::size_t size) override {
    stream_.next_out = out;
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1U << 30));
    const uInt wanted = stream_.avail_out;
    while (stream_.avail_out == wanted) {
      if (stream_.avail_in == 0) {
        stream_.next_in = input_.data();
        stream_.avail_in = static_cast<uInt>(source.read_raw(input_.data(), input_.size()));
        if (stream_.avail_in == 0) {
          if (inside_) source.failure_ = "the gzip file is cut short";
          return 0;
        }
      }
      if (ended_) {
        inflateReset(&stream_);
        ended_ = false;
      }
      inside_ = true;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        ended_ = true;
        inside_ = false;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        source.failure_ = "the gzip file is damaged";
        return wanted - stream_.avail_out;
      }
    }
    return wanted - stream_.avail_out;
  }

 private:
  z_stream stream_{};
  bool ended_ = false;
  bool inside_ = false;
};

class ByteSource::Zstd final : public Inflater {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  std::size_t read(ByteSource& source, std::uint8_t* out, std::size_t size) override {
    ZSTD_outBuffer output{out, size, 0};
    while (output.pos == 0) {
      if (in_.pos == in_.size) {
        in_ = {input_.data(), source.read_raw(input_.data(), input_.size()), 0};
        if (in_.size == 0) {
          if (left_ != 0) source.failure_ = "the zstd file is cut short";
          return 0;
        }
      }
      left_ = ZSTD_decompressStream(stream_, &output, &in_);
      if (ZSTD_isError(left_) != 0) {
        source.failure_ = "the zstd file is damaged";
        left_ = 0;
        return output.pos;
      }
    }
    return output.pos;
  }

 private:
  ZSTD_DStream* stream_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  std::size_t left_ = 0;
};

ByteSource::ByteSource(const std::string& path) {
  if (path == "-") {
    descriptor_ = STDIN_FILENO;
  } else {
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw std::runtime_error(std::strerror(errno));
    owns_ = true;
  }
  struct stat status{};
  if (::fstat(descriptor_, &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      if (owns_) ::close(descriptor_);
      throw std::runtime_error("is a directory");
    }
    if (S_ISREG(status.st_mode)) size_ = static_cast<std::uint64_t>(status.st_size);
    stream_ = !S_ISREG(status.st_mode);
  }
  raw_.resize(head_size);
  std::size_t have = 0;
  while (have < raw_.size()) {
    const std::size_t more = read_file(raw_.data() + have, raw_.size() - have);
    if (more == 0) break;
    have += more;
  }
  raw_.resize(have);
  const auto starts = [&](std::initializer_list<std::uint8_t> magic) {
    return raw_.size() >= magic.size() && std::equal(magic.begin(), magic.end(), raw_.begin());
  };
  if (starts({0x1f, 0x8b})) {
    inflater_ = std::make_unique<Gzip>();
  } else if (starts({0x28, 0xb5, 0x2f, 0xfd})) {
    inflater_ = std::make_unique<Zstd>();
  }
}

ByteSource::~ByteSource() {
  if (owns_) ::close(descriptor_);
}

// What is there: a pipe's packets are shown as they come.
std::size_t ByteSource::read_file(std::uint8_t* out, std::size_t size) {
  if (stream_ && on_wait_) {
    pollfd waited{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&waited, 1, 0) == 0) on_wait_();
  }
  ssize_t got = -1;
  while (got < 0 && !stopped()) {
    got = ::read(descriptor_, out, size);
    if (got < 0 && errno != EINTR) break;
  }
  if (stopped()) return 0;
  if (got < 0) {
    failure_ = std::strerror(errno);
    return 0;
  }
  position_ += static_cast<std::size_t>(got);
  return static_cast<std::size_t>(got);
}

std::size_t ByteSource::read_raw(std::uint8_t* out, std::size_t size) {
  if (raw_used_ == raw_.size()) return read_file(out, size);
  const std::size_t piece = std::min(size, raw_.size() - raw_used_);
  std::memcpy(out, raw_.data() + raw_used_, piece);
  raw_used_ += piece;
  return piece;
}

std::size_t ByteSource::read_inflated(std::uint8_t* out, std::size_t size) {
  if (!failure_.empty() || size == 0) return 0;
  return inflater_ ? inflater_->read(*this, out, size) : read_raw(out, size);
}

const std::vector<std::uint8_t>& ByteSource::head() {
  if (head_read_) return head_;
  head_read_ = true;
  head_.resize(head_size);
  std::size_t have = 0;
  while (have < head_.size()) {
    const std::size_t got = read_inflated(head_.data() + have, head_.size() - have);
    if (got == 0) break;
    have += got;
  }
  head_.resize(have);
  return head_;
}

std::size_t ByteSource::read_plain(std::uint8_t* out, std::size_t size) {
  if (head_used_ == head_.size()) return read_inflated(out, size);
  const std::size_t piece = std::min(size, head_.size() - head_used_);
  std::memcpy(out, head_.data() + head_used_, piece);
  head_used_ += piece;
  return piece;
}

// Until something may go on, or the file ends.
void ByteSource::show_more() {
  shown_.erase(shown_.begin(), shown_.begin() + static_cast<std::ptrdiff_t>(given_));
  std::size_t have = shown_.size();
  passed_ = given_ = 0;
  while (passed_ == 0) {
    shown_.resize(input_size);
    const std::size_t more = read_plain(shown_.data() + have, shown_.size() - have);
    have += more;
    shown_.resize(have);
    passed_ = more == 0 ? have : look_(shown_.data(), have);
    if (more == 0) return;
  }
}

std::size_t ByteSource::read(std::uint8_t* out, std::size_t size) {
  if (!look_) return read_plain(out, size);
  if (given_ == passed_) show_more();
  const std::size_t piece = std::min(size, passed_ - given_);
  std::memcpy(out, shown_.data() + given_, piece);
  given_ += piece;
  return piece;
}

std::FILE* ByteSource::open(Look look) {
  look_ = std::move(look);
  cookie_io_functions_t functions{};
  functions.read = [](void* cookie, char* buffer, std::size_t size) -> ssize_t {
    auto* source = static_cast<ByteSource*>(cookie);
    return static_cast<ssize_t>(source->read(reinterpret_cast<std::uint8_t*>(buffer), size));
  };
  std::FILE* file = ::fopencookie(this, "rb", functions);
  if (file == nullptr) throw std::bad_alloc();
  std::setvbuf(file, nullptr, _IOFBF, input_size);
  return file;
}

}  // namespace pcapdecode
