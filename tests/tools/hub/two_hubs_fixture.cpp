#include "tests/tools/hub/two_hubs_fixture.h"

#include <filesystem>
#include <utility>

namespace isthmus::hub {

TwoHubsFixture::TwoHubsFixture(HubOptions options)
    : HubFixture(postgresql.address(), std::move(options)) {}

void TwoHubsFixture::SetUp() {
    if (database_.empty()) {
        GTEST_SKIP() << "PostgreSQL is not installed; tools/dev test installs it";
    }
    std::filesystem::create_directories(folder_.path() / "second");
    std::filesystem::copy(data_ / "master.key", folder_.path() / "second" / "master.key");
    HubOptions options = options_;
    options.data = folder_.path() / "second";
    options.database = database_;
    options.listen = {{.ip = "127.0.0.1", .port = 0}};
    auto hub = Hub::start(io_, std::move(options));
    ASSERT_TRUE(hub.has_value()) << hub.error().message;
    second_ = std::move(*hub);
    EXPECT_TRUE(second_->first_administrator().name.empty());
}

void TwoHubsFixture::TearDown() {
    client_.reset();
    second_.reset();
}

std::unique_ptr<ScriptedAgent> TwoHubsFixture::move_to_second(ScriptedAgent& agent) {
    ScriptedIdentity identity = agent.identity();
    identity.hub_url = second_->url();
    identity.ca_file = (folder_.path() / "second" / "ca.crt").string();
    auto moved = std::make_unique<ScriptedAgent>(io_, random_, identity);
    moved->connect();
    EXPECT_TRUE(run_until([&] { return moved->established(); })) << moved->close_reason();
    return moved;
}

}  // namespace isthmus::hub
