#include "tests/tools/hub/hub_fixture.h"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/http/base64url.h"
#include "control-agent/channel/enrollment.h"

namespace isthmus::hub {

namespace json = boost::json;

HubFixture::HubFixture(std::string database, HubOptions options)
    : database_(std::move(database)), options_(std::move(options)) {
    start_hub();
    if (hub_) {
        const FirstAdministrator first = hub_->first_administrator();
        const ApiReply login =
            call("POST",
                 "/v1/login",
                 {{"name", first.name}, {"password", first.password}, {"new_password", kPassword}});
        EXPECT_EQ(login.status, 200U) << login.text;
        token_ = login.body.at("token").as_string();
    }
}

HubFixture::~HubFixture() {
    client_.reset();
    stop_hub();
}

void HubFixture::start_hub() {
    HubOptions options = options_;
    options.data = data_;
    options.database = database_;
    options.listen = {{.ip = "127.0.0.1", .port = port_}};
    auto hub = Hub::start(io_, std::move(options));
    ASSERT_TRUE(hub.has_value()) << hub.error().message;
    hub_ = std::move(*hub);
    port_ = hub_->listeners().front().address.port;
    url_ = hub_->url();
    make_client();
}

void HubFixture::make_client() {
    http::ClientConfig config;
    config.answer_bytes_max = 16UL * 1024 * 1024;
    config.connect.authorities_file = ca_file();
    auto client = http::Client::make(io_, config);
    ASSERT_TRUE(client.has_value());
    client_ = std::move(*client);
}

void HubFixture::log_in() {
    const ApiReply login =
        call_as("", "POST", "/v1/login", {{"name", "admin"}, {"password", kPassword}});
    ASSERT_EQ(login.status, 200U) << login.text;
    token_ = login.body.at("token").as_string();
}

void HubFixture::stop_hub() {
    if (!hub_) {
        return;
    }
    bool stopped = false;
    hub_->stop([&] { stopped = true; });
    EXPECT_TRUE(run_until([&] { return stopped; }));
    hub_.reset();
}

bool HubFixture::run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < deadline) {
        io_.restart();
        io_.run_one_for(std::chrono::milliseconds(50));
    }
    return done();
}

ApiReply HubFixture::call(const std::string& method,
                          const std::string& path,
                          const json::value& body) {
    return call_as(token_, method, path, body);
}

ApiReply HubFixture::call_as(const std::string& token,
                             const std::string& method,
                             const std::string& path,
                             const json::value& body) {
    http::ClientRequest request{.method = method, .url = url_ + path, .headers = {}, .body = {}};
    if (!token.empty()) {
        request.headers.emplace("Authorization", "Bearer " + token);
    }
    if (!body.is_null()) {
        request.body = json::serialize(body);
    }
    std::optional<Result<http::Response>> answer;
    client_->send(std::move(request),
                  [&](Result<http::Response> response) { answer = std::move(response); });
    EXPECT_TRUE(run_until([&] { return answer.has_value(); })) << path;
    if (!answer || !*answer) {
        ADD_FAILURE() << path << ": " << (answer ? answer->error().message : "no answer");
        return {};
    }
    boost::system::error_code error;
    ApiReply reply{.status = (*answer)->status, .body = {}, .text = (*answer)->body};
    reply.body = json::parse(reply.text, error);
    return reply;
}

std::string HubFixture::make_code(const std::string& cluster) {
    const ApiReply made = call("POST", "/v1/hybrid/clusters", {{"name", cluster}});
    EXPECT_TRUE(made.status == 201 || made.status == 409) << made.text;
    const ApiReply code = call("POST", "/v1/hybrid/codes", {{"cluster", cluster}});
    EXPECT_EQ(code.status, 201U) << code.text;
    return std::string(code.body.at("code").as_string());
}

ScriptedIdentity HubFixture::enroll(const std::string& code_text, const std::string& name) {
    const auto code = channel::read_code(code_text);
    EXPECT_TRUE(code.has_value());
    channel::HubTrust trust({code->fingerprint});
    const std::string nonce = channel::random_bytes(random_, channel::kNonceBytes);
    const ApiReply hello =
        call_as("", "GET", "/v1/enrollment/hello?nonce=" + http::encode_base64url(nonce));
    const auto read = channel::read_hello(hello.text, nonce, trust);
    EXPECT_TRUE(read.has_value()) << hello.text;
    ScriptedIdentity identity{.hub_url = url_,
                              .ca_file = ca_file(),
                              .node = {},
                              .certificate = {},
                              .hub_fingerprints = trust.fingerprints(),
                              .key = channel::SigningKey::generate(random_),
                              .sealing_key = channel::ExchangeKey::generate(random_)};
    const std::string body = channel::write_enroll(*code,
                                                   *read,
                                                   {.name = name,
                                                    .key = &*identity.key,
                                                    .sealing_key = &*identity.sealing_key,
                                                    .versions = {{"agent", "0.1.0"}}});
    const ApiReply reply = call_as("", "POST", "/v1/enroll", json::parse(body));
    const auto enrolled = channel::read_enrolled(reply.text, *read, identity.key->public_key());
    if (!enrolled) {
        ADD_FAILURE() << reply.text;
        return identity;
    }
    identity.node = enrolled->node;
    identity.certificate = enrolled->certificate;
    return identity;
}

std::unique_ptr<ScriptedAgent> HubFixture::connect_node(const std::string& name) {
    auto agent = std::make_unique<ScriptedAgent>(io_, random_, enroll(make_code("hq"), name));
    agent->connect();
    EXPECT_TRUE(run_until([&] { return agent->established(); })) << agent->close_reason();
    return agent;
}

channel::RpcResponse HubFixture::ask(ScriptedAgent& agent,
                                     std::string_view method,
                                     const json::value& params) {
    std::optional<channel::RpcResponse> answer;
    agent.call(method, params, [&](const channel::RpcResponse& response) { answer = response; });
    EXPECT_TRUE(run_until([&] { return answer.has_value() || agent.closed(); }));
    return answer.value_or(channel::RpcResponse{
        .id = {}, .result = std::unexpected(channel::RpcError{.code = 0, .message = "closed"})});
}

}  // namespace isthmus::hub
