#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/http/message.h"

namespace isthmus::http {
namespace {

class RouterTest : public testing::Test {
  protected:
    void add(std::string_view method, std::string_view pattern) {
        router_.add(method,
                    pattern,
                    [this, name = std::string(method) + " " + std::string(pattern)](
                        const Request& request, Responder respond) {
                        reached_ = name;
                        parameters_ = request.parameters;
                        respond(Response::text(200, ""));
                    });
    }

    Response send(std::string method, std::string path) {
        reached_.clear();
        Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        std::optional<Response> got;
        router_.dispatch(std::move(request), [&got](Response response) {
            EXPECT_FALSE(got) << "answered twice";
            got = std::move(response);
        });
        EXPECT_TRUE(got);
        return got.value_or(Response{});
    }

    Router router_;
    std::string reached_;
    std::map<std::string, std::string, std::less<>> parameters_;
};

TEST_F(RouterTest, FillsTheParametersOfTheRoute) {
    add("PATCH", "/whip/{conference}/{resource}");
    EXPECT_EQ(send("PATCH", "/whip/de mo/r1").status, 200U);
    EXPECT_EQ(parameters_.at("conference"), "de mo");
    EXPECT_EQ(parameters_.at("resource"), "r1");
}

TEST_F(RouterTest, ParameterMatchesOneWholeNonEmptySegment) {
    add("POST", "/whip/{conference}");
    EXPECT_EQ(send("POST", "/whip/").status, 404U);
    EXPECT_EQ(send("POST", "/whip").status, 404U);
    EXPECT_EQ(send("POST", "/whip/a/").status, 404U);
    EXPECT_EQ(send("POST", "/whip/a/b").status, 404U);
    EXPECT_EQ(send("POST", "/whipx/a").status, 404U);
}

TEST_F(RouterTest, StarMatchesTheRest) {
    add("GET", "/meet/*");
    EXPECT_EQ(send("GET", "/meet/").status, 200U);
    EXPECT_EQ(parameters_.at("*"), "");
    EXPECT_EQ(send("GET", "/meet/js/app.js").status, 200U);
    EXPECT_EQ(parameters_.at("*"), "js/app.js");
    EXPECT_EQ(send("GET", "/meet").status, 404U);
}

TEST_F(RouterTest, RootIsAPathToo) {
    add("GET", "/");
    EXPECT_EQ(send("GET", "/").status, 200U);
    EXPECT_EQ(send("GET", "//").status, 404U);
}

TEST_F(RouterTest, FirstRouteThatFitsWins) {
    add("GET", "/api/conferences/live");
    add("GET", "/api/conferences/{name}");
    send("GET", "/api/conferences/live");
    EXPECT_EQ(reached_, "GET /api/conferences/live");
    send("GET", "/api/conferences/demo");
    EXPECT_EQ(reached_, "GET /api/conferences/{name}");
}

TEST_F(RouterTest, UnknownMethodIsToldWhichThereAre) {
    add("GET", "/a/{x}");
    add("DELETE", "/a/{x}");
    const Response response = send("PUT", "/a/1");
    EXPECT_EQ(response.status, 405U);
    EXPECT_EQ(response.headers.find("Allow")->second, "DELETE, GET, HEAD, OPTIONS");
    EXPECT_EQ(reached_, "");
}

TEST_F(RouterTest, RefusesThroughTheFinisherOfThePath) {
    add("POST", "/a/{x}");
    router_.finish_refusals("/a/{x}", [](Response response, Responder respond) {
        response.headers.emplace("Vary", "Origin");
        respond(std::move(response));
    });
    add("GET", "/*");
    for (const char* method : {"GET", "HEAD", "PUT"}) {
        const Response response = send(method, "/a/1");
        EXPECT_EQ(response.status, 405U) << method;
        EXPECT_EQ(response.headers.find("Allow")->second, "OPTIONS, POST");
        EXPECT_EQ(response.headers.find("Vary")->second, "Origin");
    }
    EXPECT_EQ(send("OPTIONS", "/a/1").headers.count("Vary"), 1U);
    EXPECT_EQ(send("POST", "/a/1").headers.count("Vary"), 0U);
    send("GET", "/b");
    EXPECT_EQ(reached_, "GET /*");
    EXPECT_EQ(router_.routes(), (std::vector<std::string>{"POST /a/{x}", "GET /*"}));
}

TEST_F(RouterTest, PassesWhatTheServerRefusesThroughTheFinisherOfThePath) {
    add("POST", "/a/{x}");
    router_.finish_refusals("/a/{x}", [](Response response, Responder respond) {
        response.headers.emplace("Vary", "Origin");
        respond(std::move(response));
    });
    add("POST", "/b");
    for (const auto& [path, finished] : std::map<std::string, std::size_t>{
             {"/a/1", 1}, {"/a", 0}, {"/b", 0}, {"/c", 0}, {"*", 0}, {"", 0}}) {
        Response answer;
        router_.refuse(path, Response::problem(413, "too long"), [&answer](Response response) {
            answer = std::move(response);
        });
        EXPECT_EQ(answer.status, 413U) << path;
        EXPECT_EQ(answer.headers.count("Vary"), finished) << path;
    }
    EXPECT_EQ(reached_, "");
}

TEST_F(RouterTest, HeadHasAHandlerOfItsOwnAfterThatOfGet) {
    add("GET", "/a/{x}");
    add("HEAD", "/{y}/1");
    EXPECT_EQ(send("HEAD", "/a/1").status, 200U);
    EXPECT_EQ(reached_, "HEAD /{y}/1");
    EXPECT_EQ(parameters_.count("x"), 0U);
    EXPECT_EQ(parameters_.at("y"), "a");
}

TEST_F(RouterTest, AnswersOptionsThatNoRouteClaims) {
    add("GET", "/a");
    const Response response = send("OPTIONS", "/a");
    EXPECT_EQ(response.status, 204U);
    EXPECT_EQ(response.headers.find("Allow")->second, "GET, HEAD, OPTIONS");
    EXPECT_EQ(send("OPTIONS", "/b").status, 404U);
}

TEST_F(RouterTest, LeavesOptionsToTheRouteThatClaimsIt) {
    add("POST", "/a");
    add("OPTIONS", "/a");
    EXPECT_EQ(send("OPTIONS", "/a").status, 200U);
    EXPECT_EQ(reached_, "OPTIONS /a");
}

TEST_F(RouterTest, HeadGoesToTheHandlerOfGet) {
    add("GET", "/a/{x}");
    EXPECT_EQ(send("HEAD", "/a/7").status, 200U);
    EXPECT_EQ(reached_, "GET /a/{x}");
    EXPECT_EQ(parameters_.at("x"), "7");
}

TEST_F(RouterTest, RefusesATargetThatIsNoPath) {
    add("GET", "/a");
    EXPECT_EQ(send("GET", "").status, 400U);
    EXPECT_EQ(send("OPTIONS", "*").status, 400U);
    EXPECT_EQ(send("GET", "a").status, 400U);
}

}  // namespace
}  // namespace isthmus::http
