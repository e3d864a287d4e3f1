// The session against messages as the node writes them; no node here (load_smoke_test.cpp has one).
#include "tools/load/livekit_session.h"

#include <string>

#include <gtest/gtest.h>
#include <signaling/livekit/proto/rtc.pb.h>

#include "base/http/base64url.h"
#include "signaling/livekit/signal_codec.h"
#include "signaling/sdp/answer.h"
#include "signaling/sdp/negotiate.h"

namespace isthmus::load {
namespace {

namespace proto = ::livekit;
using media::rtp::MediaKind;

class NoSink final : public media::transport::DatagramSink {
  public:
    void send(std::span<const media::transport::OutDatagram> /*datagrams*/) override {}
};

class LivekitSessionTest : public ::testing::Test {
  protected:
    LivekitSessionTest() {
        options.livekit = true;
        options.simulcast = true;
    }

    proto::JoinRequest join_request() {
        const std::string target = session.make_target("TOKEN");
        const std::string begin = "/rtc/v1?access_token=TOKEN&join_request=";
        EXPECT_TRUE(target.starts_with(begin));
        proto::JoinRequest join;
        EXPECT_TRUE(signaling::livekit::decode_join_request(target.substr(begin.size()), join));
        return join;
    }

    // What a node would answer.
    proto::SignalResponse answer_to(const proto::SessionDescription& offer) {
        const auto parsed = signaling::sdp::parse_session_description(offer.sdp());
        EXPECT_TRUE(parsed);
        const auto negotiated =
            signaling::sdp::negotiate(*parsed, {.role = signaling::sdp::Role::kBoth});
        EXPECT_TRUE(negotiated);
        const media::sfu::LocalDescription local{
            .ice = {.ufrag = "node", .pwd = "ABCDEFGHIJKLMNOPQRSTUVWX"},
            .fingerprint = {},
            .candidates = {
                {.address = {.ip = media::transport::IpAddress::v4({127, 0, 0, 1}), .port = 5004},
                 .priority = 1,
                 .foundation = "1"}}};
        proto::SignalResponse response;
        response.mutable_answer()->set_type("answer");
        response.mutable_answer()->set_id(offer.id());
        response.mutable_answer()->set_sdp(signaling::sdp::write_session_description(
            signaling::sdp::make_answer(*parsed, *negotiated, local, 1)));
        return response;
    }

    [[nodiscard]] bool take(const proto::SignalResponse& response) {
        return session.handle_message(now, response.SerializeAsString());
    }

    // The next request that is an offer, or nothing.
    std::optional<proto::SessionDescription> next_offer() {
        while (const auto bytes = session.poll_request()) {
            proto::SignalRequest request;
            EXPECT_TRUE(request.ParseFromString(*bytes));
            if (request.has_offer()) {
                return request.offer();
            }
        }
        return std::nullopt;
    }

    static std::size_t sections_of(const proto::SessionDescription& offer) {
        const auto parsed = signaling::sdp::parse_session_description(offer.sdp());
        return parsed ? parsed->media.size() : 0;
    }

    proto::SignalResponse requirement(std::uint32_t audio, std::uint32_t video) {
        proto::SignalResponse response;
        response.mutable_media_sections_requirement()->set_num_audios(audio);
        response.mutable_media_sections_requirement()->set_num_videos(video);
        return response;
    }

    Instant now{std::chrono::seconds(100)};
    LoadOptions options;
    SeededRandom random{1};
    NoSink sink;
    std::unique_ptr<media::transport::SrtpFanout> fanout =
        *media::transport::make_srtp_fanout(media::transport::SrtpEngine::kAuto);
    std::shared_ptr<const media::transport::DtlsIdentity> identity =
        *media::transport::DtlsIdentity::make(media::transport::kSrtpProfilesByPreference);
    media::client::PacketBatch batch{*fanout, sink};
    LayerRecordings recordings = LayerRecordings(3, std::make_shared<media::client::Recording>());
    DurationSet durations;
    ParticipantContext context{.options = options,
                               .random = random,
                               .identity = identity,
                               .fanout = *fanout,
                               .batch = batch,
                               .ntp = {now, media::rtp::NtpTime{}},
                               .recordings = recordings,
                               .durations = durations};
    Participant participant{ParticipantRole::kPublisher, "alice", context};
    LivekitSession session{options,
                           participant,
                           {.ip = media::transport::IpAddress::v4({127, 1, 0, 1}), .port = 9},
                           media::transport::LinkId{0}};
};

TEST_F(LivekitSessionTest, AnnouncesItsTracksWithTheFirstOffer) {
    const proto::JoinRequest join = join_request();
    EXPECT_TRUE(join.connection_settings().auto_subscribe());
    ASSERT_EQ(join.add_track_requests_size(), 2);
    EXPECT_EQ(join.add_track_requests(0).type(), proto::AUDIO);
    const proto::AddTrackRequest& video = join.add_track_requests(1);
    EXPECT_EQ(video.source(), proto::CAMERA);
    ASSERT_EQ(video.layers_size(), 3);
    EXPECT_EQ(video.layers(0).quality(), proto::LOW);
    EXPECT_EQ(video.simulcast_codecs(0).codec(), "vp8");
    // The track that the section sends is the one announced.
    EXPECT_TRUE(join.publisher_offer().sdp().contains(" " + video.cid() + "\r\n"));
    // Two that it sends on, three of each kind to receive on.
    EXPECT_EQ(sections_of(join.publisher_offer()), 8U);
}

TEST_F(LivekitSessionTest, OffersMoreSectionsOnceTheOfferBeforeIsAnswered) {
    const proto::JoinRequest join = join_request();
    EXPECT_TRUE(take(requirement(1, 2)));
    EXPECT_FALSE(next_offer()) << "the first one is still open";
    EXPECT_TRUE(take(answer_to(join.publisher_offer())));
    const auto second = next_offer();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->id(), join.publisher_offer().id() + 1);
    EXPECT_EQ(sections_of(*second), 11U);
    EXPECT_TRUE(take(answer_to(*second)));
    EXPECT_FALSE(next_offer());
    // None are missing, but the node wants to negotiate.
    EXPECT_TRUE(take(requirement(0, 0)));
    const auto third = next_offer();
    ASSERT_TRUE(third);
    EXPECT_EQ(sections_of(*third), 11U);
}

TEST_F(LivekitSessionTest, KeepsSectionsWhereTheyAre) {
    const proto::JoinRequest join = join_request();
    EXPECT_TRUE(take(answer_to(join.publisher_offer())));
    EXPECT_TRUE(take(requirement(1, 1)));
    const auto second = next_offer();
    ASSERT_TRUE(second);
    const auto before = signaling::sdp::parse_session_description(join.publisher_offer().sdp());
    const auto after = signaling::sdp::parse_session_description(second->sdp());
    ASSERT_TRUE(before && after);
    for (std::size_t i = 0; i < before->media.size(); ++i) {
        EXPECT_EQ(before->media[i], after->media[i]) << i;
    }
    EXPECT_GT(after->session_version, before->session_version);
}

TEST_F(LivekitSessionTest, IgnoresAnswersToOtherOffers) {
    const proto::JoinRequest join = join_request();
    proto::SignalResponse answer = answer_to(join.publisher_offer());
    answer.mutable_answer()->set_id(7);
    EXPECT_TRUE(take(answer));
    EXPECT_EQ(participant.state(), ParticipantState::kSignaling);
}

TEST_F(LivekitSessionTest, PingsAsOftenAsTheNodeWants) {
    static_cast<void>(join_request());
    proto::SignalResponse join;
    join.mutable_join()->set_ping_interval(5);
    EXPECT_TRUE(take(join));
    EXPECT_EQ(session.next_timeout(), now + std::chrono::seconds(5));
    session.handle_timeout(now + std::chrono::seconds(5));
    const auto bytes = session.poll_request();
    ASSERT_TRUE(bytes);
    proto::SignalRequest request;
    ASSERT_TRUE(request.ParseFromString(*bytes));
    EXPECT_TRUE(request.has_ping_req());
    EXPECT_EQ(session.next_timeout(), now + std::chrono::seconds(10));
}

TEST_F(LivekitSessionTest, FailsWhereTheNodeSendsItAway) {
    static_cast<void>(join_request());
    proto::SignalResponse leave;
    leave.mutable_leave()->set_reason(proto::DUPLICATE_IDENTITY);
    EXPECT_FALSE(take(leave));
    EXPECT_TRUE(session.problem().contains("DUPLICATE_IDENTITY")) << session.problem();
    EXPECT_FALSE(session.handle_message(now, "\xff\xff"));
}

TEST_F(LivekitSessionTest, FailsOnAnAnswerThatCannotBeUsed) {
    const proto::JoinRequest join = join_request();
    proto::SignalResponse answer;
    answer.mutable_answer()->set_id(join.publisher_offer().id());
    answer.mutable_answer()->set_sdp("v=0\r\n");
    EXPECT_FALSE(take(answer));
    EXPECT_NE(session.problem(), "");
}

}  // namespace
}  // namespace isthmus::load
