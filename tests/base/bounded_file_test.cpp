#include "base/bounded_file.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/temporary_folder.h"

namespace isthmus {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBytesMax = 64UL * 1024;

class BoundedFileTest : public testing::Test {
  public:
    ~BoundedFileTest() override { ::close(file_); }

  protected:
    void open(int mode) { file_ = ::open(path_.c_str(), mode | O_APPEND | O_CREAT, 0600); }

    // Lines of 32 bytes that say which they are.
    void write_lines(BoundedFile& bounded, int first, int last) const {
        for (int i = first; i <= last; ++i) {
            std::string line = "line " + std::to_string(i);
            line.resize(31, '.');
            line += '\n';
            ASSERT_EQ(::write(file_, line.data(), line.size()), 32);
            bounded.on_written(line.size());
        }
    }

    [[nodiscard]] std::string text() const {
        std::ifstream in(path_);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    TemporaryFolder folder_;
    fs::path path_ = folder_.path() / "log";
    int file_ = -1;
};

TEST_F(BoundedFileTest, KeepsTheNewestLinesWhole) {
    open(O_RDWR);
    BoundedFile bounded(file_, kBytesMax);
    write_lines(bounded, 1, 100'000);
    EXPECT_LE(fs::file_size(path_), kBytesMax + kBytesMax / 32);
    EXPECT_GE(fs::file_size(path_), kBytesMax / 5);
    const std::string now = text();
    EXPECT_TRUE(now.starts_with("line "));
    EXPECT_TRUE(now.contains("line 100000."));
    EXPECT_EQ(now.size() % 32, 0U);
    const int first = std::stoi(now.substr(5));
    EXPECT_EQ(now.size() / 32, static_cast<std::size_t>(100'000 - first + 1)) << "none in between";
}

TEST_F(BoundedFileTest, LeavesASmallOneAlone) {
    open(O_RDWR);
    BoundedFile bounded(file_, kBytesMax);
    write_lines(bounded, 1, 2048);
    EXPECT_EQ(fs::file_size(path_), kBytesMax);
}

TEST_F(BoundedFileTest, EmptiesOneThatItMayNotRead) {
    open(O_WRONLY);
    BoundedFile bounded(file_, kBytesMax);
    write_lines(bounded, 1, 100'000);
    EXPECT_LE(fs::file_size(path_), kBytesMax + kBytesMax / 32);
    EXPECT_TRUE(text().contains("line 100000."));
}

TEST_F(BoundedFileTest, DoesNothingWithoutABoundOrAFile) {
    open(O_RDWR);
    BoundedFile unbounded(file_, 0);
    write_lines(unbounded, 1, 10'000);
    EXPECT_EQ(fs::file_size(path_), 320'000U);
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    BoundedFile pipe(ends[1], 10);
    pipe.on_written(1'000'000);
    ::close(ends[0]);
    ::close(ends[1]);
}

}  // namespace
}  // namespace isthmus
