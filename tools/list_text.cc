#include "tools/list_report.h"
#include "tools/text.h"
#include "tools/text_table.h"

#include <utility>

namespace tidemark::tools {
namespace {

std::string Remarks(const ListedCheckpoint& listed) {
  std::string remarks = listed.IsLatest() ? "latest" : "";
  for (const std::string& pin : listed.pins)
    remarks.append(remarks.empty() ? "" : ", ").append("pin " + pin);
  return remarks;
}

std::vector<std::string> Row(const ListedCheckpoint& listed, int64_t now_ms) {
  const format::Checkpoint& checkpoint = listed.checkpoint;
  const format::Base* const base = listed.base();
  return {std::to_string(checkpoint.id),
          std::to_string(listed.list.subtask),
          FormatTime(checkpoint.time_ms),
          FormatAge(checkpoint.time_ms, now_ms),
          base == nullptr ? "-" : std::to_string(base->at.epoch),
          std::to_string(checkpoint.segments.size()),
          std::to_string(checkpoint.records),
          FormatBytes(checkpoint.net_change_bytes),
          FormatBytes(checkpoint.log_bytes),
          listed.freed_bytes ? FormatBytes(*listed.freed_bytes) : "?",
          Remarks(listed)};
}

std::string Checkpoints(const Listing& listing, Console* console) {
  const bool is_single = listing.catalog.subtasks.size() == 1;
  TextTable table({{"ID", Align::kRight},
                   {"SUBTASK", Align::kRight, is_single ? 5 : 0},
                   {"TIME", Align::kLeft, 1},
                   {"AGE", Align::kRight},
                   {"BASE", Align::kRight, 4},
                   {"SEGMENTS", Align::kRight, 2},
                   {"KEYS", Align::kRight},
                   {"LOGICAL", Align::kRight, 3},
                   {"ADDED", Align::kRight},
                   {"FREED", Align::kRight},
                   {""}});
  const int64_t now_ms = NowMs();
  for (const ListedCheckpoint& listed : listing.checkpoints) table.AddRow(Row(listed, now_ms));
  if (table.empty()) return {};
  return RenderToFit(std::move(table), console);
}

std::string Pins(const Listing& listing, const Style& style) {
  TextTable table({{"PIN"},
                   {"CHECKPOINT", Align::kRight},
                   {"AGE", Align::kRight},
                   {"FREED", Align::kRight},
                   {"REASON"}});
  const int64_t now_ms = NowMs();
  for (const ListedPin& listed : listing.pins) {
    const std::string remark = listed.listed ? "" : "(kept by the pin alone) ";
    table.AddRow({listed.pin.name, std::to_string(listed.pin.checkpoint),
                  FormatAge(listed.pin.created_ms, now_ms), FormatBytes(listed.freed_bytes),
                  remark + Printable(listed.pin.reason)});
  }
  return table.empty() ? "" : "\n" + table.Render(style);
}

}  // namespace

std::string ListAsText(const Listing& listing, Console* console) {
  return Checkpoints(listing, console) + Pins(listing, console->style());
}

}  // namespace tidemark::tools
