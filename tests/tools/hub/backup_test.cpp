// A hub in one file, and back: on an empty machine every node comes back as it is.
#include "tools/hub/backup.h"

#include <filesystem>
#include <fstream>

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include "tests/tools/hub/hub_fixture.h"

namespace isthmus::hub {
namespace {

namespace fs = std::filesystem;

class BackupTest : public HubFixture {
  protected:
    fs::path file_ = folder_.path() / "backup";

    [[nodiscard]] BackupPlace place(const std::string& passphrase = "") const {
        return {.data = data_, .database = {}, .passphrase = passphrase};
    }
};

TEST_F(BackupTest, BringsEveryNodeBackWithoutEnrolment) {
    const auto agent = connect_node("node");
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 1; }));
    // While the hub runs.
    const auto kept = back_up(place("a passphrase"), file_);
    ASSERT_TRUE(kept.has_value()) << kept.error().message;
    EXPECT_EQ(kept->nodes, 1);
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    // More happens, which the backup does not know.
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() == 2; }));
    stop_hub();
    ASSERT_TRUE(run_until([&] { return agent->closed(); }));
    fs::remove_all(data_);

    EXPECT_EQ(restore(place("another"), file_).error().code, ErrorCode::kPermissionDenied);
    const auto back = restore(place("a passphrase"), file_);
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_EQ(back->rows, kept->rows);
    EXPECT_EQ(restore(place("a passphrase"), file_).error().code, ErrorCode::kConflict);
    start_hub();
    // Sessions are part of it; the old token still opens.
    EXPECT_EQ(call("GET", "/v1/hybrid/nodes/node").status, 200U);
    agent->connect();
    ASSERT_TRUE(run_until([&] { return agent->established(); })) << agent->close_reason();
    // And it takes commands, although it had more than the backup knows.
    ASSERT_EQ(call("POST", "/v1/hybrid/nodes/node/ping").status, 202U);
    ASSERT_TRUE(run_until([&] { return agent->commands.size() >= 3; }));
    EXPECT_TRUE(agent->refused_commands.empty());
}

TEST_F(BackupTest, TakesNoHalfFile) {
    ASSERT_TRUE(back_up(place(), file_).has_value());
    stop_hub();
    std::ifstream in(file_, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    in.close();
    fs::remove_all(data_);
    const auto with = [&](const std::string& changed) {
        std::ofstream(file_, std::ios::binary) << changed;
        const auto back = restore(place(), file_);
        fs::remove_all(data_);
        return back.has_value();
    };
    EXPECT_FALSE(with(text.substr(0, text.size() / 2)));
    EXPECT_FALSE(with(text.substr(0, text.rfind("{\"end\""))));
    std::string changed = text;
    changed.replace(changed.find("Default"), 7, "Defaulx");
    EXPECT_FALSE(with(changed));
    EXPECT_FALSE(with(""));
    EXPECT_TRUE(with(text));
    start_hub();
}

}  // namespace
}  // namespace isthmus::hub
