// Services with real connectors under a real supervisor.
#include "tools/agent/services.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control-agent/supervisor/io/process_supervisor.h"
#include "tests/control-agent/event_loop.h"
#include "tests/temporary_folder.h"

namespace isthmus::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;
namespace json = boost::json;

class SilentHub final : public connectors::HubCalls {
  public:
    void call(const std::string& connector,
              const std::string& /*method*/,
              json::value /*params*/,
              Answer answer) override {
        callers.push_back(connector);
        answer(json::value(nullptr));
    }

    std::vector<std::string> callers;
};

class ServicesTest : public testing::Test {
  public:
    ~ServicesTest() override { end(); }

  protected:
    ServicesTest() {
        make_package("example", "example");
        make_package("example-2", "example");
        start();
    }

    void start() {
        supervisor_ = std::move(supervisor::ProcessSupervisor::make(
                                    loop_.io(), {.directory = folder_.path() / "programs"}, random_)
                                    .value());
        auto services = Services::start(loop_.io(),
                                        {.state_file = state_,
                                         .socket_path = (folder_.path() / "agent.sock").string(),
                                         .packages_directory = folder_.path() / "packages",
                                         .user = {}},
                                        key_,
                                        *supervisor_,
                                        random_,
                                        hub_,
                                        [](const connectors::ConnectorEvent&) {});
        ASSERT_TRUE(services) << services.error().message;
        services_ = std::move(*services);
    }

    void end() {
        bool ended = false;
        supervisor_->detach([&](const Result<void>&) { ended = true; });
        EXPECT_TRUE(loop_.run_until([&] { return ended; }));
        services_.reset();
        supervisor_.reset();
    }

    void make_package(const std::string& package, const std::string& connector) const {
        const fs::path directory = folder_.path() / "packages" / package;
        fs::create_directories(directory);
        fs::copy_file(ISTHMUS_EXAMPLE_CONNECTOR, directory / "isthmus-connector-example");
        std::ifstream in("tools/connectors/example/manifest.json");
        std::string manifest{std::istreambuf_iterator<char>(in), {}};
        const std::string named = R"("name": ")" + connector + R"(")";
        manifest.replace(manifest.find(R"("name": "example")"), 17, named);
        std::ofstream(directory / "manifest.json") << manifest;
    }

    Result<void> activate(const std::string& name,
                          const std::string& package,
                          const std::string& greeting) {
        std::optional<Result<void>> result;
        services_->activate(name,
                            package,
                            json::value{{"greeting", greeting}, {"count_to", 0}},
                            [&](Result<void> answer) { result = std::move(answer); });
        EXPECT_TRUE(loop_.run_until([&] { return result.has_value(); }));
        return result.value();
    }

    Result<void> deactivate(const std::string& name) {
        std::optional<Result<void>> result;
        services_->deactivate(name, [&](Result<void> answer) { result = std::move(answer); });
        EXPECT_TRUE(loop_.run_until([&] { return result.has_value(); }));
        return result.value();
    }

    bool says(const std::string& detail) {
        return loop_.run_until([&] {
            const json::array all = services_->describe();
            return !all.empty() && all[0].at("detail") == json::value(detail);
        });
    }

    [[nodiscard]] supervisor::ProgramState state_of(const std::string& program) const {
        const auto status = supervisor_->status(program);
        return status ? status->state : supervisor::ProgramState::kStopped;
    }

    TemporaryFolder folder_;
    fs::path state_ = folder_.path() / "services.json";
    EventLoop loop_;
    SystemRandom random_;
    channel::ExchangeKey key_ = channel::ExchangeKey::generate(random_);
    SilentHub hub_;
    std::unique_ptr<supervisor::ProcessSupervisor> supervisor_;
    std::unique_ptr<Services> services_;
};

TEST_F(ServicesTest, RunAndAreForgotten) {
    ASSERT_TRUE(activate("greeter", "example", "hello"));
    EXPECT_TRUE(says("hello"));
    EXPECT_EQ(services_->describe()[0].at("state"), json::value("running"));
    EXPECT_EQ(services_->service_of("example"), "greeter");
    EXPECT_EQ(services_->program_of("greeter"), "connector-example");
    EXPECT_EQ(services_->program_of("node"), "node");
    ASSERT_TRUE(deactivate("greeter"));
    EXPECT_THAT(services_->describe(), IsEmpty());
    EXPECT_EQ(services_->service_of("example"), "");
    EXPECT_EQ(state_of("connector-example"), supervisor::ProgramState::kStopped);
    EXPECT_TRUE(deactivate("greeter")) << "it is as it should be";
}

TEST_F(ServicesTest, LeaveNothingBehindWhereTheyDoNotStart) {
    EXPECT_THAT(activate("greeter", "example", "refuse me").error().message, HasSubstr("rude"));
    EXPECT_EQ(state_of("connector-example"), supervisor::ProgramState::kStopped);
    EXPECT_THAT(services_->describe(), IsEmpty());
    EXPECT_FALSE(activate("greeter", "absent", "hello"));
    EXPECT_FALSE(activate("greeter", "../example", "hello"));
    // And it can be tried again.
    EXPECT_TRUE(activate("greeter", "example", "hello"));
}

TEST_F(ServicesTest, ShareNoConnector) {
    ASSERT_TRUE(activate("greeter", "example", "hello"));
    const auto second = activate("other", "example", "hello");
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("for the service greeter already"));
    EXPECT_EQ(services_->describe().size(), 1U);
    EXPECT_TRUE(says("hello")) << "the first goes on";
}

TEST_F(ServicesTest, ChangeTheirPackage) {
    make_package("third", "polite");
    ASSERT_TRUE(activate("greeter", "example", "hello"));
    ASSERT_TRUE(activate("greeter", "example-2", "good day"));
    EXPECT_TRUE(says("good day"));
    EXPECT_EQ(services_->describe()[0].at("package"), json::value("example-2"));
    // Its program says another name than the manifest: it never gets as far as its configuration,
    // and the one of before comes back.
    const auto changed = activate("greeter", "third", "hello");
    ASSERT_FALSE(changed);
    EXPECT_THAT(changed.error().message, HasSubstr("the one of before runs again"));
    EXPECT_TRUE(says("good day"));
    EXPECT_EQ(services_->service_of("polite"), "");
    EXPECT_EQ(state_of("connector-polite"), supervisor::ProgramState::kStopped);
    EXPECT_EQ(services_->service_of("example"), "greeter");
}

TEST_F(ServicesTest, RunAgainAfterARestart) {
    ASSERT_TRUE(activate("greeter", "example", "hello"));
    end();
    start();
    services_->resume();
    EXPECT_TRUE(says("hello"));
    EXPECT_EQ(services_->service_of("example"), "greeter");
}

}  // namespace
}  // namespace isthmus::agent
