#include "tools/quantity.h"

#include "tools/text_table.h"

#include <gtest/gtest.h>

namespace tidemark::tools {
namespace {

using std::chrono::milliseconds;

TEST(QuantityTest, ReadsBytes) {
  EXPECT_EQ(ParseBytes("17").value(), 17u);
  EXPECT_EQ(ParseBytes("0B").value(), 0u);
  EXPECT_EQ(ParseBytes("20GiB").value(), uint64_t{20} << 30);
  EXPECT_EQ(ParseBytes("1.5 KiB").value(), 1536u);
  EXPECT_EQ(ParseBytes("0.1B").value(), 1u) << "not less than was asked for";
  EXPECT_EQ(ParseBytes("2MB").value(), 2'000'000u);
  for (const char* text :
       {"", "B", "-1", "1e3", "nan", "inf", "20 parsecs", "9EiBs", "100EiB", " 1"})
    EXPECT_EQ(ParseBytes(text).error().name(), "byte-amount") << text;
}

TEST(QuantityTest, ReadsSpans) {
  EXPECT_EQ(ParseSpan("500ms").value(), milliseconds(500));
  EXPECT_EQ(ParseSpan("90s").value(), milliseconds(90'000));
  EXPECT_EQ(ParseSpan("1.5h").value(), milliseconds(5'400'000));
  EXPECT_EQ(ParseSpan("2w").value(), milliseconds(14 * 86'400'000));
  for (const char* text : {"", "7", "d", "-1d", "7 days", "99999999999999w"})
    EXPECT_EQ(ParseSpan(text).error().name(), "time-span") << text;
}

TEST(TextTableTest, LeavesOutWhatHasNoRoom) {
  TextTable table({{"ID"}, {"TIME", Align::kLeft, 1}, {"BASE", Align::kLeft, 2}});
  table.AddRow({"1", "2023-11-14T22:13:30Z", "7"});
  EXPECT_TRUE(TextTable(table).Fit(30).empty());
  EXPECT_EQ(table.Fit(29), std::vector<std::string>{"BASE"});
  EXPECT_EQ(table.Render(Style::Plain()), "ID  TIME\n1   2023-11-14T22:13:30Z\n");
  EXPECT_EQ(table.Fit(1), std::vector<std::string>{"TIME"}) << "and what must stay stays";
}

}  // namespace
}  // namespace tidemark::tools
