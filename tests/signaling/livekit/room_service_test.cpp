#include "signaling/livekit/room_service.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace isthmus::signaling::livekit {
namespace {

namespace pb = ::livekit;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

// Remembers what it was asked, and knows one room with one participant.
class KnownRoom final : public RoomAdministration {
  public:
    Result<pb::Room> create_room(const pb::CreateRoomRequest& request) override {
        calls.push_back("create " + request.name());
        return room(request.name());
    }

    [[nodiscard]] std::vector<pb::Room> list_rooms() const override {
        return {room("demo"), room("other")};
    }

    Result<void> delete_room(const std::string& name) override { return known(name, "delete"); }

    Result<pb::Room> update_room_metadata(const std::string& name,
                                          const std::string& metadata) override {
        return value_if(known(name, "metadata " + metadata), room(name));
    }

    [[nodiscard]] Result<std::vector<pb::ParticipantInfo>> list_participants(
        const std::string& name) const override {
        if (name != "demo") {
            return make_error(ErrorCode::kNotFound, "no such room");
        }
        return std::vector{alice()};
    }

    [[nodiscard]] Result<pb::ParticipantInfo> get_participant(
        const std::string& name, const std::string& identity) const override {
        if (name != "demo" || identity != "alice") {
            return make_error(ErrorCode::kNotFound, "nobody");
        }
        return alice();
    }

    Result<void> remove_participant(const std::string& name, const std::string& identity) override {
        return known(name, "remove " + identity);
    }

    Result<pb::ParticipantInfo> update_participant(
        const pb::UpdateParticipantRequest& request) override {
        return value_if(
            known(request.room(), "update " + request.identity() + " " + request.metadata()),
            alice());
    }

    Result<pb::TrackInfo> mute_track(const std::string& name,
                                     const std::string& identity,
                                     const std::string& sid,
                                     bool muted) override {
        if (!muted) {
            return make_error(ErrorCode::kConflict, "no");
        }
        pb::TrackInfo track;
        track.set_sid(sid);
        track.set_muted(true);
        return value_if(known(name, "mute " + identity + " " + sid), track);
    }

    Result<void> update_subscriptions(const pb::UpdateSubscriptionsRequest& request) override {
        return known(request.room(),
                     "subscribe " + request.identity() + " " + request.track_sids(0));
    }

    Result<void> send_data(const pb::SendDataRequest& request) override {
        return known(request.room(), "data " + request.data());
    }

    std::vector<std::string> calls;

  private:
    template <typename T>
    static Result<T> value_if(const Result<void>& result, T value) {
        return result ? Result<T>(std::move(value)) : std::unexpected(result.error());
    }

    static pb::Room room(const std::string& name) {
        pb::Room room;
        room.set_name(name);
        room.set_sid("RM_" + name);
        return room;
    }

    static pb::ParticipantInfo alice() {
        pb::ParticipantInfo info;
        info.set_identity("alice");
        return info;
    }

    Result<void> known(const std::string& name, std::string call) {
        if (name != "demo") {
            return make_error(ErrorCode::kNotFound, "no such room");
        }
        calls.push_back(std::move(call));
        return {};
    }
};

class RoomServiceTest : public testing::Test {
  protected:
    http::Response call(const std::string& method,
                        std::string body,
                        const access::VideoGrant& grant) {
        http::Request request;
        request.method = "POST";
        request.path = "/twirp/livekit.RoomService/" + method;
        request.headers = {{"Content-Type", "application/json"},
                           {"Authorization",
                            "Bearer " + access::sign_token({.issuer = "key",
                                                            .identity = {},
                                                            .name = {},
                                                            .metadata = {},
                                                            .not_before_unix_s = 0,
                                                            .expires_unix_s = kNow + 60,
                                                            .video = grant},
                                                           kSecret)}};
        request.body = std::move(body);
        std::optional<http::Response> response;
        router_.dispatch(std::move(request),
                         [&](http::Response answer) { response = std::move(answer); });
        return response.value_or(http::Response{});
    }

    http::Router router_;
    KnownRoom rooms_;
    RoomService service_{
        {.keys = {{"key", std::string(kSecret)}}, .now_unix_s = [] { return kNow; }},
        rooms_,
        router_};
};

const access::VideoGrant kAdmin{.room = "demo", .room_admin = true};
const access::VideoGrant kCreator{.room_create = true};
const access::VideoGrant kLister{.room_list = true};

TEST_F(RoomServiceTest, DoesWhatServersAsk) {
    EXPECT_TRUE(call("CreateRoom", R"({"name": "new"})", kCreator).body.contains("RM_new"));
    const auto all = call("ListRooms", "{}", kLister);
    EXPECT_TRUE(all.body.contains("RM_demo") && all.body.contains("RM_other")) << all.body;
    EXPECT_FALSE(call("ListRooms", R"({"names": ["demo"]})", kLister).body.contains("RM_other"));
    EXPECT_TRUE(call("ListParticipants", R"({"room": "demo"})", kAdmin).body.contains("alice"));
    EXPECT_TRUE(call("GetParticipant", R"({"room": "demo", "identity": "alice"})", kAdmin)
                    .body.contains("alice"));
    EXPECT_TRUE(call("MutePublishedTrack",
                     R"({"room": "demo", "identity": "alice", "trackSid": "TR_1", "muted": true})",
                     kAdmin)
                    .body.contains("TR_1"));
    for (const auto& [method, body] : std::vector<std::pair<std::string, std::string>>{
             {"RemoveParticipant", R"({"room": "demo", "identity": "alice"})"},
             {"UpdateParticipant", R"({"room": "demo", "identity": "alice", "metadata": "m"})"},
             {"UpdateSubscriptions",
              R"({"room": "demo", "identity": "alice", "trackSids": ["TR_1"], "subscribe": true})"},
             {"SendData", R"({"room": "demo", "data": "aGk=", "kind": "LOSSY"})"},
             {"UpdateRoomMetadata", R"({"room": "demo", "metadata": "m"})"}}) {
        EXPECT_EQ(call(method, body, kAdmin).status, 200U) << method;
    }
    EXPECT_EQ(call("DeleteRoom", R"({"room": "demo"})", kCreator).status, 200U);
    EXPECT_EQ(rooms_.calls,
              (std::vector<std::string>{"create new",
                                        "mute alice TR_1",
                                        "remove alice",
                                        "update alice m",
                                        "subscribe alice TR_1",
                                        "data hi",
                                        "metadata m",
                                        "delete"}));
}

TEST_F(RoomServiceTest, NeedsTheGrantForTheRoomThatItIsAbout) {
    const access::VideoGrant elsewhere{.room = "other", .room_admin = true};
    const access::VideoGrant member{.room = "demo", .room_join = true};
    for (const std::string method : {"ListParticipants",
                                     "GetParticipant",
                                     "RemoveParticipant",
                                     "MutePublishedTrack",
                                     "UpdateParticipant",
                                     "UpdateSubscriptions",
                                     "SendData",
                                     "UpdateRoomMetadata"}) {
        for (const access::VideoGrant& grant : {elsewhere, member, kCreator, kLister}) {
            EXPECT_EQ(call(method, R"({"room": "demo"})", grant).status, 401U) << method;
        }
    }
    EXPECT_EQ(call("CreateRoom", R"({"name": "new"})", kAdmin).status, 401U);
    EXPECT_EQ(call("DeleteRoom", R"({"room": "demo"})", kAdmin).status, 401U);
    EXPECT_EQ(call("ListRooms", "{}", kAdmin).status, 401U);
    EXPECT_TRUE(rooms_.calls.empty());
}

TEST_F(RoomServiceTest, SaysWhatIsWrong) {
    const access::VideoGrant nowhere{.room = "none", .room_admin = true};
    EXPECT_EQ(call("ListParticipants", R"({"room": "none"})", nowhere).status, 404U);
    EXPECT_EQ(call("CreateRoom", "{}", kCreator).status, 400U);
    EXPECT_EQ(call("SendData", R"({"room": "demo", "nonce": "aGk="})", kAdmin).status, 400U);
    EXPECT_EQ(call("MutePublishedTrack", R"({"room": "demo", "muted": false})", kAdmin).status,
              412U);
}

}  // namespace
}  // namespace isthmus::signaling::livekit
