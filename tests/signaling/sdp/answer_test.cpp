#include "signaling/sdp/answer.h"

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/signaling/sdp/offers.h"

namespace isthmus::signaling::sdp {
namespace {

using media::sfu::Direction;
using media::sfu::LocalDescription;
using media::transport::IceCandidate;
using media::transport::IpAddress;
using media::transport::Protocol;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

NegotiatedSession negotiated_of(const SessionDescription& offer, const NegotiationPolicy& policy) {
    auto result = negotiate(offer, policy);
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : NegotiatedSession{};
}

// As the switchboard makes it: a sender for each section that is sent.
LocalDescription local_for(const NegotiatedSession& negotiated) {
    LocalDescription local;
    local.ice = {.ufrag = "nodeufrag", .pwd = "nodepasswordnodepassword"};
    local.candidates = {{.protocol = Protocol::kUdp,
                         .address = {.ip = IpAddress::v4({192, 0, 2, 1}), .port = 5004},
                         .priority = 2130706431,
                         .foundation = "1"},
                        {.protocol = Protocol::kTcp,
                         .address = {.ip = *IpAddress::parse("2001:db8::1"), .port = 5004},
                         .priority = 1671430143,
                         .foundation = "2"}};
    std::uint32_t ssrc = 1000;
    for (const auto& section : negotiated.connection.sections) {
        if (section.direction == Direction::kSend && !section.formats.empty()) {
            const bool video = section.kind == media::rtp::MediaKind::kVideo;
            local.senders.push_back({.mid = section.mid,
                                     .ssrc = ssrc,
                                     .rtx_ssrc = video ? std::optional(ssrc + 1) : std::nullopt,
                                     .fec_ssrc = section.flexfec_payload_type
                                                     ? std::optional(ssrc + 100)
                                                     : std::nullopt,
                                     .cname = "node",
                                     .stream_id = "stream",
                                     .track_id = "track" + section.mid});
            ssrc += 2;
        }
    }
    return local;
}

struct Exchange {
    SessionDescription offer;
    NegotiatedSession negotiated;
    SessionDescription answer;
    std::string text;
};

Exchange offer_and_answer(std::string_view offer_text, const NegotiationPolicy& policy) {
    Exchange made;
    made.offer = parse_good(offer_text);
    made.negotiated = negotiated_of(made.offer, policy);
    made.answer = make_answer(made.offer, made.negotiated, local_for(made.negotiated), 42);
    made.text = write_session_description(made.answer);
    return made;
}

Exchange offer_and_answer_file(std::string_view name, Role role) {
    NegotiationPolicy policy;
    policy.role = role;
    return offer_and_answer(read_offer(name), policy);
}

// What RFC 3264 and RFC 9143 want of any answer.
void expect_consistent(const Exchange& made) {
    const SessionDescription answer = parse_good(made.text);
    EXPECT_EQ(answer, made.answer);
    ASSERT_EQ(answer.media.size(), made.offer.media.size());
    std::set<std::string> live_mids;
    for (std::size_t i = 0; i < answer.media.size(); ++i) {
        const MediaDescription& ours = answer.media[i];
        const MediaDescription& theirs = made.offer.media[i];
        EXPECT_EQ(ours.media, theirs.media);
        EXPECT_EQ(ours.protocol, theirs.protocol);
        EXPECT_EQ(ours.mid, theirs.mid);
        EXPECT_THAT(ours.formats, testing::Not(IsEmpty()));
        for (const PayloadType& type : ours.payload_types) {
            const PayloadType* const offered = theirs.find_payload_type(type.number);
            ASSERT_NE(offered, nullptr) << int{type.number};
            EXPECT_EQ(type.map, offered->map);
            for (const std::string& feedback : type.feedback) {
                EXPECT_THAT(offered->feedback, testing::Contains(feedback));
            }
        }
        for (const ExtensionMap& map : ours.extensions) {
            EXPECT_THAT(
                theirs.extensions,
                testing::Contains(testing::AllOf(testing::Field(&ExtensionMap::id, map.id),
                                                 testing::Field(&ExtensionMap::uri, map.uri))));
        }
        if (ours.port != 0) {
            live_mids.insert(ours.mid);
            EXPECT_TRUE(ours.rtcp_mux);
            EXPECT_EQ(ours.ice_ufrag, "nodeufrag");
            EXPECT_EQ(ours.fingerprints.size(), 1U);
            EXPECT_TRUE(ours.setup == Setup::kPassive || ours.setup == Setup::kActive);
        }
    }
    if (!answer.bundle_groups.empty()) {
        EXPECT_THAT(answer.bundle_groups[0], testing::UnorderedElementsAreArray(live_mids));
    }
}

std::vector<NegotiationPolicy> all_policies() {
    std::vector<NegotiationPolicy> policies(4);
    policies[1].accept_simulcast = true;
    policies[3].accept_simulcast = true;
    policies[0].role = policies[1].role = Role::kPublisher;
    policies[2].role = policies[3].role = Role::kViewer;
    return policies;
}

TEST(Answer, FitsEveryRecordedOffer) {
    std::size_t answered = 0;
    for (const std::string& name : all_offers()) {
        for (const NegotiationPolicy& policy : all_policies()) {
            const SessionDescription offer = parse_good(read_offer(name));
            if (negotiate(offer, policy)) {
                SCOPED_TRACE(name);
                expect_consistent(offer_and_answer(read_offer(name), policy));
                ++answered;
            }
        }
    }
    EXPECT_GE(answered, 16U);
}

TEST(Answer, ToAPublisherHasWhatIceLiteAndDtlsNeed) {
    const Exchange made = offer_and_answer_file("firefox_publish.sdp", Role::kPublisher);
    EXPECT_TRUE(made.answer.ice_lite);
    EXPECT_TRUE(made.answer.extmap_allow_mixed);
    EXPECT_THAT(made.text, testing::StartsWith("v=0\r\no=- 42 1 IN IP4 0.0.0.0\r\ns=-\r\n"));
    EXPECT_THAT(made.text, HasSubstr("\r\na=ice-lite\r\n"));
    EXPECT_THAT(made.text, HasSubstr("\r\na=group:BUNDLE 0 1\r\n"));
    EXPECT_THAT(made.text, HasSubstr("\r\nm=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 126 127 "));
    const MediaDescription& audio = made.answer.media[0];
    EXPECT_EQ(audio.direction, StreamDirection::kReceiveOnly);
    EXPECT_EQ(audio.setup, Setup::kPassive);
    EXPECT_THAT(audio.ice_options, ElementsAre("trickle"));
    EXPECT_THAT(audio.ssrcs, IsEmpty());
    EXPECT_EQ(audio.msid, "");
    EXPECT_FALSE(audio.rtcp_reduced_size) << "not offered";
    EXPECT_TRUE(made.answer.media[1].rtcp_reduced_size);
}

TEST(Answer, TakesCongestionFeedbackForAllTypesAtOnce) {
    NegotiationPolicy policy;
    policy.role = Role::kViewer;
    const std::string offer =
        replaced(offer_of(kVp8Section), "a=sendonly\r\n", "a=recvonly\r\na=rtcp-fb:* ack ccfb\r\n");
    const Exchange made = offer_and_answer(offer, policy);
    EXPECT_TRUE(made.answer.media[0].congestion_feedback);
    EXPECT_THAT(made.text, HasSubstr("\r\na=rtcp-fb:* ack ccfb\r\n"));
    EXPECT_THAT(offer_and_answer(replaced(offer, " ack ccfb", " nack"), policy).text,
                testing::Not(HasSubstr("ccfb")));
}

TEST(Answer, CandidatesStandInTheFirstSectionOfTheBundleOnly) {
    const Exchange made = offer_and_answer_file("firefox_publish.sdp", Role::kPublisher);
    EXPECT_THAT(made.answer.media[0].candidates,
                ElementsAre("1 1 udp 2130706431 192.0.2.1 5004 typ host",
                            "2 1 tcp 1671430143 2001:db8::1 5004 typ host tcptype passive"));
    EXPECT_TRUE(made.answer.media[0].end_of_candidates);
    EXPECT_THAT(made.answer.media[1].candidates, IsEmpty());
    EXPECT_FALSE(made.answer.media[1].end_of_candidates);
}

TEST(Answer, CandidatesFollowTheBundleWhereTheFirstSectionIsRejected) {
    std::string text(kSessionLines);
    text.append(kTransportLines).append("a=group:BUNDLE d 1 0\r\n");
    text.append("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n");
    text.append(kOpusSection).append(kVp8Section);
    const Exchange made = offer_and_answer(text, {});
    expect_consistent(made);
    EXPECT_EQ(made.answer.media[0].port, 0);
    EXPECT_THAT(made.answer.media[0].formats, ElementsAre("webrtc-datachannel"));
    EXPECT_EQ(made.answer.media[0].direction, StreamDirection::kInactive);
    EXPECT_THAT(made.answer.bundle_groups[0], ElementsAre("1", "0"));
    EXPECT_THAT(made.answer.media[1].candidates, IsEmpty());
    EXPECT_EQ(made.answer.media[2].candidates.size(), 2U);
}

TEST(Answer, LeavesOutRedAndFecAndWhatTheNodeDoesNotForward) {
    const Exchange made =
        offer_and_answer_file("chromium_six_recvonly_and_data_channel.sdp", Role::kViewer);
    for (const char* name : {"red/90000",
                             "ulpfec",
                             "telephone-event",
                             "CN/",
                             "G722",
                             "f4001f",
                             "toffset",
                             "video-timing",
                             "color-space"}) {
        EXPECT_THAT(made.text, testing::Not(HasSubstr(name)));
    }
    EXPECT_THAT(made.text, HasSubstr("a=rtpmap:97 rtx/90000\r\n"));
    EXPECT_THAT(made.text, HasSubstr("a=fmtp:97 apt=96\r\n"));
    EXPECT_THAT(made.text, HasSubstr("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
}

TEST(Answer, OffersARepairStreamToAViewerThatTakesFlexfec) {
    const Exchange viewer =
        offer_and_answer_file("chromium_six_recvonly_and_data_channel.sdp", Role::kViewer);
    EXPECT_EQ(viewer.negotiated.connection.sections[3].flexfec_payload_type, 49);
    EXPECT_THAT(viewer.text,
                HasSubstr("a=rtpmap:49 flexfec-03/90000\r\na=rtcp-fb:49 goog-remb\r\n"
                          "a=rtcp-fb:49 transport-cc\r\na=fmtp:49 repair-window=10000000\r\n"));
    EXPECT_THAT(viewer.text, HasSubstr("a=ssrc-group:FEC-FR 1006 1106\r\n"));
    EXPECT_THAT(viewer.text, HasSubstr("a=ssrc:1106 cname:node\r\n"));
    // Publishers repair by retransmission.
    const Exchange publisher =
        offer_and_answer_file("chromium_simulcast_paused_rids.sdp", Role::kPublisher);
    EXPECT_THAT(publisher.text, testing::Not(HasSubstr("flexfec")));
}

TEST(Answer, RedForSoundStandsWhereTheOfferHasIt) {
    const Exchange after =
        offer_and_answer_file("chromium_six_recvonly_and_data_channel.sdp", Role::kViewer);
    EXPECT_THAT(after.text, HasSubstr("m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0 8\r\n"));
    EXPECT_THAT(after.text, HasSubstr("a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"));
    // A browser sends what the answer lists first.
    const Exchange before = offer_and_answer(
        offer_of("m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\na=rtpmap:111 opus/48000/2\r\n"
                 "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtcp-mux\r\n"),
        {});
    EXPECT_THAT(before.text, HasSubstr("SAVPF 63 111\r\n"));
}

TEST(Answer, ToAViewerAnnouncesTheSenders) {
    const Exchange made =
        offer_and_answer_file("chromium_six_recvonly_and_data_channel.sdp", Role::kViewer);
    const MediaDescription& audio = made.answer.media[0];
    EXPECT_EQ(audio.direction, StreamDirection::kSendOnly);
    EXPECT_EQ(audio.msid, "stream track0");
    EXPECT_THAT(audio.ssrcs,
                ElementsAre(SsrcAttributes{.ssrc = 1000, .cname = "node", .msid = ""}));
    EXPECT_THAT(audio.ssrc_groups, IsEmpty());
    const MediaDescription& video = made.answer.media[3];
    EXPECT_THAT(video.ssrc_groups,
                ElementsAre(SsrcGroup{.semantics = "FID", .ssrcs = {1006, 1007}},
                            SsrcGroup{.semantics = "FEC-FR", .ssrcs = {1006, 1106}}));
    EXPECT_THAT(made.text,
                HasSubstr("a=ssrc-group:FID 1006 1007\r\na=ssrc-group:FEC-FR 1006 1106\r\n"
                          "a=ssrc:1006 cname:node\r\n"));
}

TEST(Answer, MirrorsSimulcastWhereItWasAccepted) {
    NegotiationPolicy policy;
    policy.accept_simulcast = false;
    const std::string offer = read_offer("chromium_simulcast_three_rids.sdp");
    EXPECT_THAT(
        offer_and_answer(offer, policy).text,
        testing::AllOf(testing::Not(HasSubstr("a=rid:")), testing::Not(HasSubstr("a=simulcast:"))));
    policy.accept_simulcast = true;
    const Exchange made = offer_and_answer(offer, policy);
    EXPECT_THAT(made.text,
                HasSubstr("a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\n"
                          "a=simulcast:recv q;h;f\r\n"));
}

TEST(Answer, TakesPausedEncodingsWithoutPausingThemItself) {
    const Exchange made = offer_and_answer(
        offer_of(std::string(kVp8Section) +
                 "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;~h;~f\r\n"),
        {});
    EXPECT_THAT(made.text, HasSubstr("a=simulcast:recv q;h;f\r\n"));
}

TEST(Answer, DirectionsOfExtensionsAreReversed) {
    const Exchange made = offer_and_answer(
        offer_of(std::string(kOpusSection) +
                 "a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"),
        {});
    EXPECT_THAT(made.text,
                HasSubstr("a=extmap:3/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"));
}

TEST(Answer, DoesNotRepeatTheParameterSetsOfTheOfferer) {
    const Exchange made =
        offer_and_answer_file("gstreamer_publish_bundle_only.sdp", Role::kPublisher);
    EXPECT_THAT(made.text, testing::Not(HasSubstr("sprop-")));
    EXPECT_THAT(made.text, HasSubstr("a=fmtp:97 packetization-mode=1;profile-level-id=42c01e\r\n"));
    EXPECT_EQ(made.answer.media[1].port, 9) << "bundle-only sections live";
    EXPECT_FALSE(made.answer.media[1].bundle_only);
    EXPECT_THAT(made.text, HasSubstr("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
}

TEST(Answer, IsActiveToAPassiveClient) {
    const Exchange made = offer_and_answer(
        replaced(offer_of(kOpusSection), "a=setup:actpass", "a=setup:passive"), {});
    EXPECT_EQ(made.answer.media[0].setup, Setup::kActive);
    EXPECT_THAT(made.answer.bundle_groups, IsEmpty());
    EXPECT_EQ(made.answer.media[0].candidates.size(), 2U);
}

}  // namespace
}  // namespace isthmus::signaling::sdp
