#include <mysqlwire/compress/decompressor.hpp>
#include <mysqlwire/wire/wipe.hpp>

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace mysqlwire::compress {
namespace {

/// zstd's smallest block has 4 bytes and gives 128 KiB: no body can be larger than this.
constexpr std::uint64_t largest_by_zstd(std::uint32_t body) noexcept {
  return (std::uint64_t{body} / 4 + 1) * (128 << 10);
}

}  // namespace

struct Decompressor::State {
  z_stream zlib{};
  bool zlib_open = false;
  ZSTD_DCtx* zstd = nullptr;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (zlib_open) inflateEnd(&zlib);
    ZSTD_freeDCtx(zstd);
  }
};

Decompressor::Decompressor(Algorithm algorithm, std::uint32_t max_body)
    : max_body_(std::min(max_body, max_compressed_body)), algorithm_(algorithm) {}

Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

void Decompressor::release() noexcept {
  if (mid_frame()) return;
  state_.reset();
  body_ = {};
  output_ = {};
}

void Decompressor::wipe() noexcept {
  if (mid_frame()) return;
  mysqlwire::wipe(body_);
  mysqlwire::wipe(output_);
}

Error Decompressor::fail(errc code, const char* field) noexcept {
  failure_ = Error{code, 0, "CompressedHeader", field};
  return *failure_;
}

void Decompressor::end_frame() noexcept { header_size_ = 0; }

Result<Bytes> Decompressor::next() {
  for (;;) {
    if (failure_) return *failure_;
    if (header_size_ < compressed_header_size) {
      const std::size_t size =
          std::min(input_.size(), static_cast<std::size_t>(compressed_header_size - header_size_));
      std::ranges::copy(input_.first(size), header_bytes_.begin() + header_size_);
      input_ = input_.subspan(size);
      header_size_ += size;
      if (header_size_ < compressed_header_size) return Bytes();
      if (const auto error = begin_frame()) return *error;
    }
    const auto piece = header_.uncompressed_length == 0 ? stored()
                       : algorithm_ == Algorithm::zlib  ? inflated()
                                                        : unpacked();
    if (!piece || !piece->empty()) return piece;
    if (mid_frame()) return Bytes();
  }
}

std::optional<Error> Decompressor::begin_frame() {
  header_ = read_compressed_header(header_bytes_.data());
  taken_ = 0;
  made_ = 0;
  ++frames_;
  if (expected_ && header_.sequence_id != *expected_)
    return fail(errc::packets_out_of_order, "sequence_id");
  next_id_ = static_cast<std::uint8_t>(header_.sequence_id + 1);
  expected_ = next_id_;
  const std::uint32_t size =
      header_.uncompressed_length == 0 ? header_.length : header_.uncompressed_length;
  if (size > max_body_) return fail(errc::packet_too_large, "uncompressed_length");
  if (header_.uncompressed_length == 0) return std::nullopt;

  if (!state_) state_ = std::make_unique<State>();
  if (algorithm_ == Algorithm::zstd) {
    if (header_.uncompressed_length > largest_by_zstd(header_.length))
      return fail(errc::bad_value, "uncompressed_length");
    body_.clear();
    return std::nullopt;
  }
  const int code = state_->zlib_open ? inflateReset(&state_->zlib) : inflateInit(&state_->zlib);
  if (code != Z_OK) throw std::bad_alloc();
  state_->zlib_open = true;
  return std::nullopt;
}

Result<Bytes> Decompressor::stored() {
  const auto size = std::min<std::size_t>(input_.size(), header_.length - taken_);
  const Bytes piece = input_.first(size);
  input_ = input_.subspan(size);
  taken_ += static_cast<std::uint32_t>(size);
  if (taken_ == header_.length) end_frame();
  return piece;
}

Result<Bytes> Decompressor::inflated() {
  z_stream& stream = state_->zlib;
  const auto size = std::min<std::size_t>(input_.size(), header_.length - taken_);
  // One byte more than is due: a body that has it lies.
  const std::uint32_t due = header_.uncompressed_length - made_;
  output_.resize(std::min<std::size_t>(piece_size, std::size_t{due} + 1));
  stream.next_in = const_cast<Bytef*>(input_.data());  // zlib does not write to it
  stream.avail_in = static_cast<uInt>(size);
  stream.next_out = output_.data();
  stream.avail_out = static_cast<uInt>(output_.size());
  const int code = inflate(&stream, Z_NO_FLUSH);
  if (code == Z_MEM_ERROR) throw std::bad_alloc();
  const std::size_t consumed = size - stream.avail_in;
  const std::size_t produced = output_.size() - stream.avail_out;
  input_ = input_.subspan(consumed);
  taken_ += static_cast<std::uint32_t>(consumed);
  if (produced > due) return fail(errc::bad_value, "uncompressed_length");
  // Z_BUF_ERROR: nothing to do without more input, or without more room, which there always is.
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
    return fail(errc::bad_value, "body");
  made_ += static_cast<std::uint32_t>(produced);
  const bool whole = taken_ == header_.length;
  if (code == Z_STREAM_END) {
    if (made_ != header_.uncompressed_length) return fail(errc::bad_value, "uncompressed_length");
    if (!whole) return fail(errc::bad_value, "length");
    end_frame();
  } else if (whole && produced == 0) {
    return fail(errc::bad_value, "length");  // the body is over, what it holds is not
  }
  return Bytes(output_).first(produced);
}

Result<Bytes> Decompressor::unpacked() {
  const auto size = std::min<std::size_t>(input_.size(), header_.length - taken_);
  Bytes body = input_.first(size);
  input_ = input_.subspan(size);
  taken_ += static_cast<std::uint32_t>(size);
  const bool whole = taken_ == header_.length;
  if (!whole || !body_.empty()) {
    body_.insert(body_.end(), body.begin(), body.end());
    if (!whole) return Bytes();
    body = body_;
  }
  const auto announced = ZSTD_getFrameContentSize(body.data(), body.size());
  if (announced == ZSTD_CONTENTSIZE_ERROR) return fail(errc::bad_value, "body");
  if (announced != ZSTD_CONTENTSIZE_UNKNOWN && announced != header_.uncompressed_length)
    return fail(errc::bad_value, "uncompressed_length");
  if (state_->zstd == nullptr) state_->zstd = ZSTD_createDCtx();
  if (state_->zstd == nullptr) throw std::bad_alloc();
  output_.resize(header_.uncompressed_length);
  const std::size_t made =
      ZSTD_decompressDCtx(state_->zstd, output_.data(), output_.size(), body.data(), body.size());
  if (ZSTD_isError(made) != 0) return fail(errc::bad_value, "body");
  if (made != header_.uncompressed_length) return fail(errc::bad_value, "uncompressed_length");
  end_frame();
  return Bytes(output_);
}

}  // namespace mysqlwire::compress
