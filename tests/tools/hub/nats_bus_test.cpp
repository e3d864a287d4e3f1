// Buses over real NATS servers.
#include "tools/hub/nats/nats_bus.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "control-agent/channel/signing_key.h"
#include "tests/temporary_folder.h"
#include "tests/tools/hub/nats_server_under_test.h"
#include "tools/hub/identity/authority.h"
#include "tools/hub/instances/hint.h"
#include "tools/hub/nats/nkey.h"

namespace isthmus::hub {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

// One instance's end, and what it was told.
class Listener {
  public:
    explicit Listener(NatsOptions options, const std::string& name = "test") {
        auto bus = NatsBus::start(std::move(options),
                                  name,
                                  {.post = [this](std::move_only_function<void()> job) { job(); },
                                   .on_payload =
                                       [this](std::string_view payload) {
                                           const std::lock_guard lock(mutex_);
                                           payloads_.emplace_back(payload);
                                           came_.notify_all();
                                       }});
        EXPECT_TRUE(bus.has_value()) << bus.error().message;
        bus_ = std::move(*bus);
    }

    [[nodiscard]] Bus& bus() { return *bus_; }

    [[nodiscard]] BusFigures figures() const { return bus_->figures(); }

    // What came, once there are as many.
    std::vector<std::string> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(came_.wait_for(lock, kPatience, [&] { return payloads_.size() >= count; }));
        return payloads_;
    }

    // Looks every few milliseconds; nobody tells of figures.
    bool wait_until(const std::function<bool(const BusFigures&)>& done) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        std::unique_lock lock(mutex_);
        while (!done(figures())) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            came_.wait_for(lock, std::chrono::milliseconds(5));
        }
        return true;
    }

    bool wait_until_connected() {
        return wait_until([](const BusFigures& figures) { return figures.connected; });
    }

    bool wait_until_away() {
        return wait_until([](const BusFigures& figures) { return !figures.connected; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<std::string> payloads_;
    std::unique_ptr<Bus> bus_;
};

class NatsBusTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!NatsServerUnderTest::installed()) {
            GTEST_SKIP() << "nats-server is not installed; tools/dev test installs it";
        }
    }

    std::string write(const std::string& name, const std::string& text) {
        const auto file = folder_.path() / name;
        std::ofstream(file) << text;
        return file;
    }

    TemporaryFolder folder_;
    SystemRandom random_;
};

TEST_F(NatsBusTest, BringsWhatOnePublishesToTheOthersAndNotBack) {
    const NatsServerUnderTest server;
    Listener one({.servers = {server.url()}});
    Listener two({.servers = {server.url()}});
    Listener elsewhere({.servers = {server.url()}, .subject = "another.hub"});
    for (Listener* listener : {&one, &two, &elsewhere}) {
        ASSERT_TRUE(listener->wait_until_connected());
    }
    one.bus().publish("hello");
    EXPECT_EQ(two.wait_for(1), std::vector<std::string>{"hello"});
    two.bus().publish("and back");
    EXPECT_EQ(one.wait_for(1), std::vector<std::string>{"and back"});
    EXPECT_EQ(elsewhere.figures().received, 0U);
    EXPECT_EQ(one.figures().published, 1U);
    EXPECT_EQ(two.figures().received, 1U);
}

TEST_F(NatsBusTest, KeepsOfALongMessageWhatShowsThatItIsTooLong) {
    const NatsServerUnderTest server;
    Listener one({.servers = {server.url()}});
    Listener two({.servers = {server.url()}});
    ASSERT_TRUE(one.wait_until_connected() && two.wait_until_connected());
    one.bus().publish(std::string(500'000, ' '));
    one.bus().publish("");
    const auto came = two.wait_for(2);
    EXPECT_EQ(came.at(0).size(), kHintBytesMax + 1);
    EXPECT_EQ(came.at(1), "");
}

TEST_F(NatsBusTest, FindsAServerThatComesLaterAndOneThatCameBack) {
    NatsServerUnderTest server;
    server.kill();
    Listener one({.servers = {server.url()}});
    EXPECT_FALSE(one.figures().connected);
    one.bus().publish("nobody hears this");
    EXPECT_EQ(one.figures().dropped, 1U);
    server.start();
    ASSERT_TRUE(one.wait_until_connected());
    EXPECT_EQ(one.figures().reconnects, 0U);
    server.kill();
    ASSERT_TRUE(one.wait_until_away());
    one.bus().publish("nor this");
    EXPECT_EQ(one.figures().dropped, 2U);
    server.start();
    ASSERT_TRUE(one.wait_until(
        [](const BusFigures& figures) { return figures.connected && figures.reconnects == 1; }));
    Listener two({.servers = {server.url()}});
    ASSERT_TRUE(two.wait_until_connected());
    two.bus().publish("this it does");
    EXPECT_EQ(one.wait_for(1), std::vector<std::string>{"this it does"});
}

TEST_F(NatsBusTest, GoesToAnotherServerOfTheList) {
    NatsServerUnderTest first;
    const NatsServerUnderTest second;
    Listener one({.servers = {first.url(), second.url()}});
    ASSERT_TRUE(one.wait_until_connected());
    first.kill();
    Listener two({.servers = {second.url()}});
    ASSERT_TRUE(two.wait_until_connected());
    ASSERT_TRUE(one.wait_until_connected());
    // It may have been at the second from the beginning; either way it is there now.
    ASSERT_TRUE(two.wait_until([&](const BusFigures&) {
        two.bus().publish("are you there?");
        return one.figures().received > 0;
    }));
}

// The socket fills up, so that whoever writes to it waits.
TEST_F(NatsBusTest, AFrozenServerHoldsNobodyUp) {
    NatsServerUnderTest server;
    Listener one({.servers = {server.url()}});
    ASSERT_TRUE(one.wait_until_connected());
    server.freeze();
    const std::string payload(kHintBytesMax, 'x');
    // More than the socket, the library and we keep. Would any of it wait, this would not end.
    for (int i = 0; i < 3000; ++i) {
        one.bus().publish(payload);
    }
    EXPECT_GT(one.figures().dropped, 0U);
    ASSERT_TRUE(one.wait_until_away());
    server.thaw();
    EXPECT_TRUE(one.wait_until_connected());
}

TEST_F(NatsBusTest, LogsInWithUserAndPassword) {
    const NatsServerUnderTest server(
        R"(authorization { users = [ {user: hub, password: "se cret"} ] })");
    Listener good({.servers = {server.url()}, .user = "hub", .password = "se cret"});
    EXPECT_TRUE(good.wait_until_connected());
    Listener bad({.servers = {server.url()}, .user = "hub", .password = "wrong"});
    EXPECT_TRUE(bad.wait_until(
        [&](const BusFigures&) { return server.log().contains("authentication error"); }));
    EXPECT_FALSE(bad.figures().connected);
    EXPECT_EQ(shown_server("nats://hub:secret@nats.example:4222"), "nats://nats.example:4222");
}

// Refused twice the library gives a connection up for good; we begin another.
TEST_F(NatsBusTest, ComesBackWhereItWasRefusedForAWhile) {
    const std::string good = "authorization { user: hub, password: good }";
    NatsServerUnderTest server(good);
    Listener one({.servers = {server.url()}, .user = "hub", .password = "good"});
    ASSERT_TRUE(one.wait_until_connected());
    server.kill();
    server.reconfigure("authorization { user: hub, password: other }");
    server.start();
    const auto refusals = [&] {
        constexpr std::string_view kRefusal = "authentication error";
        const std::string log = server.log();
        std::size_t count = 0;
        for (auto at = log.find(kRefusal); at != std::string::npos;
             at = log.find(kRefusal, at + 1)) {
            ++count;
        }
        return count;
    };
    ASSERT_TRUE(one.wait_until([&](const BusFigures&) { return refusals() >= 4; }));
    server.kill();
    server.reconfigure(good);
    server.start();
    EXPECT_TRUE(one.wait_until_connected());
}

TEST_F(NatsBusTest, LogsInWithAnNkey) {
    // The key of RFC 8032 section 7.1, test 1.
    const std::string seed = "SUAJ2YNRTXX72WTAXKCEV5ES5QWMIRCJYVUXWMTJDFYDXLADDSXH6YALCA";
    const std::string key = "UDLVVGABQKYQVN6VJP7NHSLEA45A5YLS6PNKMIZFV4BBU2HXA5IRUVAL";
    EXPECT_EQ(user_key_of_seed(" " + seed + "\n").value_or(""), key);
    for (const std::string& none : {std::string(), key, seed + "A", "SUBJ" + seed.substr(4)}) {
        EXPECT_FALSE(user_key_of_seed(none).has_value()) << none;
    }
    const NatsServerUnderTest server("authorization { users = [ {nkey: " + key + "} ] }");
    Listener good({.servers = {server.url()}, .nkey = write("seed", seed + "\n")});
    EXPECT_TRUE(good.wait_until_connected());
    EXPECT_FALSE(NatsBus::start({.servers = {server.url()}, .nkey = write("none", key)},
                                "test",
                                {.post = {}, .on_payload = {}})
                     .has_value());
}

class NatsTlsTest : public NatsBusTest {
  protected:
    // A server whose certificate has this name.
    std::unique_ptr<NatsServerUnderTest> serve(const std::string& name) {
        const auto issued = authority_->issue_server({name}, random_, now_s());
        EXPECT_TRUE(issued.has_value());
        return std::make_unique<NatsServerUnderTest>(
            "tls { cert_file: \"" + write("server.crt", issued->certificate_pem) +
            "\", key_file: \"" + write("server.key", issued->key_pem) + "\" }");
    }

    static std::int64_t now_s() {
        return std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }

    Result<Authority> authority_ =
        Authority::make(channel::SigningKey::generate(random_), random_, now_s());
    std::string ca_ = write("ca.crt", authority_->certificate_pem());
};

TEST_F(NatsTlsTest, ConnectsWhereTheAuthorityAndTheNameAreRight) {
    const auto server = serve("127.0.0.1");
    Listener one({.servers = {server->url("tls")}, .ca = ca_});
    Listener two({.servers = {server->url("tls")}, .ca = ca_});
    ASSERT_TRUE(one.wait_until_connected() && two.wait_until_connected());
    one.bus().publish("sealed");
    EXPECT_EQ(two.wait_for(1), std::vector<std::string>{"sealed"});
}

TEST_F(NatsTlsTest, RefusesAServerOfAnotherAuthorityOrName) {
    const auto server = serve("127.0.0.1");
    const auto other = serve("nats.example");
    Listener unknown({.servers = {server->url("tls")}});
    Listener misnamed({.servers = {other->url("tls")}, .ca = ca_});
    const auto refused = [](const NatsServerUnderTest& by, const std::string& what) {
        return by.log().contains(what);
    };
    EXPECT_TRUE(unknown.wait_until(
        [&](const BusFigures&) { return refused(*server, "TLS handshake error"); }));
    EXPECT_TRUE(misnamed.wait_until(
        [&](const BusFigures&) { return refused(*other, "TLS handshake error"); }));
    EXPECT_FALSE(unknown.figures().connected);
    EXPECT_FALSE(misnamed.figures().connected);
}

TEST(NatsOptions, SayWhatIsWrong) {
    const auto fault = [](const NatsOptions& options) {
        const auto good = check_nats_options(options);
        return good ? std::string() : good.error().message;
    };
    EXPECT_EQ(fault({.servers = {"nats://127.0.0.1:4222", "tls://u:p@[::1]:4222"}}), "");
    for (const char* server : {"", "127.0.0.1:4222", "http://127.0.0.1", "nats://", "nats://a/b"}) {
        EXPECT_TRUE(fault({.servers = {server}}).contains("no address of a NATS server")) << server;
    }
    EXPECT_FALSE(fault({.servers = {"ftp://user:hidden@host"}}).contains("hidden"));
    EXPECT_TRUE(fault({.servers = {"nats://u:%20@a"}}).contains("ISTHMUS_HUB_NATS_PASSWORD"));
    const std::vector<std::string> servers = {"nats://a"};
    EXPECT_TRUE(fault({.servers = servers, .credentials = "/nowhere"}).contains("/nowhere"));
    EXPECT_TRUE(fault({.servers = servers, .user = "hub"}).contains("password"));
    EXPECT_TRUE(fault({.servers = servers, .subject = "a.*"}).contains("subject"));
    EXPECT_NE(fault({}), "");
}

}  // namespace
}  // namespace isthmus::hub
