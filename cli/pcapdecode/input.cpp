#include "cli/pcapdecode/input.hpp"

#include "cli/pcapdecode/frame_filter.hpp"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace pcapdecode {

using mysqlwire::capture::LinkType;

namespace {

constexpr int live_timeout_ms = 100;
constexpr int snap_length = 262144;

// What a file that is no capture is, where it can be told.
std::string_view kind_of(const std::vector<std::uint8_t>& head) {
  struct Magic {
    std::string_view start;
    std::string_view kind;
  };
  static constexpr Magic magics[] = {
      {"\x7f"
       "ELF",
       "a program (ELF)"},
      {"PK\x03\x04", "a ZIP archive"},
      {"snoop", "a snoop capture; editcap turns it into pcapng"},
      {"BZh", "compressed by bzip2"},
      {std::string_view("\xfd"
                        "7zXZ\0",
                        6),
       "compressed by xz"},
      {"\x04\x22\x4d\x18", "compressed by lz4"},
      {"%PDF", "a PDF document"},
      {"\xfe"
       "bin",
       "a binary log of MySQL or MariaDB"},
      {"# Time:", "a slow query log"},
      {"{", "JSON"},
  };
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.empty()) return "empty";
  for (const Magic& magic : magics)
    if (text.starts_with(magic.start)) return magic.kind;
  const bool is_text = std::all_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\n' || c == '\r' ||
           c == '\t';
  });
  return is_text ? "text" : "of an unknown kind";
}

}  // namespace

std::unique_ptr<Capture> Capture::open_file(const std::string& path) {
  std::unique_ptr<Capture> capture(new Capture(path == "-" ? "standard input" : path));
  try {
    capture->source_ = std::make_unique<ByteSource>(path);
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("{}: {}", capture->name_, error.what()));
  }
  const std::vector<std::uint8_t> head = capture->source_->head();
  if (!capture->source_->failure().empty())
    throw InputError(fmt::format("{}: {}", capture->name_, capture->source_->failure()));
  const auto starts = [&](std::string_view magic) {
    return head.size() >= magic.size() && std::memcmp(head.data(), magic.data(), magic.size()) == 0;
  };
  capture->is_pcapng_ = starts("\x0a\x0d\x0d\x0a");
  if (starts("\x4d\x3c\xb2\xa1") || starts("\xa1\xb2\x3c\x4d")) capture->digits_ = 9;
  Capture* self = capture.get();
  ByteSource::Look look;
  if (capture->is_pcapng_)
    look = [self](std::uint8_t* data, std::size_t size) { return self->blocks_.pass(data, size); };
  std::FILE* file = capture->source_->open(std::move(look));
  char error[PCAP_ERRBUF_SIZE] = "";
  capture->pcap_ =
      pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
  if (capture->pcap_ == nullptr) {
    std::fclose(file);
    const bool is_capture = capture->is_pcapng_ || starts("\xd4\xc3\xb2\xa1") ||
                            starts("\xa1\xb2\xc3\xd4") || capture->digits_ == 9;
    throw InputError(
        is_capture ? fmt::format("{}: {}", capture->name_, error)
                   : fmt::format("{}: no capture file: it is {}", capture->name_, kind_of(head)));
  }
  capture->link_ = capture->is_pcapng_ ? capture->blocks_.first_link()
                                       : static_cast<LinkType>(pcap_datalink(capture->pcap_));
  if (!mysqlwire::capture::is_supported(capture->link_) && !capture->blocks_.has_supported()) {
    const char* name = pcap_datalink_val_to_name(static_cast<int>(capture->link_));
    throw InputError(fmt::format("{}: frames of link type {} can't be read", capture->name_,
                                 name != nullptr ? name : "unknown"));
  }
  return capture;
}

std::unique_ptr<Capture> Capture::open_interface(const std::string& name) {
  std::unique_ptr<Capture> capture(new Capture(name));
  capture->is_live_ = true;
  char error[PCAP_ERRBUF_SIZE] = "";
  capture->pcap_ = pcap_create(name.c_str(), error);
  if (capture->pcap_ == nullptr) throw InputError(fmt::format("{}: {}", name, error));
  pcap_set_snaplen(capture->pcap_, snap_length);
  pcap_set_promisc(capture->pcap_, 0);
  pcap_set_timeout(capture->pcap_, live_timeout_ms);
  pcap_set_immediate_mode(capture->pcap_, 1);
  const bool is_fine = pcap_set_tstamp_precision(capture->pcap_, PCAP_TSTAMP_PRECISION_NANO) == 0;
  if (const int status = pcap_activate(capture->pcap_); status < 0)
    throw InputError(
        fmt::format("{}: {} {}", name, pcap_statustostr(status), pcap_geterr(capture->pcap_)));
  capture->digits_ = is_fine ? 9 : 6;
  capture->link_ = static_cast<LinkType>(pcap_datalink(capture->pcap_));
  if (!mysqlwire::capture::is_supported(capture->link_))
    throw InputError(fmt::format("{}: its frames can't be read", name));
  return capture;
}

Capture::Capture(std::string name) : name_(std::move(name)) {}

Capture::~Capture() {
  if (pcap_ != nullptr) pcap_close(pcap_);
}

void Capture::set_filter(const std::string& expression) {
  if (!is_live_) {
    const bool is_readable = mysqlwire::capture::is_supported(link_);
    filter_ = std::make_unique<FrameFilter>(expression, is_readable ? link_ : LinkType::ethernet);
    return;
  }
  bpf_program program{};  // for the kernel
  if (pcap_compile(pcap_, &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    throw InputError(fmt::format("capture filter: {}", pcap_geterr(pcap_)));
  const int result = pcap_setfilter(pcap_, &program);
  pcap_freecode(&program);
  if (result != 0) throw InputError(fmt::format("capture filter: {}", pcap_geterr(pcap_)));
}

bool Capture::next(Frame& frame) {
  do {
    if (!read(frame)) return false;
  } while (filter_ && !filter_->passes(frame));
  return true;
}

bool Capture::read(Frame& frame) {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  for (;;) {
    const int result = pcap_next_ex(pcap_, &header, &bytes);
    if (result == 0) continue;  // nothing yet, live
    if (result != 1) {
      if (source_ && source_->stopped()) return false;
      if (result == PCAP_ERROR) cut_ = pcap_geterr(pcap_);
      if (source_ && !source_->failure().empty()) cut_ = source_->failure();
      return false;
    }
    break;
  }
  frame.link = is_pcapng_ ? blocks_.next_link() : link_;
  frame.bytes = {bytes, header->caplen};
  frame.length = header->len;
  // tv_usec holds nanoseconds: that precision was asked for.
  const bool is_fine = pcap_get_tstamp_precision(pcap_) == PCAP_TSTAMP_PRECISION_NANO;
  // A file can claim any time; those up to 2096 are told apart, and the difference of two fits.
  constexpr std::int64_t last_second = 4'000'000'000;
  // A pcap has 32 bits for the seconds, which libpcap takes for a signed number.
  const bool is_pcap = source_ && !is_pcapng_;
  const std::int64_t claimed =
      is_pcap ? static_cast<std::uint32_t>(header->ts.tv_sec) : std::int64_t{header->ts.tv_sec};
  const std::int64_t seconds = std::clamp<std::int64_t>(claimed, -last_second, last_second);
  frame.time = seconds * 1'000'000'000 +
               static_cast<std::int64_t>(header->ts.tv_usec) * (is_fine ? 1 : 1000);
  return true;
}

void Capture::on_wait(std::function<void()> call) {
  if (source_) source_->on_wait(std::move(call));
}

void Capture::interrupt() {
  if (source_) source_->stop();
  pcap_breakloop(pcap_);
}

unsigned Capture::digits() const noexcept { return blocks_.has_nanoseconds() ? 9 : digits_; }

std::string Capture::take_secrets() { return blocks_.take_secrets(); }

double Capture::progress() const noexcept {
  if (!source_ || source_->size() == 0) return -1;
  return static_cast<double>(source_->position()) / static_cast<double>(source_->size());
}

void Captures::add(std::unique_ptr<Capture> capture) {
  captures_.push_back(std::move(capture));
  heads_.emplace_back();
  has_head_.push_back(false);
}

bool Captures::next(Frame& frame) {
  if (captures_.size() == 1) return captures_.front()->next(frame);
  if (taken_ == ~std::size_t{0}) {
    for (std::size_t i = 0; i < captures_.size(); ++i) has_head_[i] = captures_[i]->next(heads_[i]);
  } else {
    has_head_[taken_] = captures_[taken_]->next(heads_[taken_]);
  }
  std::size_t first = ~std::size_t{0};
  for (std::size_t i = 0; i < captures_.size(); ++i)
    if (has_head_[i] && (first == ~std::size_t{0} || heads_[i].time < heads_[first].time))
      first = i;
  if (first == ~std::size_t{0}) return false;
  taken_ = first;
  frame = heads_[first];
  return true;
}

}  // namespace pcapdecode
