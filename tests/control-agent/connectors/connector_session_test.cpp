#include "control-agent/connectors/connector_session.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace isthmus::connectors {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kToken = "the-token-of-this-start";

class ConnectorSessionTest : public testing::Test {
  protected:
    ConnectorSessionTest() {
        manifest_.name = "example";
        manifest_.version = "1.0.0";
        manifest_.hub_methods = {"directory.*"};
        manifest_.events = {"example.counted"};
    }

    static std::string hello(const std::string& token = kToken,
                             const std::string& name = "example",
                             int contract = 1) {
        return json::serialize(json::object{
            {"jsonrpc", "2.0"},
            {"id", 1},
            {"method", "hello"},
            {"params",
             {{"token", token}, {"name", name}, {"version", "1.0.0"}, {"contract", contract}}}});
    }

    void say(const std::string& line) { session_.handle_bytes(now_, line + "\n"); }

    // What it was sent last.
    json::value heard() {
        std::optional<std::string> last;
        while (auto line = session_.poll_output()) {
            EXPECT_EQ(line->find('\n'), line->size() - 1) << "one line, whole";
            last = std::move(line);
        }
        return last ? json::parse(*last) : json::value();
    }

    // The next event of that kind; others before it are passed over.
    template <typename T>
    std::optional<T> told() {
        while (auto event = session_.poll_event()) {
            if (T* const found = std::get_if<T>(&*event)) {
                return std::move(*found);
            }
        }
        return std::nullopt;
    }

    void become_ready() {
        say(hello());
        ASSERT_TRUE(told<ConnectorReady>());
        EXPECT_EQ(heard().at("result").at("contract"), 1);
    }

    ConnectorManifest manifest_;
    ConnectorLimits limits_;
    Instant now_{seconds(100)};
    ConnectorSession session_{manifest_, limits_, kToken, now_};
};

TEST_F(ConnectorSessionTest, IsReadyAfterHello) {
    EXPECT_FALSE(session_.is_ready());
    become_ready();
    EXPECT_TRUE(session_.is_ready());
}

TEST_F(ConnectorSessionTest, TakesMessagesHoweverTheirBytesCome) {
    const std::string line = hello() + "\r\n\n";
    for (const char byte : line) {
        session_.handle_bytes(now_, {&byte, 1});
    }
    EXPECT_TRUE(session_.is_ready());
}

TEST_F(ConnectorSessionTest, TurnsAwayWhoeverIsNotIt) {
    for (const std::string& first :
         {hello("another-token-of-a-start"),
          hello(""),
          hello(kToken, "other"),
          hello(kToken, "example", 2),
          std::string(R"({"jsonrpc":"2.0","id":1,"method":"event","params":{"kind":"x"}})"),
          std::string(R"({"jsonrpc":"2.0","id":1,"method":"hello"})"),
          std::string(R"({"jsonrpc":"2.0","id":1,"method":"hello","params":[]})")}) {
        ConnectorSession session(manifest_, limits_, kToken, now_);
        session.handle_bytes(now_, first + "\n" + hello() + "\n");
        EXPECT_FALSE(session.is_ready()) << first;
        const auto event = session.poll_event();
        EXPECT_TRUE(event && std::holds_alternative<Violation>(*event)) << first;
        EXPECT_FALSE(session.poll_event()) << "nothing is read after that";
    }
}

TEST_F(ConnectorSessionTest, SaysHelloOnce) {
    become_ready();
    say(hello());
    EXPECT_EQ(heard().at("error").at("code"), channel::kRpcMethodNotFound);
}

TEST_F(ConnectorSessionTest, WaitsForHelloOnlySoLong) {
    EXPECT_EQ(session_.next_timeout(), now_ + limits_.hello_time);
    session_.on_timeout(now_ + limits_.hello_time);
    EXPECT_TRUE(told<Violation>());
    EXPECT_EQ(session_.next_timeout(), kNever);
}

TEST_F(ConnectorSessionTest, PassesEventsOnThatItsManifestNames) {
    become_ready();
    say(R"({"jsonrpc":"2.0","id":2,"method":"event","params":{"kind":"example.counted","body":{"n":1}}})");
    const auto event = told<EventTold>();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, "example.counted");
    EXPECT_EQ(event->body.at("n"), 1);
    EXPECT_TRUE(heard().as_object().contains("result"));
    say(R"({"jsonrpc":"2.0","id":3,"method":"event","params":{"kind":"usage.record","body":{}}})");
    EXPECT_EQ(heard().at("error").at("code"), channel::kRpcDenied);
    EXPECT_TRUE(told<RequestDenied>());
    say(R"({"jsonrpc":"2.0","id":4,"method":"event","params":{"body":{}}})");
    EXPECT_EQ(heard().at("error").at("code"), channel::kRpcInvalidParams);
    EXPECT_EQ(session_.refused(), 2U);
    EXPECT_FALSE(told<EventTold>());
}

TEST_F(ConnectorSessionTest, AsksTheHubOnlyWhatItMay) {
    become_ready();
    say(R"({"jsonrpc":"2.0","id":"a","method":"hub.call","params":{"method":"directory.lookup","params":{"name":"x"}}})");
    const auto call = told<HubCallAsked>();
    ASSERT_TRUE(call);
    EXPECT_EQ(call->method, "directory.lookup");
    EXPECT_EQ(call->params.at("name"), "x");
    session_.answer_hub_call(call->call, json::value{{"found", true}});
    const json::value answer = heard();
    EXPECT_EQ(answer.at("id"), "a");
    EXPECT_EQ(answer.at("result").at("found"), true);
    session_.answer_hub_call(call->call, json::value());
    EXPECT_TRUE(heard().is_null()) << "answered once";
    say(R"({"jsonrpc":"2.0","id":5,"method":"hub.call","params":{"method":"node.remove","params":{}}})");
    EXPECT_EQ(heard().at("error").at("code"), channel::kRpcDenied);
    EXPECT_FALSE(told<HubCallAsked>());
    say(R"({"jsonrpc":"2.0","id":6,"method":"hub.call","params":{"method":"directory.x"}})");
    session_.answer_hub_call(told<HubCallAsked>()->call,
                             make_error(ErrorCode::kUnavailable, "no connection"));
    EXPECT_EQ(heard().at("error").at("code"), channel::kRpcUnavailable);
}

TEST_F(ConnectorSessionTest, BoundsTheCallsThatAreOpen) {
    become_ready();
    for (std::size_t i = 0; i <= limits_.calls_open; ++i) {
        say(R"({"jsonrpc":"2.0","id":)" + std::to_string(i) +
            R"(,"method":"hub.call","params":{"method":"directory.x"}})");
    }
    EXPECT_EQ(heard().at("error").at("code"), channel::kRpcLimit);
}

TEST_F(ConnectorSessionTest, HandsOverConfigurations) {
    become_ready();
    session_.configure(now_, 7, json::value{{"greeting", "hi"}});
    json::value request = heard();
    EXPECT_EQ(request.at("method"), "configure");
    EXPECT_EQ(request.at("params").at("version"), 7);
    EXPECT_EQ(request.at("params").at("configuration").at("greeting"), "hi");
    say(json::serialize(
        json::object{{"jsonrpc", "2.0"}, {"id", request.at("id")}, {"result", json::object()}}));
    auto answered = told<ConfigurationAnswered>();
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->version, 7U);
    EXPECT_TRUE(answered->result);
    session_.configure(now_, 8, json::value());
    request = heard();
    say(json::serialize(json::object{{"jsonrpc", "2.0"},
                                     {"id", request.at("id")},
                                     {"error", {{"code", -32602}, {"message", "too rude"}}}}));
    answered = told<ConfigurationAnswered>();
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->result.error().message, "too rude");
    EXPECT_EQ(answered->result.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ConnectorSessionTest, IsAskedHowItDoesAndMustAnswer) {
    become_ready();
    now_ = session_.next_timeout();
    EXPECT_EQ(now_, Instant(seconds(100)) + limits_.between_looks);
    session_.on_timeout(now_);
    const json::value request = heard();
    EXPECT_EQ(request.at("method"), "status");
    say(json::serialize(
        json::object{{"jsonrpc", "2.0"},
                     {"id", request.at("id")},
                     {"result", {{"health", "impaired"}, {"detail", "LDAP is slow"}}}}));
    const auto health = told<HealthTold>();
    ASSERT_TRUE(health);
    EXPECT_EQ(health->health, ConnectorHealth::kImpaired);
    EXPECT_EQ(health->detail, "LDAP is slow");
    now_ = session_.next_timeout();
    session_.on_timeout(now_);
    EXPECT_FALSE(told<Violation>());
    now_ += limits_.answer_time;
    session_.on_timeout(now_);
    EXPECT_TRUE(told<Violation>());
}

TEST_F(ConnectorSessionTest, TellsHealthAndLogLines) {
    become_ready();
    say(R"({"jsonrpc":"2.0","method":"status","params":{"health":"outage","detail":")" +
        std::string(1023, 'x') + "\u00e9\"}}");
    const auto health = told<HealthTold>();
    ASSERT_TRUE(health);
    EXPECT_EQ(health->health, ConnectorHealth::kOutage);
    EXPECT_EQ(health->detail, std::string(1023, 'x')) << "no half character";
    say(R"({"jsonrpc":"2.0","method":"status","params":{"health":"splendid"}})");
    EXPECT_FALSE(told<HealthTold>());
    say(R"({"jsonrpc":"2.0","method":"log","params":{"level":"warning","message":"careful"}})");
    const auto line = told<LogTold>();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->level, "warning");
    EXPECT_EQ(line->message, "careful");
    EXPECT_TRUE(heard().is_null()) << "notifications are not answered";
}

TEST_F(ConnectorSessionTest, CutsOffWhoeverSendsNonsense) {
    for (const char* const line : {"hello", "{}", "[]", "{\"jsonrpc\":\"1.0\"}", "\x01\x02"}) {
        ConnectorSession session(manifest_, limits_, kToken, now_);
        session.handle_bytes(now_, hello() + "\n" + line + "\n");
        std::optional<SessionEvent> last;
        while (auto event = session.poll_event()) {
            last = std::move(event);
        }
        EXPECT_TRUE(last && std::holds_alternative<Violation>(*last)) << line;
    }
}

TEST_F(ConnectorSessionTest, CutsOffMessagesThatAreTooLong) {
    become_ready();
    const std::string chunk(100'000, 'x');
    session_.handle_bytes(now_, chunk);
    session_.handle_bytes(now_, chunk);
    EXPECT_FALSE(told<Violation>());
    session_.handle_bytes(now_, chunk);
    EXPECT_TRUE(told<Violation>());
    session_.handle_bytes(now_, chunk);
    EXPECT_FALSE(told<Violation>()) << "said once";
}

TEST_F(ConnectorSessionTest, CutsOffFloods) {
    become_ready();
    const std::string line = R"({"jsonrpc":"2.0","method":"log","params":{"message":"x"}})";
    // As fast as is allowed, for a long time.
    for (int i = 0; i < 2000; ++i) {
        now_ += milliseconds(10);
        say(line);
    }
    EXPECT_FALSE(told<Violation>());
    for (std::uint32_t i = 0; i < limits_.messages_burst + 1; ++i) {
        say(line);
    }
    EXPECT_TRUE(told<Violation>());
}

TEST_F(ConnectorSessionTest, PassesOverAnswersToNothing) {
    become_ready();
    say(R"({"jsonrpc":"2.0","id":999,"result":{}})");
    say(R"({"jsonrpc":"2.0","id":"x","result":{}})");
    say(R"({"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}})");
    EXPECT_FALSE(told<Violation>());
    EXPECT_EQ(session_.refused(), 3U);
}

}  // namespace
}  // namespace isthmus::connectors
