// Routes, CORS and OPTIONS.
#include "signaling/whip/whip_endpoint.h"

#include <gmock/gmock.h>

#include "tests/signaling/whip/whip_fixture.h"

namespace isthmus::signaling::whip {
namespace {

using testing::HasSubstr;

class WhipEndpointTest : public WhipTest {};

TEST_F(WhipEndpointTest, OptionsTellsWhatPostAccepts) {
    for (const char* path : {"/whip/demo", "/whep/demo"}) {
        const http::Response response = send(request_of("OPTIONS", path));
        EXPECT_EQ(response.status, 200U);
        EXPECT_EQ(header(response, "Accept-Post"), "application/sdp");
        EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "*");
        EXPECT_THAT(header(response, "Access-Control-Allow-Methods"), HasSubstr("POST"));
        EXPECT_THAT(header(response, "Access-Control-Allow-Methods"), HasSubstr("PATCH"));
        EXPECT_THAT(header(response, "Access-Control-Allow-Headers"), HasSubstr("if-match"));
        EXPECT_THAT(header(response, "Access-Control-Allow-Headers"), HasSubstr("authorization"));
        EXPECT_EQ(header(response, "Link"), "");
        EXPECT_EQ(header(response, "Vary"), "");
    }
}

TEST_F(WhipEndpointTest, OptionsOnASessionTellsWhatPatchAccepts) {
    const http::Response response = send(request_of("OPTIONS", "/whip/demo/unknown"));
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(header(response, "Accept-Patch"), "application/trickle-ice-sdpfrag");
}

TEST_F(WhipEndpointTest, OptionsNamesIceServersToWhoMayJoin) {
    WhipConfig config = default_config();
    IceServer server;
    server.urls = {"turn:t"};
    server.shared_secret = "s";
    config.ice_servers = {server};
    make_endpoint(std::move(config));
    EXPECT_EQ(header(send(request_of("OPTIONS", "/whip/demo")), "Link"), "");
    http::Request request = request_of("OPTIONS", "/whip/demo");
    authorize(request, token_of("alice"));
    EXPECT_THAT(header(send(request), "Link"), testing::StartsWith("<turn:t>; rel=\"ice-server\""));
    request.path = "/whip/other";
    EXPECT_EQ(header(send(request), "Link"), "");
}

// The server refuses too long a body before any handler sees the request.
TEST_F(WhipEndpointTest, TooLongABodyIsRefusedReadably) {
    for (const char* path :
         {"/whip/demo", "/whep/demo", "/whip/demo/session", "/whep/demo/session/layer"}) {
        std::optional<http::Response> got;
        router_.refuse(path,
                       http::Response::problem(413, "too long"),
                       [&got](http::Response response) { got = std::move(response); });
        EXPECT_EQ(take(std::move(got)).status, 413U) << path;
    }
}

TEST_F(WhipEndpointTest, OtherMethodsAreRefusedReadably) {
    for (const char* method : {"GET", "HEAD", "PUT", "PATCH", "DELETE"}) {
        const http::Response response = send(request_of(method, "/whip/demo"));
        EXPECT_EQ(response.status, 405U) << method;
        EXPECT_EQ(header(response, "Allow"), "OPTIONS, POST");
    }
    for (const char* method : {"GET", "HEAD", "PUT", "POST"}) {
        const http::Response response = send(request_of(method, "/whep/demo/session"));
        EXPECT_EQ(response.status, 405U) << method;
        EXPECT_EQ(header(response, "Allow"), "DELETE, OPTIONS, PATCH");
    }
}

TEST_F(WhipEndpointTest, AnOriginOtherThanAllIsNamedToCaches) {
    WhipConfig config = default_config();
    config.allow_origin = "https://meet.example.org";
    make_endpoint(std::move(config));
    const http::Response response = send(request_of("OPTIONS", "/whip/demo"));
    EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "https://meet.example.org");
    EXPECT_EQ(header(response, "Vary"), "Origin");
}

}  // namespace
}  // namespace isthmus::signaling::whip
