// ckpt-inspect report: a page that says what the other commands say, and that a browser shows.
#include "tests/tools/store_repository.h"

#include <cstdlib>

namespace tidemark::test {
namespace {

class ReportTest : public JobFixture {
 protected:
  const std::string page_ = directory_ / "report.html";

  static size_t Count(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++count;
    return count;
  }
};

TEST_F(ReportTest, ShowsCheckpointsFilesChangesAndAVerification) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "5", "five&<six>"}).exit_code, 2);
  ASSERT_EQ(Inspect({"pin", path_, "5", "five"}).exit_code, 0);
  const Tree before = LookAt(path_);
  const Outcome report = Inspect({"report", path_, "-o", page_, "--level", "checksum"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_EQ(report.out, "");
  EXPECT_TRUE(LookAt(path_) == before);
  const std::string html = ReadFile(page_);
  EXPECT_EQ(Count(html, "<svg "), 3u);
  EXPECT_EQ(Count(html, "<svg "), Count(html, "</svg>"));
  EXPECT_EQ(Count(html, "<title>checkpoint "), 2 * 9u) << "a bar a checkpoint in two pictures";
  EXPECT_CONTAINS(html, "<td>five</td>");
  EXPECT_CONTAINS(html, "<td>counts</td><td>value</td>");
  EXPECT_CONTAINS(html, "Nothing is wrong with what was checked. Level checksum: ");
  EXPECT_LACKS(html, "http");
  EXPECT_LACKS(html, "<script");
}

TEST_F(ReportTest, SaysWhatIsDamaged) {
  MakeJob();
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/subtasks/00000/base"))
    if (entry.path().extension() == ".meta") FlipByte(entry.path(), 50);
  const Outcome report = Inspect({"report", path_, "-o", page_, "--level", "checksum", "--json"});
  EXPECT_EQ(report.exit_code, 4) << report.err;
  EXPECT_EQ(report.json()["schema"].text(), "tidemark.report/1");
  EXPECT_EQ(report.json()["output"].text(), page_);
  const std::string html = ReadFile(page_);
  EXPECT_CONTAINS(html, "<p class=\"bad\">Damaged. ");
  EXPECT_CONTAINS(html, "file-checksum");
  EXPECT_EQ(Inspect({"report", path_, "-o", directory_ / "no/such/place"}).exit_code, 4);
}

// What a browser makes of it. Its own tree has all rectangles, in which nothing was cut off or
// repaired, and there is a picture.
TEST_F(ReportTest, ABrowserShowsIt) {
  if (std::system("command -v chromium >/dev/null") != 0) GTEST_SKIP() << "there is no chromium";
  MakeJob();
  ASSERT_EQ(Inspect({"report", path_, "-o", page_}).exit_code, 0);
  const std::string browser =
      "cd " + std::string(directory_ / "") +
      " && HOME=$PWD timeout 60 chromium --headless --no-sandbox --disable-gpu ";
  ASSERT_EQ(
      std::system((browser + "--dump-dom file://" + page_ + " > dom.html 2>/dev/null").c_str()), 0);
  const std::string dom = ReadFile(directory_ / "dom.html");
  const std::string html = ReadFile(page_);
  EXPECT_GT(Count(html, "<rect "), 50u);
  EXPECT_EQ(Count(dom, "<rect "), Count(html, "<rect "));
  EXPECT_EQ(Count(dom, "<tr>"), Count(html, "<tr>"));
  for (const char* size : {"400,1600", "1200,1600"}) {
    ASSERT_EQ(std::system((browser + "--window-size=" + size + " --screenshot=page.png file://" +
                           page_ + " 2>/dev/null")
                              .c_str()),
              0);
    const std::string png = ReadFile(directory_ / "page.png");
    EXPECT_TRUE(png.starts_with("\x89PNG"));
    EXPECT_GT(png.size(), 20'000u) << "an empty page takes less";
  }
}

}  // namespace
}  // namespace tidemark::test
