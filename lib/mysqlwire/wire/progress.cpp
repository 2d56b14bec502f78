#include <mysqlwire/wire/progress.hpp>
#include <mysqlwire/wire/reader.hpp>

namespace mysqlwire {

Result<ProgressReport> ProgressReport::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "ProgressReport", context);
  ProgressReport report;
  if (reader.u8("header") != header) reader.fail_at(errc::bad_value, "header", 0);
  if (reader.u16("code") != code) reader.fail_at(errc::bad_value, "code", 1);
  if (reader.u8("strings") != 1) reader.fail_at(errc::bad_value, "strings", 3);
  report.stage = reader.u8("stage");
  report.max_stage = reader.u8("max_stage");
  report.progress = reader.u24("progress");
  report.text = reader.lenenc_text("text");
  return reader.finish(report);
}

void ProgressReport::encode(Writer& writer, const Context&) const {
  writer.u8(header);
  writer.u16(code);
  writer.u8(1);
  writer.u8(stage);
  writer.u8(max_stage);
  writer.u24(progress, "progress");
  writer.lenenc_text(text);
}

}  // namespace mysqlwire
