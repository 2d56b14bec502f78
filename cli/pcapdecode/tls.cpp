#include "cli/pcapdecode/tls.hpp"

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {
class Closed final : public TlsReader {
 public:
  void feed(Direction, Bytes, Buffer&) override {}
  void lose(Direction) override {}
  bool established() const override { return false; }
  const TlsInfo& info() const override { return info_; }

 private:
  TlsInfo info_;
};
}  // namespace

std::unique_ptr<TlsReader> make_tls_reader(const KeyLog&) { return std::make_unique<Closed>(); }

}  // namespace pcapdecode
