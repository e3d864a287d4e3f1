// Offers and answers against the node's own negotiation.
#include "tools/load/offer.h"

#include <gtest/gtest.h>

#include "signaling/sdp/answer.h"
#include "signaling/sdp/negotiate.h"
#include "tools/load/answer.h"

namespace isthmus::load {
namespace {

using media::rtp::Codec;
using media::rtp::ExtensionKind;
using media::rtp::MediaKind;
using media::transport::Fingerprint;
using media::transport::IpAddress;
using media::transport::Protocol;
using signaling::sdp::Role;
using signaling::sdp::SessionDescription;

OfferSpec spec() {
    return {.ice = {.ufrag = "abcd", .pwd = "abcdefghijklmnopqrstuvwx"},
            .fingerprint = Fingerprint{},
            .cname = "alice",
            .session_id = 1};
}

// What the node answers; nothing else of it is needed here.
std::string answer_to(const SessionDescription& offer, Role role, bool simulcast = false) {
    // Over the wire and back.
    const auto parsed =
        signaling::sdp::parse_session_description(signaling::sdp::write_session_description(offer));
    EXPECT_TRUE(parsed);
    EXPECT_EQ(*parsed, offer);
    const auto negotiated =
        signaling::sdp::negotiate(*parsed, {.role = role, .accept_simulcast = simulcast});
    EXPECT_TRUE(negotiated);
    media::sfu::LocalDescription local{
        .ice = {.ufrag = "node", .pwd = "ABCDEFGHIJKLMNOPQRSTUVWX"},
        .fingerprint = {},
        .candidates = {{.protocol = Protocol::kTcp,
                        .address = {.ip = IpAddress::v4({192, 0, 2, 1}), .port = 9},
                        .priority = 1,
                        .foundation = "1"},
                       {.protocol = Protocol::kUdp,
                        .address = {.ip = IpAddress::v4({192, 0, 2, 1}), .port = 5004},
                        .priority = 2,
                        .foundation = "2"}}};
    for (const auto& section : negotiated->connection.sections) {
        if (section.direction == media::sfu::Direction::kSend) {
            const bool video = section.kind == MediaKind::kVideo;
            local.senders.push_back({.mid = section.mid,
                                     .ssrc = 100,
                                     .rtx_ssrc = video ? std::optional(101U) : std::nullopt,
                                     .cname = "node",
                                     .stream_id = "s",
                                     .track_id = "t"});
        }
    }
    return signaling::sdp::write_session_description(
        signaling::sdp::make_answer(*parsed, *negotiated, local, 7));
}

TEST(LoadOffer, PublishesWithTheWantedCodecFirst) {
    for (const Codec codec : {Codec::kVp8, Codec::kH264, Codec::kAv1}) {
        OfferSpec wanted = spec();
        wanted.video_codec = codec;
        wanted.tracks = {{.kind = MediaKind::kAudio, .ssrc = 1},
                         {.kind = MediaKind::kVideo, .ssrc = 2, .rtx_ssrc = 3}};
        const auto answer = read_answer(answer_to(make_offer(wanted), Role::kPublisher));
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->ice.ufrag, "node");
        EXPECT_EQ(answer->role, media::transport::DtlsRole::kClient);
        ASSERT_EQ(answer->candidates.size(), 1U) << "over UDP only";
        EXPECT_EQ(answer->candidates[0].port, 5004);
        ASSERT_EQ(answer->sections.size(), 2U);
        EXPECT_TRUE(answer->sections[0].send);
        EXPECT_EQ(answer->sections[0].formats.at(0).codec, Codec::kOpus);
        EXPECT_NE(answer->sections[0].extensions.id_of(ExtensionKind::kAudioLevel), 0);
        const auto& video = answer->sections[1];
        EXPECT_EQ(video.formats.at(0).codec, codec);
        EXPECT_TRUE(video.formats[0].rtx_payload_type);
        EXPECT_TRUE(video.formats[0].nack);
        EXPECT_TRUE(video.rtcp_reduced_size);
        EXPECT_NE(video.extensions.id_of(ExtensionKind::kMid), 0);
        EXPECT_TRUE(video.rids.empty());
    }
}

TEST(LoadOffer, OffersThreeLayers) {
    OfferSpec wanted = spec();
    wanted.tracks = {{.kind = MediaKind::kVideo, .rids = {"q", "h", "f"}}};
    const SessionDescription offer = make_offer(wanted);
    EXPECT_TRUE(offer.media[0].ssrcs.empty()) << "browsers announce none with rids";
    const auto answer = read_answer(answer_to(offer, Role::kPublisher, true));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->sections.at(0).rids, (std::vector<std::string>{"q", "h", "f"}));
    EXPECT_NE(answer->sections[0].extensions.id_of(ExtensionKind::kRid), 0);
}

TEST(LoadOffer, WatchesOnSectionsOfItsOwn) {
    OfferSpec wanted = spec();
    wanted.receive = {MediaKind::kAudio, MediaKind::kAudio, MediaKind::kAudio, MediaKind::kVideo};
    const auto answer = read_answer(answer_to(make_offer(wanted), Role::kViewer));
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->sections.size(), 4U);
    for (const auto& section : answer->sections) {
        EXPECT_TRUE(section.receive);
        EXPECT_FALSE(section.send);
        EXPECT_EQ(section.ssrc, 100U);
    }
    EXPECT_FALSE(answer->sections[0].rtx_ssrc);
    EXPECT_EQ(answer->sections[3].rtx_ssrc, 101U);
}

TEST(LoadAnswer, SaysWhatIsMissing) {
    OfferSpec wanted = spec();
    wanted.receive = {MediaKind::kAudio};
    const std::string good = answer_to(make_offer(wanted), Role::kViewer);
    const auto without = [&good](const std::string& line) {
        const std::size_t at = good.find(line);
        EXPECT_NE(at, std::string::npos);
        std::string text = good;
        text.erase(at, text.find("\r\n", at) + 2 - at);
        return text;
    };
    EXPECT_FALSE(read_answer(""));
    EXPECT_TRUE(read_answer(without("a=ice-ufrag")).error().message.contains("ICE credentials"));
    EXPECT_TRUE(read_answer(without("a=fingerprint")).error().message.contains("fingerprint"));
    EXPECT_TRUE(
        read_answer(without("a=candidate:2 1 udp")).error().message.contains("UDP candidate"));
}

}  // namespace
}  // namespace isthmus::load
