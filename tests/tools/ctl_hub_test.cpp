// isthmusctl hub: what its verbs ask, what they show, how one logs in, how the shell completes it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/http/base64url.h"
#include "control-agent/channel/crypto.h"
#include "tests/base/http/server_fixture.h"
#include "tests/temporary_folder.h"
#include "tools/ctl/completion.h"
#include "tools/ctl/hub_command.h"
#include "tools/ctl/hub_login.h"
#include "tools/ctl/hub_sign_in.h"
#include "tools/ctl/hub_verbs.h"

namespace isthmus::ctl {
namespace {

namespace json = boost::json;

using Values = std::map<std::string, std::string, std::less<>>;

const HubVerb& verb(std::string_view group, std::string_view name) {
    for (const HubVerb& one : hub_verbs()) {
        if (one.group == group && one.name == name) {
            return one;
        }
    }
    ADD_FAILURE() << group << ' ' << name;
    return hub_verbs().front();
}

json::value body_of(const Result<HubRequest>& request) {
    EXPECT_TRUE(request.has_value()) << (request ? "" : request.error().message);
    return request && !request->body.empty() ? json::parse(request->body) : json::value(nullptr);
}

std::string write_file(const TemporaryFolder& folder, std::string_view text) {
    const std::string name = (folder.path() / "file").string();
    std::ofstream(name) << text;
    return name;
}

// --- the table -------------------------------------------------------------------------------

TEST(HubVerbs, AskForWhatTheHubsDocumentNames) {
    std::set<std::string> documented;
    std::ifstream in("docs/hub-openapi.yaml");
    std::string path;
    for (std::string line; std::getline(in, line) && !line.starts_with("components:");) {
        if (line.starts_with("  /") && line.ends_with(':')) {
            path = line.substr(2, line.size() - 3);
        }
        for (const auto& [key, method] : {std::pair("    get:", "GET "),
                                          std::pair("    post:", "POST "),
                                          std::pair("    put:", "PUT "),
                                          std::pair("    patch:", "PATCH "),
                                          std::pair("    delete:", "DELETE ")}) {
            if (line == key) {
                documented.insert(method + path);
            }
        }
    }
    for (const HubVerb& one : hub_verbs()) {
        EXPECT_TRUE(documented.contains(std::string(one.method) + " " + std::string(one.path)))
            << one.group << ' ' << one.name;
    }
}

TEST(HubVerbs, AreToldApartAndFillTheirPaths) {
    std::set<std::pair<std::string_view, std::string_view>> names;
    std::set<std::string_view> groups = {""};
    for (const auto& [name, help] : hub_groups()) {
        groups.insert(name);
        EXPECT_FALSE(help.empty()) << name;
    }
    for (const HubVerb& one : hub_verbs()) {
        EXPECT_TRUE(names.emplace(one.group, one.name).second) << one.group << ' ' << one.name;
        EXPECT_TRUE(groups.contains(one.group)) << one.group;
        Values values;
        for (const HubArgument& argument : one.arguments) {
            if (argument.place == HubArgument::Place::kPath) {
                EXPECT_TRUE(argument.required) << one.name << ' ' << argument.name;
                values.emplace(argument.name, "a/b");
            }
        }
        const auto request = make_hub_request(one, values);
        ASSERT_TRUE(request.has_value()) << one.group << ' ' << one.name;
        EXPECT_FALSE(request->path.contains('{')) << request->path;
    }
}

// --- requests --------------------------------------------------------------------------------

TEST(HubRequest, PutsValuesWhereTheyBelong) {
    const auto request =
        make_hub_request(verb("node", "events"), {{"node", "caf\xC3\xA9 1/2"}, {"limit", "5"}});
    EXPECT_EQ(request->method, "GET");
    EXPECT_EQ(request->path, "/v1/hybrid/nodes/caf%C3%A9%201%2F2/events?limit=5");
    EXPECT_EQ(request->body, "");
    EXPECT_EQ(body_of(make_hub_request(verb("cluster", "schedule"),
                                       {{"hybridClusterId", "hq"},
                                        {"upgradeSchedule.scheduleDays", "monday,friday"},
                                        {"upgradeSchedule.scheduleTime", "02:00"},
                                        {"releaseChannel", "beta"}})),
              json::parse(R"({"upgradeSchedule":{"scheduleDays":["monday","friday"],
                              "scheduleTime":"02:00"},"releaseChannel":"beta"})"));
}

TEST(HubRequest, ReadsNumbersAndDurations) {
    EXPECT_EQ(body_of(make_hub_request(verb("maintenance", "on"),
                                       {{"node", "n"}, {"deadline_s", "90m"}})),
              json::parse(R"({"mode":"on","deadline_s":5400})"));
    EXPECT_EQ(body_of(make_hub_request(verb("maintenance", "off"), {{"node", "n"}})),
              json::parse(R"({"mode":"off"})"));
    const auto duration =
        make_hub_request(verb("maintenance", "on"), {{"node", "n"}, {"deadline_s", "soon"}});
    EXPECT_EQ(duration.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(duration.error().message.contains("--deadline")) << duration.error().message;
    const auto number =
        make_hub_request(verb("node", "add"), {{"cluster", "hq"}, {"minutes", "1x"}});
    EXPECT_EQ(number.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(number.error().message.contains("\"1x\"")) << number.error().message;
}

TEST(HubRequest, ReadsFiles) {
    const TemporaryFolder folder;
    const std::string programs = write_file(folder, R"({"node":{"media":{"workers":2}}})");
    EXPECT_EQ(body_of(make_hub_request(verb("config", "set-node"),
                                       {{"node", "n"}, {"programs", programs}})),
              json::parse(R"({"programs":{"node":{"media":{"workers":2}}}})"));
    write_file(folder, "{");
    EXPECT_EQ(make_hub_request(verb("config", "set-node"), {{"node", "n"}, {"programs", programs}})
                  .error()
                  .code,
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(make_hub_request(verb("config", "set-node"),
                               {{"node", "n"}, {"programs", programs + ".absent"}})
                  .error()
                  .code,
              ErrorCode::kInvalidArgument);
}

TEST(HubRequest, ReadsASecretFromAFileAndRulesFromTheLine) {
    const TemporaryFolder folder;
    const std::string secret = write_file(folder, "the secret\nand more\n");
    const Values values = {{"issuer", "https://issuer.test"},
                           {"clientId", "hub"},
                           {"clientSecret", secret},
                           {"scopes", "profile,groups"},
                           {"mapping.claim", "groups"},
                           {"mapping.rules", "cn=admins,dc=x=full,staff=support"}};
    const json::value body = body_of(make_hub_request(verb("identity-provider", "set"), values));
    EXPECT_EQ(body.at("clientSecret"), json::value("the secret"));
    EXPECT_EQ(body.at("scopes"), json::parse(R"(["profile","groups"])"));
    EXPECT_EQ(body.at("mapping").at("rules").at(2),
              json::parse(R"({"value":"staff","role":"support"})"));
    EXPECT_EQ(body.at("mapping").at("rules").at(1),
              json::parse(R"({"value":"dc=x","role":"full"})"));
    for (const auto& [name, text] : {std::pair("mapping.rules", "admins"),
                                     std::pair("mapping.rules", "=full"),
                                     std::pair("clientSecret", "/nonexistent/secret")}) {
        Values wrong = values;
        wrong[name] = text;
        EXPECT_EQ(make_hub_request(verb("identity-provider", "set"), wrong).error().code,
                  ErrorCode::kInvalidArgument)
            << name << ' ' << text;
    }
}

// --- what is shown ---------------------------------------------------------------------------

TEST(HubReport, ShowsATableWithOneLineForEachItem) {
    const auto text = hub_report(
        verb("node", "list"),
        R"({"items":[{"name":"one","clusterName":"hq","status":"operational","connected":true,
             "maintenance":{"mode":"off"},"configuration":{"version":3},"alarms":[1,2],"id":"i"},
            {"name":"two\u001b[31m","maintenance":null,"alarms":[],"connected":false}]})");
    ASSERT_TRUE(text.has_value());
    EXPECT_TRUE(text->starts_with("NAME")) << *text;
    EXPECT_TRUE(text->contains("operational")) << *text;
    EXPECT_TRUE(text->contains("yes")) << *text;
    EXPECT_TRUE(text->contains("two?[31m")) << *text;  // a terminal obeys escape sequences
    EXPECT_EQ(std::ranges::count(*text, '\n'), 3);
    EXPECT_EQ(hub_report(verb("node", "list"), R"({"items":[]})").value_or("").find('\n'),
              hub_report(verb("node", "list"), R"({"items":[]})").value_or("").size() - 1);
}

TEST(HubReport, ShowsAnObjectFieldByField) {
    const auto text = hub_report(verb("", "whoami"),
                                 R"({"name":"admin","operator":true,"role":"","more":{"a":[1]}})");
    ASSERT_TRUE(text.has_value());
    EXPECT_TRUE(text->contains("operator  yes")) << *text;
    EXPECT_TRUE(text->contains(R"({"a":[1]})")) << *text;
}

TEST(HubReport, PrintsACodeAloneForScripts) {
    EXPECT_EQ(hub_report(verb("node", "add"), R"({"id":"i","code":"abc","expires":"x"})"), "abc\n");
    EXPECT_EQ(hub_report(verb("node", "revoke"), ""), "");
}

TEST(HubReport, RefusesWhatNoHubSays) {
    for (const char* body : {"<html>", "[]", "7", "{}", R"({"items":{}})"}) {
        EXPECT_EQ(hub_report(verb("node", "list"), body).error().code, ErrorCode::kInternal)
            << body;
    }
}

// --- logging in ------------------------------------------------------------------------------

TEST(HubLogin, IsKeptForItsOwnerOnlyAndForgotten) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "a" / "hub.json";
    EXPECT_EQ(load_hub_login(file).error().code, ErrorCode::kUnauthenticated);
    ASSERT_TRUE(
        save_hub_login(file, {.url = "https://h", .token = "t", .ca_file = "c", .insecure = true})
            .has_value());
    EXPECT_EQ(std::filesystem::status(file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const auto login = load_hub_login(file);
    ASSERT_TRUE(login.has_value());
    EXPECT_EQ(login->url + login->token + login->ca_file, "https://htc");
    EXPECT_TRUE(login->insecure);
    std::ofstream(file) << R"({"url":"https://h"})";
    EXPECT_EQ(load_hub_login(file).error().code, ErrorCode::kInvalidArgument);
    forget_hub_login(file);
    EXPECT_EQ(load_hub_login(file).error().code, ErrorCode::kUnauthenticated);
}

// A hub that begins sign-ins, a browser that comes to the loopback address, both scripted.
class SignInTest : public ::testing::Test {
  protected:
    void TearDown() override {
        if (browser_.joinable()) {
            browser_.join();
        }
    }

    Result<HttpAnswer> post(const std::string& path, const std::string& body) {
        bodies_[path] = json::parse(body);
        if (path == "/v1/oidc/tokens") {
            return HttpAnswer{.status = 200, .body = R"({"token":"isth_t"})"};
        }
        if (begun_.status == 201 && !query_.empty()) {
            const std::string to(bodies_[path].at("returnTo").as_string());
            const std::string state(bodies_[path].at("state").as_string());
            browser_ = std::thread([this, to, state] {
                const std::size_t path_begin = to.find('/', 8);
                const HttpClientConfig client{.base_url = to.substr(0, path_begin)};
                const std::string target = to.substr(path_begin);
                // Another page's guess comes first, and changes nothing.
                forged_ = http_request(client, "GET", target + "?code=forged&state=guess");
                page_ = http_request(client, "GET", target + query_ + state);
            });
        }
        return begun_;
    }

    Result<std::string> run(const SignInOptions& options) {
        auto token = sign_in(options,
                             {.post = [this](const std::string& path,
                                             const std::string& body) { return post(path, body); },
                              .read_secret = [this](const char* /*prompt*/) { return typed_; }});
        if (browser_.joinable()) {
            browser_.join();
        }
        return token;
    }

    HttpAnswer begun_{.status = 201, .body = R"({"url":"https://issuer.test/auth?x=1"})"};
    std::string query_ = "?code=c-1&state=";
    std::string typed_ = "c-2";
    std::map<std::string, json::value> bodies_;
    std::thread browser_;
    Result<HttpAnswer> forged_;
    Result<HttpAnswer> page_;
};

TEST_F(SignInTest, WaitsOnTheLoopbackAddressForItsOwnCode) {
    const auto token = run({.organization = "One"});
    ASSERT_TRUE(token.has_value()) << token.error().message;
    EXPECT_EQ(*token, "isth_t");
    EXPECT_EQ(forged_->status, 400U);
    EXPECT_EQ(page_->status, 200U);
    const json::value& begun = bodies_.at("/v1/oidc/sign-ins");
    const json::value& redeemed = bodies_.at("/v1/oidc/tokens");
    EXPECT_EQ(begun.at("organization"), json::value("One"));
    EXPECT_EQ(redeemed.at("code"), json::value("c-1"));
    EXPECT_EQ(redeemed.at("link"), json::value(false));
    // PKCE: the hub knew the hash of what is told now.
    EXPECT_EQ(begun.at("challenge"),
              json::value(http::encode_base64url(
                  channel::sha256(std::string(redeemed.at("verifier").as_string())))));
}

TEST_F(SignInTest, SaysWhyTheHubRefused) {
    query_ = "?error=no%20rule%20fits&state=";
    const auto token = run({});
    EXPECT_EQ(token.error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(token.error().message, "no rule fits");
    EXPECT_FALSE(bodies_.contains("/v1/oidc/tokens"));
}

TEST_F(SignInTest, TakesACodeThatIsTyped) {
    query_.clear();
    EXPECT_EQ(run({.paste = true, .link = true}), "isth_t");
    EXPECT_EQ(bodies_.at("/v1/oidc/sign-ins").at("returnTo"), json::value(""));
    EXPECT_EQ(bodies_.at("/v1/oidc/tokens").at("code"), json::value("c-2"));
    EXPECT_EQ(bodies_.at("/v1/oidc/tokens").at("link"), json::value(true));
    typed_.clear();
    EXPECT_EQ(run({.paste = true}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(SignInTest, GoesNowhereButToHttps) {
    query_.clear();
    begun_.body = R"({"url":"file:///etc/passwd"})";
    EXPECT_EQ(run({}).error().code, ErrorCode::kInternal);
    begun_ = {.status = 404, .body = R"({"detail":"no such organisation"})"};
    const auto unknown = run({});
    EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(unknown.error().message.contains("no such organisation"));
}

// --- the command line ------------------------------------------------------------------------

class HubCommandTest : public ::testing::Test {
  protected:
    HubCommandTest() {
        command_ = std::make_unique<HubCommand>(
            app_,
            HubGlobals{.json = &json_, .ca_file = &ca_file_, .insecure = &insecure_},
            [this](std::function<int()> what) { action_ = std::move(what); },
            [this](const Error& error) {
                error_ = error;
                return EXIT_FAILURE;
            });
    }

    int run(const std::string& line) {
        error_.reset();
        app_.clear();
        app_.parse(line);
        return action_();
    }

    CLI::App app_{"isthmusctl", "isthmusctl"};
    bool json_ = false;
    bool insecure_ = false;
    std::string ca_file_;
    std::function<int()> action_;
    std::optional<Error> error_;
    std::unique_ptr<HubCommand> command_;
};

TEST_F(HubCommandTest, AsksTheHubAndTellsItsErrorsApart) {
    std::vector<std::string> asked;
    unsigned status = 200;
    http::RunningServer server(
        {.listen = {{.ip = "127.0.0.1", .port = 0}}}, [&](http::Router& router) {
            router.add("DELETE",
                       "/v1/hybrid/nodes/{node}",
                       [&](const http::Request& request, http::Responder respond) {
                           asked.push_back(request.parameters.at("node") + " " +
                                           std::string(request.bearer_token()));
                           respond(status < 300
                                       ? http::Response{.status = 204, .headers = {}, .body = {}}
                                       : http::Response::problem(status, "why not"));
                       });
        });
    const std::string line = "hub --hub http://127.0.0.1:" + std::to_string(server.port()) +
                             " --hub-token isth_t node remove n-1";
    EXPECT_EQ(run(line), EXIT_SUCCESS);
    EXPECT_EQ(asked, std::vector<std::string>{"n-1 isth_t"});
    for (const auto& [answered, code] : {std::pair(401U, ErrorCode::kUnauthenticated),
                                         std::pair(403U, ErrorCode::kPermissionDenied),
                                         std::pair(404U, ErrorCode::kNotFound),
                                         std::pair(409U, ErrorCode::kConflict)}) {
        status = answered;
        EXPECT_EQ(run(line), EXIT_FAILURE);
        ASSERT_TRUE(error_.has_value()) << answered;
        EXPECT_EQ(error_->code, code) << answered;
        EXPECT_TRUE(error_->message.contains("why not")) << error_->message;
    }
    server.destroy_server();
    EXPECT_EQ(run(line), EXIT_FAILURE);
    EXPECT_EQ(error_->code, ErrorCode::kUnavailable);
    EXPECT_TRUE(error_->message.contains("the hub at")) << error_->message;
}

TEST_F(HubCommandTest, WantsItsArguments) {
    EXPECT_THROW(run("hub node remove"), CLI::ParseError);
    EXPECT_THROW(run("hub person add bob"), CLI::ParseError);  // --role
    EXPECT_THROW(run("hub node"), CLI::ParseError);
    EXPECT_THROW(run("hub nodes"), CLI::ParseError);
    EXPECT_EQ(run("hub login --hub https://127.0.0.1:1"), EXIT_FAILURE);
    EXPECT_EQ(error_->code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(error_->message.contains("--oidc")) << error_->message;
}

// What bash offers for a line that is not finished.
std::string completions(const std::string& script, const std::string& words, int current) {
    const TemporaryFolder folder;
    const std::string file = write_file(folder, script);
    const std::string line = "bash -c 'source " + file + "; COMP_WORDS=(" + words +
                             "); COMP_CWORD=" + std::to_string(current) +
                             "; _isthmusctl; echo \"${COMPREPLY[*]}\"'";
    const std::unique_ptr<FILE, int (*)(FILE*)> out(::popen(line.c_str(), "r"), ::pclose);
    std::array<char, 4096> text{};
    const std::size_t size = std::fread(text.data(), 1, text.size(), out.get());
    return {text.data(), size};
}

TEST_F(HubCommandTest, CompletesInBash) {
    const std::string script = bash_completion(app_);
    EXPECT_EQ(completions(script, "isthmusctl hub identity-provider pa", 3), "passwords\n");
    EXPECT_EQ(completions(script, "isthmusctl hub mai", 2), "maintenance\n");
    EXPECT_EQ(completions(script, "isthmusctl hub maintenance on node --dea", 5), "--deadline\n");
    EXPECT_EQ(completions(script, "isthmusctl hub login --o", 3), "--oidc --organization\n");
}

}  // namespace
}  // namespace isthmus::ctl
