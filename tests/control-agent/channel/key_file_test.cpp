#include "control-agent/channel/key_file.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/temporary_folder.h"

namespace isthmus::channel {
namespace {

namespace fs = std::filesystem;

class KeyFileTest : public ::testing::Test {
  protected:
    TemporaryFolder temporary_;
    fs::path folder_ = temporary_.path();
    fs::path file_ = folder_ / "node.key";
};

TEST_F(KeyFileTest, IsReadableByItsOwnerAlone) {
    ASSERT_TRUE(write_private_file(file_, "one").has_value());
    ASSERT_TRUE(write_private_file(file_, "two").has_value());
    EXPECT_EQ(read_private_file(file_), "two");
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_FALSE(fs::exists(folder_ / "node.key.new"));
}

TEST_F(KeyFileTest, RefusesASecretThatOthersMayRead) {
    ASSERT_TRUE(write_private_file(file_, "one").has_value());
    fs::permissions(file_, fs::perms::group_read, fs::perm_options::add);
    EXPECT_EQ(read_private_file(file_).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(KeyFileTest, SaysWhatIsWrongWithAPath) {
    EXPECT_EQ(read_private_file(file_).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(read_private_file(folder_).error().code, ErrorCode::kInvalidArgument);
    ASSERT_TRUE(write_private_file(file_, "12345").has_value());
    EXPECT_EQ(read_private_file(file_, 4).error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(write_private_file(folder_ / "absent" / "node.key", "x").has_value());
}

}  // namespace
}  // namespace isthmus::channel
