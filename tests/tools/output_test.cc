// The small parts of ckpt-inspect: how it formats, what it parses, which exit code an error
// becomes.
#include "tests/tools/json_value.h"
#include "tools/document.h"
#include "tools/exit_codes.h"
#include "tools/json.h"
#include "tools/selector.h"
#include "tools/text.h"
#include "tools/text_table.h"
#include "tools/utf8.h"

#include <gtest/gtest.h>

#include <limits>

namespace tidemark::tools {
namespace {

using test::JsonValue;

TEST(TextTest, FormatsBytes) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(FormatBytes(uint64_t{3} << 40), "3.0 TiB");
  EXPECT_EQ(FormatBytes(std::numeric_limits<uint64_t>::max()), "16.0 EiB");
}

TEST(TextTest, FormatsTimes) {
  EXPECT_EQ(FormatTime(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTimeExact(1'700'000'000'007), "2023-11-14T22:13:20.007Z");
  EXPECT_EQ(FormatTimeExact(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatTime(951'782'400'000), "2000-02-29T00:00:00Z");
  EXPECT_EQ(FormatTime(253'402'300'799'999), "9999-12-31T23:59:59Z");
  EXPECT_EQ(FormatTime(253'402'300'800'000), "253402300800000 ms");
  EXPECT_EQ(FormatTime(std::numeric_limits<int64_t>::min()), "-9223372036854775808 ms");
}

TEST(TextTest, FormatsAges) {
  const auto age = [](int64_t seconds) { return FormatAge(0, seconds * 1000); };
  EXPECT_EQ(age(0), "0s");
  EXPECT_EQ(age(119), "119s");
  EXPECT_EQ(age(120), "2m");
  EXPECT_EQ(age(2 * int64_t{3600}), "2h");
  EXPECT_EQ(age(47 * int64_t{3600}), "47h");
  EXPECT_EQ(age(48 * int64_t{3600}), "2d");
  EXPECT_EQ(age(-180), "in 3m");
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(AgeMs(kMin, 1), kMax);
  EXPECT_EQ(AgeMs(kMax, -2), kMin);
  EXPECT_FALSE(FormatAge(kMin, kMax).empty());
  EXPECT_FALSE(FormatAge(kMax, kMin).empty());
}

TEST(TextTest, FormatsDurations) {
  EXPECT_EQ(FormatDuration(999), "999 ns");
  EXPECT_EQ(FormatDuration(1000), "1.0 us");
  EXPECT_EQ(FormatDuration(999'960), "1.0 ms");
  EXPECT_EQ(FormatDuration(1'500'000), "1.5 ms");
  EXPECT_EQ(FormatDuration(61'000'000'000), "61.0 s");
}

TEST(TextTest, ShortensLongListsOfIds) {
  EXPECT_EQ(FormatIds({}, 3), "");
  EXPECT_EQ(FormatIds({1, 2, 3}, 3), "1, 2, 3");
  EXPECT_EQ(FormatIds({1, 2, 3, 9}, 3), "1, 2, ..., 9 (4 in all)");
}

TEST(TextTest, EscapesWhatTerminalsWouldObey) {
  EXPECT_EQ(Printable("plain \\ text"), "plain \\ text");
  EXPECT_EQ(PrintableBytes("a\\b"), "a\\\\b");
  EXPECT_EQ(Printable("\x1b[2J\r\n\t\x7f"), "\\x1b[2J\\x0d\\x0a\\x09\\x7f");
  EXPECT_EQ(Printable("\xc3\xa9"), "\xc3\xa9");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b") << "a control character in UTF-8";
  EXPECT_EQ(Printable("\xe2\x80\xae"), "\\xe2\\x80\\xae") << "right-to-left override";
}

TEST(Utf8Test, AcceptsOnlyShortestForms) {
  const auto bytes = [](std::string_view text) { return DecodeUtf8(text).bytes; };
  EXPECT_EQ(bytes(""), 0u);
  EXPECT_EQ(bytes("a"), 1u);
  EXPECT_EQ(bytes("\xc2\x80"), 2u);
  EXPECT_EQ(DecodeUtf8("\xe2\x82\xac").code_point, 0x20acu);
  EXPECT_EQ(DecodeUtf8("\xf0\x9f\x98\x80").code_point, 0x1f600u);
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    EXPECT_EQ(bytes(bad), 0u) << Printable(bad);
}

TEST(JsonTest, WritesWhatAStrictReaderTakes) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("empty object").BeginObject();
  json.EndObject();
  json.Key("array").BeginArray();
  json.Null();
  json.Bool(true);
  json.Bool(false);
  json.Number(std::numeric_limits<uint64_t>::max());
  json.Signed(-5);
  json.Id(7);
  json.BeginArray();
  json.EndArray();
  json.EndArray();
  json.Key("quote \"").String("a\\b\x01\x7f\n\xff\xc3\xa9");
  json.EndObject();
  EXPECT_TRUE(out.ends_with("}\n"));

  const JsonValue value = JsonValue::Parse(out);
  EXPECT_EQ(value["empty object"].size(), 0u);
  EXPECT_TRUE(value["array"][0].is_null());
  EXPECT_TRUE(value["array"][1].boolean());
  EXPECT_EQ(value["array"][3].number(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(value["array"][5].text(), "7");
  EXPECT_EQ(value["quote \""].text(), "a\\b\x01\x7f\n\xef\xbf\xbd\xc3\xa9");
}

TEST(JsonTest, TheReaderOfTheTestsIsStrict) {
  for (const char* bad :
       {"", "{", "{\"a\":1,}", "{\"a\" 1}", "[1,]", "[01]", "[1.]", "[+1]", "\"\n\"", "\"\\x\"",
        "\"\xff\"", "nul", "{} {}", "{\"a\":1,\"a\":2}", "'a'"})
    EXPECT_THROW(JsonValue::Parse(bad), std::exception) << bad;
  EXPECT_NO_THROW(JsonValue::Parse(" [ -0.5e+3 , \"\\u0041\" ] "));
}

TEST(TableTest, AlignsColumns) {
  TextTable table({{"N", Align::kRight}, {"NAME"}, {"X"}});
  table.AddRow({"1", "\xc3\xa9\xc3\xa9", "a"});
  table.AddRow({"100", "b", ""});
  EXPECT_EQ(table.Render(Style::Plain()), "  N  NAME  X\n  1  \xc3\xa9\xc3\xa9    a\n100  b\n");
}

TEST(SelectorTest, SaysWhatItExpects) {
  EXPECT_EQ(std::get<ById>(ParseSelector("42").value().what).id, 42u);
  EXPECT_EQ(std::get<FromLatest>(ParseSelector("latest").value().what).steps_back, 0u);
  EXPECT_EQ(std::get<FromLatest>(ParseSelector("latest~3").value().what).steps_back, 3u);
  for (const char* bad :
       {"", " 1", "1 ", ".1", "+1", "latest~", "latest~~1", "latest~a", "a b", "1~1"})
    EXPECT_EQ(ParseSelector(bad).error().name(), "checkpoint-selector") << bad;
  for (const char* pin : {"before-1.4", "1x", "LATEST"})
    EXPECT_EQ(std::get<ByPin>(ParseSelector(pin).value().what).name, pin);
}

TEST(ExitCodesTest, EachErrorHasOne) {
  const auto code = [](StatusCode status, std::string_view name = "any") {
    return static_cast<int>(ExitCodeOf(Status(status, name, "")));
  };
  EXPECT_EQ(static_cast<int>(ExitCodeOf(Status::Ok())), 0);
  EXPECT_EQ(code(StatusCode::kNotFound), 5);
  EXPECT_EQ(code(StatusCode::kInvalidArgument), 2);
  EXPECT_EQ(code(StatusCode::kInvalidArgument, "not-a-directory"), 5);
  EXPECT_EQ(code(StatusCode::kUnsupported), 2);
  EXPECT_EQ(code(StatusCode::kCorruption), 4);
  EXPECT_EQ(code(StatusCode::kIncompatibleFormat, "format-newer"), 7);
  EXPECT_EQ(code(StatusCode::kIncompatibleFormat, "not-a-repository"), 5);
  EXPECT_EQ(code(StatusCode::kIncompatibleFormat, "repository-id"), 4);
  EXPECT_EQ(code(StatusCode::kUnavailable), 3);
  EXPECT_EQ(code(StatusCode::kUnavailable, "manifest-moving"), 6);
  EXPECT_EQ(code(StatusCode::kNotFound, "checkpoint-dropped"), 6);
  EXPECT_EQ(code(StatusCode::kResourceExhausted), 3);
  EXPECT_EQ(code(StatusCode::kFenced), 6);
  EXPECT_EQ(code(StatusCode::kBusy), 8);
  EXPECT_EQ(code(StatusCode::kAlreadyExists), 8);
  EXPECT_EQ(code(StatusCode::kClosed), 70);
  EXPECT_EQ(code(StatusCode::kInternal), 70);
}

TEST(ExitCodesTest, TheGraverOneCounts) {
  EXPECT_EQ(Worse(ExitCode::kOk, ExitCode::kNotFound), ExitCode::kNotFound);
  EXPECT_EQ(Worse(ExitCode::kCorruption, ExitCode::kIncomplete), ExitCode::kCorruption);
  EXPECT_EQ(Worse(ExitCode::kNotFound, ExitCode::kIncomplete), ExitCode::kIncomplete);
  EXPECT_EQ(Worse(ExitCode::kCorruption, ExitCode::kInternal), ExitCode::kInternal);
}

TEST(DocumentTest, FindsWhatAMessageExpectedAndGot) {
  const ExpectedAndGot words = FindExpectedAndGot("f: expected 5 bytes, got 4; restore it");
  EXPECT_EQ(words.expected, "5 bytes");
  EXPECT_EQ(words.got, "4");
  EXPECT_EQ(FindExpectedAndGot("expected nothing else").expected, "");
  EXPECT_EQ(FindExpectedAndGot("").got, "");
}

}  // namespace
}  // namespace tidemark::tools
