#include "control-agent/outbox/outbox.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/temporary_folder.h"

namespace isthmus::outbox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace fs = std::filesystem;

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::size_t kMany = 1'000'000;

// No file may grow beyond `bytes` meanwhile: to a program the same as a full disk.
class FullDisk {
  public:
    explicit FullDisk(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }

    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

  private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

class OutboxTest : public testing::Test {
  protected:
    void open(OutboxConfig config = {}) {
        outbox_.reset();
        config.path = path_;
        outbox_ = std::make_unique<Outbox>(config, now_);
    }

    Result<void> append(const std::string& body, const std::string& kind = "usage") {
        return outbox_->append(now_, kind, body);
    }

    [[nodiscard]] std::vector<std::string> bodies() {
        std::vector<std::string> found;
        for (const OutboxEntry& entry : outbox_->read(now_, 0, kMany, kMany)) {
            found.push_back(entry.body);
        }
        return found;
    }

    void acknowledge(std::uint64_t sequence) {
        outbox_->acknowledge(now_, outbox_->state().epoch, sequence);
    }

    std::int64_t now_ = kNow;
    TemporaryFolder folder_;
    fs::path path_ = folder_.path() / "outbox.db";
    std::unique_ptr<Outbox> outbox_;
};

TEST_F(OutboxTest, KeepsWhatItWasGivenInOrder) {
    open();
    EXPECT_TRUE(append("one"));
    ++now_;
    EXPECT_TRUE(append("two", "alarm.raised"));
    EXPECT_THAT(outbox_->read(now_, 0, 10, kMany),
                ElementsAre(OutboxEntry{1, kNow, "usage", "one"},
                            OutboxEntry{2, kNow + 1, "alarm.raised", "two"}));
    EXPECT_THAT(outbox_->read(now_, 1, 10, kMany), SizeIs(1));
    EXPECT_THAT(outbox_->read(now_, 0, 1, kMany), SizeIs(1));
    EXPECT_THAT(outbox_->read(now_, 0, 10, 1), SizeIs(1))
        << "one at least, or it would wait for ever";
    EXPECT_EQ(outbox_->state().entries, 2U);
    EXPECT_EQ(outbox_->state().bytes, 8U + 15U);
}

TEST_F(OutboxTest, LetsGoOnlyOfWhatIsAcknowledged) {
    open();
    for (const char* const body : {"a", "b", "c"}) {
        EXPECT_TRUE(append(body));
    }
    acknowledge(2);
    EXPECT_THAT(bodies(), ElementsAre("c"));
    outbox_->acknowledge(now_, outbox_->state().epoch + 1, 3);
    EXPECT_THAT(bodies(), ElementsAre("c")) << "that was of another epoch";
    acknowledge(2);
    acknowledge(~std::uint64_t{0});
    EXPECT_THAT(bodies(), IsEmpty());
    EXPECT_EQ(outbox_->state().bytes, 0U);
}

TEST_F(OutboxTest, SurvivesItsProgram) {
    open();
    EXPECT_TRUE(append("a"));
    EXPECT_TRUE(append("b"));
    const std::uint64_t epoch = outbox_->state().epoch;
    now_ += 1000;
    open();
    EXPECT_EQ(outbox_->state().epoch, epoch);
    EXPECT_THAT(bodies(), ElementsAre("a", "b"));
}

// The hub would take a number that it has seen for an entry that it has.
TEST_F(OutboxTest, NeverGivesANumberTwice) {
    open();
    EXPECT_TRUE(append("a"));
    EXPECT_TRUE(append("b"));
    acknowledge(2);
    open();
    EXPECT_TRUE(append("c"));
    EXPECT_EQ(outbox_->read(now_, 0, 1, kMany).at(0).sequence, 3U);
}

TEST_F(OutboxTest, IsForItsOwnerOnly) {
    open();
    EXPECT_TRUE(append("a"));
    EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(OutboxTest, IsOneAgentsAtATime) {
    open();
    EXPECT_TRUE(append("a"));
    Outbox second({.path = path_}, now_);
    EXPECT_THAT(second.state().fault, HasSubstr("locked"));
    EXPECT_TRUE(second.append(now_, "usage", "b")) << "it waits";
    EXPECT_EQ(second.state().waiting, 1U);
    outbox_.reset();
    second.flush(now_);
    EXPECT_THAT(second.read(now_, 0, 10, kMany), SizeIs(2));
    EXPECT_EQ(second.state().fault, "");
}

TEST_F(OutboxTest, WarnsBeforeItDrops) {
    open({.entries_max = 100});
    int entries = 0;
    while (!outbox_->state().near_full) {
        ASSERT_TRUE(append("x"));
        ASSERT_LE(++entries, 80);
    }
    EXPECT_EQ(entries, 80);
    while (append("x")) {
        ASSERT_LE(++entries, 95);
    }
    EXPECT_EQ(entries, 95);
    EXPECT_EQ(outbox_->state().dropped, 1U);
    // Alarms still find room.
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(append("x", "alarm.raised"));
    }
    EXPECT_FALSE(append("x", "alarm.raised"));
    EXPECT_EQ(outbox_->state().entries, 100U);
}

TEST_F(OutboxTest, CountsItsBytesToo) {
    open({.bytes_max = 1000, .entry_bytes_max = 500});
    EXPECT_TRUE(append(std::string(400, 'x')));
    EXPECT_TRUE(append(std::string(400, 'x')));
    EXPECT_TRUE(outbox_->state().near_full);
    EXPECT_FALSE(append(std::string(400, 'x')));
    EXPECT_FALSE(append(std::string(501, 'x'))) << "no entry may be as long";
    EXPECT_EQ(outbox_->state().dropped, 2U);
}

TEST_F(OutboxTest, TellsWhatItDroppedOnceThereIsRoom) {
    open({.entries_max = 20});
    while (append("x")) {
    }
    const std::int64_t first = now_;
    now_ += 5000;
    EXPECT_FALSE(append("y"));
    const std::int64_t last = now_;
    // A restart does not forget it.
    open({.entries_max = 20});
    EXPECT_EQ(outbox_->state().dropped, 2U);
    acknowledge(10);
    EXPECT_TRUE(append("z"));
    const auto entries = outbox_->read(now_, 0, kMany, kMany);
    ASSERT_GE(entries.size(), 2U);
    EXPECT_EQ(entries.back().body, "z");
    const OutboxEntry& told = entries.at(entries.size() - 2);
    EXPECT_EQ(told.kind, kDroppedKind);
    EXPECT_EQ(told.body,
              R"({"entries":2,"from_ms":)" + std::to_string(first) + R"(,"to_ms":)" +
                  std::to_string(last) + "}");
    EXPECT_EQ(outbox_->state().dropped, 0U);
    open({.entries_max = 20});
    EXPECT_EQ(outbox_->state().dropped, 0U);
}

TEST_F(OutboxTest, WaitsForADiskThatIsFull) {
    open({.waiting_max = 3});
    EXPECT_TRUE(append("a"));
    {
        const FullDisk full(fs::file_size(path_.string() + "-wal"));
        EXPECT_TRUE(append("b"));
        EXPECT_TRUE(append("c"));
        EXPECT_THAT(outbox_->state().fault, testing::Not(IsEmpty()));
        EXPECT_EQ(outbox_->state().waiting, 2U);
        EXPECT_THAT(bodies(), ElementsAre("a")) << "nothing is sent that is not on disk";
        EXPECT_TRUE(append("d"));
        EXPECT_FALSE(append("e"));
        EXPECT_EQ(outbox_->state().dropped, 1U);
    }
    outbox_->flush(now_);
    EXPECT_EQ(outbox_->state().fault, "");
    EXPECT_EQ(outbox_->state().waiting, 0U);
    EXPECT_THAT(
        bodies(),
        ElementsAre(
            "a", R"({"entries":1,"from_ms":1800000000000,"to_ms":1800000000000})", "b", "c", "d"));
}

TEST_F(OutboxTest, BeginsOnADiskThatIsFull) {
    {
        const FullDisk full(0);
        open();
        EXPECT_EQ(outbox_->state().epoch, 0U);
        EXPECT_TRUE(append("a"));
        EXPECT_THAT(bodies(), IsEmpty());
    }
    outbox_->flush(now_);
    EXPECT_THAT(bodies(), ElementsAre("a"));
}

TEST_F(OutboxTest, SaysWhyItHasNoFile) {
    path_ = folder_.path() / "missing" / "outbox.db";
    open();
    EXPECT_THAT(outbox_->state().fault, HasSubstr("missing/outbox.db: unable to open"));
}

void overwrite(const fs::path& path, std::streamoff at, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
}

TEST_F(OutboxTest, SetsADamagedFileAside) {
    open();
    for (int i = 0; i < 30; ++i) {
        ASSERT_TRUE(append(std::string(2000, 'x')));
    }
    const std::uint64_t epoch = outbox_->state().epoch;
    outbox_.reset();
    overwrite(path_, 8192, std::string(4096, '\xa5'));
    open();
    EXPECT_EQ(outbox_->state().fault, "");
    EXPECT_TRUE(fs::exists(outbox_->state().set_aside));
    EXPECT_THAT(bodies(), IsEmpty());
    EXPECT_TRUE(append("new"));
    // The clock stands still, and it is another epoch all the same.
    EXPECT_GE(outbox_->state().epoch, epoch);
}

TEST_F(OutboxTest, SetsAsideWhatIsNoDatabase) {
    std::ofstream(path_) << std::string(10'000, 'y');
    open();
    EXPECT_TRUE(append("a"));
    EXPECT_THAT(bodies(), ElementsAre("a"));
    EXPECT_THAT(outbox_->state().set_aside.string(), HasSubstr("outbox.db.damaged-1800000000"));
}

TEST_F(OutboxTest, FindsTheDamageWhileItRuns) {
    open();
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(append(std::string(4000, 'x')));
    }
    open();  // moves everything from the log into the file
    const std::uint64_t epoch = outbox_->state().epoch;
    overwrite(path_, 4096, std::string(fs::file_size(path_) - 4096, '\xa5'));
    std::vector<OutboxEntry> read = outbox_->read(now_, 0, kMany, 100 * kMany);
    EXPECT_THAT(read, IsEmpty());
    EXPECT_GT(outbox_->state().epoch, epoch);
    EXPECT_TRUE(fs::exists(outbox_->state().set_aside));
    EXPECT_TRUE(append("new"));
    EXPECT_THAT(bodies(), ElementsAre("new"));
}

}  // namespace
}  // namespace isthmus::outbox
