#include "cli/pcapdecode/frame_filter.hpp"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <utility>

namespace pcapdecode {

using mysqlwire::capture::LinkType;

namespace {

// Files number raw IP in another way than libpcap does.
int number_of(LinkType link) { return link == LinkType::raw ? DLT_RAW : static_cast<int>(link); }

}  // namespace

struct FrameFilter::Program {
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { pcap_freecode(&code); }

  bpf_program code{};  // no instructions: nothing passes
};

FrameFilter::FrameFilter(std::string expression, LinkType link)
    : expression_(std::move(expression)) {
  programs_[link] = compile(link);
}

FrameFilter::~FrameFilter() = default;

std::unique_ptr<FrameFilter::Program> FrameFilter::compile(LinkType link) const {
  constexpr int any_length = 262144;
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> dead(
      pcap_open_dead(number_of(link), any_length), pcap_close);
  if (dead == nullptr) throw std::bad_alloc();
  auto program = std::make_unique<Program>();
  if (pcap_compile(dead.get(), &program->code, expression_.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    throw InputError(fmt::format("capture filter: {}", pcap_geterr(dead.get())));
  return program;
}

bool FrameFilter::passes(const Frame& frame) {
  auto& program = programs_[frame.link];
  if (!program) {
    try {
      program = compile(frame.link);
    } catch (const InputError&) {
      program = std::make_unique<Program>();
    }
  }
  if (program->code.bf_insns == nullptr) return false;
  pcap_pkthdr header{};
  header.caplen = static_cast<bpf_u_int32>(frame.bytes.size());
  header.len = static_cast<bpf_u_int32>(frame.length);
  return pcap_offline_filter(&program->code, &header, frame.bytes.data()) != 0;
}

}  // namespace pcapdecode
