// What a viewer wants of the videos: the JSON, and the URL that takes it.
#include "signaling/whip/layer_request.h"

#include <gmock/gmock.h>

#include "tests/signaling/whip/whip_fixture.h"

namespace isthmus::signaling::whip {
namespace {

using media::sfu::LayerWish;
using testing::HasSubstr;

std::string refusal(std::string_view body) {
    const auto parsed = parse_layer_request(body);
    return parsed ? "accepted" : parsed.error().message;
}

TEST(LayerRequest, ReadsEveryMember) {
    const auto parsed = parse_layer_request(
        R"({"mediaId": "1", "maxWidth": 640, "maxHeight": 360, "maxFps": 7.5,
            "maxSpatialLayerId": 1, "temporalLayerId": 2, "paused": true, "encodingId": "x"})");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->mid, "1");
    EXPECT_EQ(parsed->wish,
              (LayerWish{.max_width = 640,
                         .max_height = 360,
                         .max_fps = 7.5,
                         .max_spatial = 1,
                         .max_temporal = 2,
                         .paused = true}));
}

TEST(LayerRequest, HasNoBoundWhereNothingIsSaid) {
    const auto parsed = parse_layer_request("{}");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->wish, LayerWish{});
    EXPECT_EQ(parse_layer_request(R"({"maxSpatialLayerId": 4000, "maxWidth": null})")->wish,
              LayerWish{});
}

TEST(LayerRequest, RefusesWhatIsNotOne) {
    EXPECT_THAT(refusal(""), HasSubstr("JSON object"));
    EXPECT_THAT(refusal("[]"), HasSubstr("JSON object"));
    EXPECT_THAT(refusal(R"({"a":{"a":{"a":{"a":{"a":1}}}}})"), HasSubstr("JSON object"));
    EXPECT_THAT(refusal(R"({"maxWidth": -1})"), HasSubstr("maxWidth"));
    EXPECT_THAT(refusal(R"({"maxWidth": 1e9})"), HasSubstr("maxWidth"));
    EXPECT_THAT(refusal(R"({"maxFps": "many"})"), HasSubstr("maxFps"));
    EXPECT_THAT(refusal(R"({"spatialLayerId": true})"), HasSubstr("spatialLayerId"));
    EXPECT_THAT(refusal(R"({"mediaId": 1})"), HasSubstr("mediaId"));
    EXPECT_THAT(refusal(R"({"paused": 1})"), HasSubstr("paused"));
}

class LayerUrlTest : public WhipTest {
  protected:
    // Watches as alice; the layer URL that the answer links to.
    std::string watch() {
        const http::Response response =
            send(post_of("/whep/demo", "chromium_six_recvonly_and_data_channel.sdp"));
        EXPECT_EQ(response.status, 201U) << response.body;
        session_ = header(response, "Location");
        const std::string url = session_ + "/layer";
        bool linked = false;
        const auto [first, last] = response.headers.equal_range("Link");
        for (auto link = first; link != last; ++link) {
            linked |= link->second == "<" + url + ">; rel=\"urn:ietf:params:whep:ext:core:layer\"";
        }
        EXPECT_TRUE(linked);
        return url;
    }

    [[nodiscard]] http::Request wish(const std::string& url, std::string body) const {
        http::Request request = change_of("POST", url, std::move(body));
        request.headers.emplace("Content-Type", "application/json; charset=utf-8");
        return request;
    }

    std::string session_;
};

TEST_F(LayerUrlTest, TellsTheSwitchboardWhatIsWanted) {
    const std::string url = watch();
    EXPECT_EQ(send(wish(url, R"({"mediaId": "2", "maxHeight": 180})")).status, 204U);
    ASSERT_EQ(switchboard_.wishes.size(), 1U);
    EXPECT_EQ(switchboard_.wishes[0].mid, "2");
    EXPECT_EQ(switchboard_.wishes[0].wish.max_height, 180U);
}

TEST_F(LayerUrlTest, RefusesOthersAndNonsense) {
    const std::string url = watch();
    EXPECT_EQ(send(wish(url, "{")).status, 400U);
    EXPECT_EQ(send(wish(url, std::string(kLayerRequestBytesMax + 1, ' '))).status, 413U);
    http::Request other = request_of("POST", url, "{}");
    other.headers.emplace("Content-Type", "application/json");
    EXPECT_EQ(send(other).status, 401U);
    authorize(other, token_of("mallory"));
    EXPECT_EQ(send(other).status, 403U);
    http::Request sdp = change_of("POST", url, "{}");
    sdp.headers.emplace("Content-Type", "application/sdp");
    EXPECT_EQ(send(sdp).status, 415U);
    const http::Response get = send(change_of("GET", url));
    EXPECT_EQ(get.status, 405U);
    EXPECT_EQ(header(get, "Allow"), "OPTIONS, POST");
    EXPECT_EQ(header(get, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(header(send(request_of("OPTIONS", url)), "Accept-Post"), "application/json");
    EXPECT_EQ(send(wish("/whep/demo/none/layer", "{}")).status, 404U);
    EXPECT_TRUE(switchboard_.wishes.empty());
}

}  // namespace
}  // namespace isthmus::signaling::whip
