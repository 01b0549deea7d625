// The examples of docs/FORMAT.md are what the code writes. With TIDEMARK_WRITE_GOLDEN=1 they are
// written there; otherwise they are compared.
#include "format/key.h"
#include "tests/format/golden.h"
#include "tests/test_paths.h"

#include <tidemark/codec.h>

#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>

namespace tidemark::format::golden {
namespace {

using namespace std::string_view_literals;

const std::string kPath = TIDEMARK_SOURCE_DIR "/docs/FORMAT.md";

// Lines of sixteen bytes: offset, hex, characters.
std::string Dump(std::string_view bytes) {
  std::string dump;
  for (size_t at = 0; at < bytes.size(); at += 16) {
    const std::string_view line = bytes.substr(at, 16);
    char text[24];
    std::snprintf(text, sizeof(text), "%04zx ", at);
    dump += text;
    for (size_t i = 0; i < 16; ++i) {
      if (i % 8 == 0) dump += ' ';
      if (i < line.size())
        std::snprintf(text, sizeof(text), "%02x ", static_cast<uint8_t>(line[i]));
      dump += i < line.size() ? text : "   ";
    }
    dump += ' ';
    for (const char c : line) dump += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '.';
    dump += '\n';
  }
  return dump;
}

// The block of code behind the line `<!-- example: name -->`.
void ExpectExample(const std::string& name, std::string_view bytes) {
  std::string page = ReadText(kPath);
  const std::string start = "<!-- example: " + name + " -->\n```text\n";
  const size_t marker = page.find(start);
  ASSERT_NE(marker, std::string::npos) << kPath << " has no example " << name;
  const size_t begin = marker + start.size();
  const size_t end = page.find("```", begin);
  ASSERT_NE(end, std::string::npos);
  if (IsWriting()) {
    page.replace(begin, end - begin, Dump(bytes));
    WriteText(kPath, page);
    return;
  }
  EXPECT_EQ(page.substr(begin, end - begin), Dump(bytes)) << "the example " << name;
}

TEST(FormatDocTest, RepositoryFile) {
  ExpectExample("FORMAT", EncodeRepositoryInfo(Repository()).value());
}

TEST(FormatDocTest, ChangeBatch) {
  const std::vector<Record> records = {
      {.key = "\0\x55word"sv, .value = "1", .epoch = 45, .op = Op::kInsert},
      {.key = "\0\x55work"sv, .value = "22", .epoch = 44, .op = Op::kPut}};
  ExpectExample("change batch", EncodeRecords(records, Compression::kNone));
}

TEST(FormatDocTest, KeysAndValues) {
  std::string key;
  AppendStoredKey(KeyGroupOf(HashKey("word"), 128), "word", &key);
  ExpectExample("stored key", key);
  ExpectExample("entry key", EncodeSegmentKey(45, 9, key));
  std::string value;
  AppendValueHeader(1'700'000'000'000, &value);
  ExpectExample("stored value", value + "1");
}

TEST(FormatDocTest, MarkAndSegmentHeader) {
  ExpectExample("applied mark", EncodeAppliedMark(Mark()));
  ExpectExample("segment header", EncodeSegmentHeader(Header()));
}

TEST(FormatDocTest, ManifestVersion) {
  ExpectExample("manifest version", EncodeManifestVersion(SmallVersion()).value());
}

TEST(FormatDocTest, Codecs) {
  const auto encoded = []<class T>(const T& value) {
    typename Codec<T>::Buffer buffer;
    return std::string(Codec<T>::Encode(value, buffer));
  };
  std::string bytes = encoded(uint32_t{258});
  for (const int32_t number : {258, -1}) bytes += encoded(number);
  ExpectExample("integers", bytes);
  ExpectExample("struct", encoded(1.5));
}

}  // namespace
}  // namespace tidemark::format::golden
