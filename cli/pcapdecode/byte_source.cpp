#include "cli/pcapdecode/byte_source.hpp"

#include <sys/stat.h>
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
    file_ = stdin;
  } else {
    file_ = std::fopen(path.c_str(), "rbe");
    if (file_ == nullptr) throw std::runtime_error(std::strerror(errno));
    owns_ = true;
    struct stat status{};
    if (::fstat(::fileno(file_), &status) == 0) {
      if (S_ISDIR(status.st_mode)) {
        std::fclose(file_);
        throw std::runtime_error("is a directory");
      }
      if (S_ISREG(status.st_mode)) size_ = static_cast<std::uint64_t>(status.st_size);
    }
  }
  raw_.resize(head_size);
  raw_.resize(std::fread(raw_.data(), 1, raw_.size(), file_));
  position_ = raw_.size();
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
  if (owns_) std::fclose(file_);
}

std::size_t ByteSource::read_raw(std::uint8_t* out, std::size_t size) {
  if (raw_used_ < raw_.size()) {
    const std::size_t piece = std::min(size, raw_.size() - raw_used_);
    std::memcpy(out, raw_.data() + raw_used_, piece);
    raw_used_ += piece;
    return piece;
  }
  const std::size_t got = std::fread(out, 1, size, file_);
  position_ += got;
  return got;
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

std::size_t ByteSource::read(std::uint8_t* out, std::size_t size) {
  std::size_t got = 0;
  if (head_used_ < head_.size()) {
    got = std::min(size, head_.size() - head_used_);
    std::memcpy(out, head_.data() + head_used_, got);
    head_used_ += got;
  } else {
    got = read_inflated(out, size);
  }
  if (on_read_ && got != 0) on_read_(out, got);
  return got;
}

std::FILE* ByteSource::open(std::function<void(const std::uint8_t*, std::size_t)> on_read) {
  on_read_ = std::move(on_read);
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
