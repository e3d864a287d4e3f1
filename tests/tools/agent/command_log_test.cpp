#include "tools/agent/command_log.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/temporary_folder.h"

namespace isthmus::agent {
namespace {

class CommandLogTest : public testing::Test {
  protected:
    [[nodiscard]] CommandLog open() const { return CommandLog::open(path_).value(); }

    TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "commands.json";
};

TEST_F(CommandLogTest, RemembersWhatWasTakenAndHowItEnded) {
    CommandLog log = open();
    EXPECT_EQ(log.last_sequence(), 0U);
    ASSERT_TRUE(log.take(7, "a"));
    ASSERT_TRUE(log.note_sequence(9));
    CommandRecord* const record = log.find("a");
    ASSERT_NE(record, nullptr);
    record->state = CommandState::kFailed;
    record->message = "why";
    record->result = {{"lines", 3}};
    record->reported = true;
    ASSERT_TRUE(log.save());

    CommandLog again = open();
    EXPECT_EQ(again.last_sequence(), 9U);
    ASSERT_NE(again.find("a"), nullptr);
    EXPECT_EQ(again.find("a")->state, CommandState::kFailed);
    EXPECT_EQ(again.find("a")->message, "why");
    EXPECT_EQ(again.find("a")->result.at("lines").as_int64(), 3);
    EXPECT_TRUE(again.find("a")->reported);
    EXPECT_EQ(again.find("b"), nullptr);
}

TEST_F(CommandLogTest, IsBounded) {
    CommandLog log = open();
    for (std::size_t i = 0; i <= kCommandsKept; ++i) {
        ASSERT_TRUE(log.take(i + 1, std::to_string(i)));
    }
    EXPECT_EQ(log.find("0"), nullptr);
    EXPECT_NE(log.find("1"), nullptr);
    EXPECT_EQ(log.records().size(), kCommandsKept);
}

TEST_F(CommandLogTest, IsNotTakenForEmptyWhereItIsDamaged) {
    for (const std::string text : {"",
                                   "{",
                                   "{}",
                                   R"({"last_sequence":-1,"commands":[]})",
                                   R"({"last_sequence":1,"commands":[{"id":"a"}]})"}) {
        std::ofstream(path_) << text;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_read);
        const auto opened = CommandLog::open(path_);
        ASSERT_FALSE(opened) << text;
        EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
        std::filesystem::remove(path_);
    }
}

}  // namespace
}  // namespace isthmus::agent
