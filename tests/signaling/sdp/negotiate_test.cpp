#include "signaling/sdp/negotiate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signaling/sdp/header_extensions.h"
#include "tests/signaling/sdp/offers.h"

namespace isthmus::signaling::sdp {
namespace {

using media::rtp::Codec;
using media::rtp::ExtensionKind;
using media::rtp::MediaKind;
using media::sfu::Direction;
using media::sfu::MediaSection;
using media::transport::DtlsRole;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

NegotiationPolicy policy_of(Role role) {
    NegotiationPolicy policy;
    policy.role = role;
    return policy;
}

NegotiatedSession negotiate_good(std::string_view text, const NegotiationPolicy& policy = {}) {
    auto result = negotiate(parse_good(text), policy);
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : NegotiatedSession{};
}

NegotiationError refusal(std::string_view text, const NegotiationPolicy& policy = {}) {
    auto result = negotiate(parse_good(text), policy);
    EXPECT_FALSE(result);
    return result ? NegotiationError{} : result.error();
}

std::string two_sections() {
    return offer_of(std::string(kOpusSection) + std::string(kVp8Section), "0 1");
}

TEST(Negotiate, AFirefoxPublisher) {
    const NegotiatedSession session = negotiate_good(read_offer("firefox_publish.sdp"));
    EXPECT_THAT(session.bundle, ElementsAre("0", "1"));
    EXPECT_EQ(session.connection.remote_ice.ufrag, "8bdd5b76");
    EXPECT_EQ(session.connection.local_role, DtlsRole::kServer);
    EXPECT_THAT(session.connection.remote_fingerprint.to_string(), HasSubstr("AE:EB:58"));
    ASSERT_EQ(session.connection.sections.size(), 2U);

    const MediaSection& audio = session.connection.sections[0];
    EXPECT_EQ(audio.kind, MediaKind::kAudio);
    EXPECT_EQ(audio.direction, Direction::kReceive);
    EXPECT_EQ(audio.extensions.id_of(ExtensionKind::kAudioLevel), 1);
    EXPECT_EQ(audio.extensions.id_of(ExtensionKind::kMid), 3);
    EXPECT_THAT(audio.ssrcs, ElementsAre(2655508255));
    EXPECT_EQ(audio.stream_id, "{0f3a6c1e-55aa-4b0e-9c5a-7b1c6cb28c11}");
    EXPECT_EQ(audio.track_id, "{8a7de0e4-9f7d-4b2a-8fd5-0e9f2a6a3f10}");

    const MediaSection& video = session.connection.sections[1];
    EXPECT_EQ(video.kind, MediaKind::kVideo);
    EXPECT_TRUE(video.rtcp_reduced_size);
    EXPECT_THAT(video.ssrcs, ElementsAre(1502321137, 3321849927));
    EXPECT_EQ(video.cname, "{b0a4c3de-6a2c-4a53-97d5-3a9b2f9d5f01}");
    EXPECT_EQ(video.extensions.id_of(ExtensionKind::kTransportSequence), 7);
    // Offered with /recvonly by a client that only sends.
    EXPECT_EQ(video.extensions.id_of(ExtensionKind::kPlayoutDelay), 0);
    ASSERT_FALSE(video.formats.empty());
    EXPECT_EQ(video.formats[0].codec, Codec::kVp8);
    EXPECT_TRUE(video.formats[0].transport_cc);
}

TEST(Negotiate, AViewerReceivesAndAnnouncesNothing) {
    const NegotiatedSession session = negotiate_good(
        read_offer("chromium_six_recvonly_and_data_channel.sdp"), policy_of(Role::kViewer));
    ASSERT_EQ(session.connection.sections.size(), 7U);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(session.connection.sections[i].direction, Direction::kSend) << i;
        EXPECT_THAT(session.connection.sections[i].ssrcs, IsEmpty());
    }
    // SPEC rfc9143#7.3.3: a rejected section leaves the BUNDLE.
    EXPECT_THAT(session.connection.sections[6].formats, IsEmpty());
    EXPECT_THAT(session.bundle, ElementsAre("0", "1", "2", "3", "4", "5"));
}

TEST(Negotiate, ASectionForTheOtherRoleIsInactive) {
    const NegotiatedSession session =
        negotiate_good(read_offer("chromium_audio_sendonly_among_recvonly.sdp"));
    std::size_t receiving = 0;
    for (const MediaSection& section : session.connection.sections) {
        receiving += section.direction == Direction::kReceive ? 1 : 0;
        EXPECT_NE(section.direction, Direction::kSend);
    }
    EXPECT_EQ(receiving, 1U);
}

TEST(Negotiate, SendReceiveBecomesWhatTheRoleIs) {
    std::string text = replaced(offer_of(kOpusSection), "a=sendonly", "a=sendrecv");
    EXPECT_EQ(negotiate_good(text).connection.sections[0].direction, Direction::kReceive);
    EXPECT_EQ(negotiate_good(text, policy_of(Role::kViewer)).connection.sections[0].direction,
              Direction::kSend);
}

TEST(Negotiate, GStreamersBundleOnlySectionsAreAlive) {
    const NegotiatedSession session =
        negotiate_good(read_offer("gstreamer_publish_bundle_only.sdp"));
    ASSERT_EQ(session.connection.sections.size(), 2U);
    EXPECT_FALSE(session.connection.sections[1].formats.empty());
    EXPECT_THAT(session.bundle, ElementsAre("video0", "audio1"));
    EXPECT_EQ(session.connection.remote_ice.ufrag, "ZnKq7r+/3bXk0Qm1u2Yw9sTtVvPpLlOo");
    EXPECT_EQ(session.connection.sections[0].extensions.id_of(ExtensionKind::kMid), 0);
    EXPECT_EQ(session.connection.sections[0].stream_id, "user1000");
    EXPECT_EQ(session.connection.sections[0].track_id, "webrtctransceiver0");
    // Feedback about transport-wide numbers that no extension carries.
    EXPECT_FALSE(session.connection.sections[0].formats[0].transport_cc);
}

// SPEC rfc8888#6
TEST(Negotiate, FeedbackByStreamWhereNothingElseIsOffered) {
    const auto offer = [](std::string_view lines) {
        return replaced(offer_of(kVp8Section),
                        "a=sendonly\r\n",
                        "a=recvonly\r\n" + std::string(lines) + "\r\n");
    };
    const auto takes = [](std::string_view text, Role role) {
        return negotiate_good(text, policy_of(role)).connection.sections[0].congestion_feedback;
    };
    EXPECT_TRUE(takes(offer("a=rtcp-fb:* ack ccfb"), Role::kViewer));
    EXPECT_FALSE(takes(offer("a=rtcp-fb:96 ack ccfb"), Role::kViewer)) << "must be of all types";
    EXPECT_FALSE(takes(offer("a=rtcp-fb:* ack"), Role::kViewer));
    EXPECT_FALSE(takes(offer("a=x"), Role::kViewer));
    const std::string both = offer(
        "a=rtcp-fb:* ack ccfb\r\na=rtcp-fb:96 transport-cc\r\n"
        "a=extmap:3 http://www.ietf.org/id/"
        "draft-holmer-rmcat-transport-wide-cc-extensions-01");
    EXPECT_FALSE(takes(both, Role::kViewer)) << "one of two, and that one numbers packets";
    EXPECT_TRUE(negotiate_good(both, policy_of(Role::kViewer))
                    .connection.sections[0]
                    .formats[0]
                    .transport_cc);
    // Without the numbers there is no transport-wide feedback.
    EXPECT_TRUE(takes(offer("a=rtcp-fb:* ack ccfb\r\na=rtcp-fb:96 transport-cc"), Role::kViewer));
    const std::string publisher =
        replaced(offer_of(kVp8Section), "a=sendonly\r\n", "a=sendonly\r\na=rtcp-fb:* ack ccfb\r\n");
    EXPECT_FALSE(takes(publisher, Role::kPublisher)) << "publishers are told transport-wide";
}

TEST(Negotiate, SlidesAreAScreenShare) {
    using media::sfu::TrackSource;
    const auto source_of = [](std::string_view content) {
        const std::string text =
            replaced(two_sections(), "a=mid:1\r\n", "a=mid:1\r\n" + std::string(content) + "\r\n");
        return negotiate_good(text).connection.sections[1].source;
    };
    EXPECT_EQ(source_of("a=content:slides"), TrackSource::kScreenShare);
    EXPECT_EQ(source_of("a=content:alt,slides"), TrackSource::kScreenShare);
    EXPECT_EQ(source_of("a=content:main"), std::nullopt);
    EXPECT_EQ(source_of("a=content:slideshow"), std::nullopt);
    EXPECT_EQ(source_of("a=x"), std::nullopt) << "nothing said";
}

TEST(Negotiate, PortZeroWithoutBundleOnlyIsRejected) {
    std::string text = replaced(two_sections(), "m=video 9", "m=video 0");
    const NegotiatedSession session = negotiate_good(text);
    EXPECT_THAT(session.connection.sections[1].formats, IsEmpty());
    EXPECT_EQ(session.connection.sections[1].direction, Direction::kInactive);
    EXPECT_THAT(session.bundle, ElementsAre("0"));
}

TEST(Negotiate, BundleOnlySectionsTakeTheTransportOfTheFirst) {
    std::string text(kSessionLines);
    text.append("a=group:BUNDLE 0 1\r\n").append(kOpusSection).append(kTransportLines);
    text +=
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=bundle-only\r\na=sendonly\r\n"
        "a=rtpmap:96 VP8/90000\r\n";
    const NegotiatedSession session = negotiate_good(text);
    EXPECT_EQ(session.connection.sections[1].formats.size(), 1U);
    EXPECT_THAT(session.bundle, ElementsAre("0", "1"));
}

TEST(Negotiate, TheTransportMayStandInARejectedSection) {
    std::string text(kSessionLines);
    text.append(
        "a=group:BUNDLE d 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
        "a=mid:d\r\na=rtcp-mux\r\n");
    text.append(kTransportLines);
    text += "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=bundle-only\r\na=sendonly\r\n";
    const NegotiatedSession session = negotiate_good(text);
    EXPECT_EQ(session.connection.remote_ice.ufrag, "abcd");
    EXPECT_THAT(session.bundle, ElementsAre("0"));
}

TEST(Negotiate, AiortcsSecondUseOfAnIdIsDropped) {
    const NegotiatedSession session = negotiate_good(read_offer("aiortc_publish_one_id_twice.sdp"));
    const auto& audio = session.connection.sections[0].extensions;
    const auto& video = session.connection.sections[1].extensions;
    EXPECT_EQ(audio.id_of(ExtensionKind::kAudioLevel), 2);
    EXPECT_EQ(video.id_of(ExtensionKind::kAbsSendTime), 0);
    EXPECT_EQ(audio.id_of(ExtensionKind::kMid), 1);
    EXPECT_EQ(video.id_of(ExtensionKind::kMid), 1);
}

TEST(Negotiate, AnExtensionKeepsItsIdAcrossSections) {
    constexpr std::string_view kAbsSendTime =
        " http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n";
    const std::string text =
        offer_of(std::string(kOpusSection) + "a=extmap:3" + std::string(kAbsSendTime) +
                     std::string(kVp8Section) + "a=extmap:4" + std::string(kAbsSendTime),
                 "0 1");
    const NegotiatedSession session = negotiate_good(text);
    EXPECT_EQ(session.connection.sections[0].extensions.id_of(ExtensionKind::kAbsSendTime), 3);
    EXPECT_EQ(session.connection.sections[1].extensions.id_of(ExtensionKind::kAbsSendTime), 0);
}

TEST(Negotiate, ExtensionIdsFitTheOneByteHeader) {
    const auto id_with = [](std::string_view id) {
        return negotiate_good(offer_of(std::string(kOpusSection) + "a=extmap:" + std::string(id) +
                                       " urn:ietf:params:rtp-hdrext:sdes:mid\r\n"))
            .connection.sections[0]
            .extensions.id_of(ExtensionKind::kMid);
    };
    EXPECT_EQ(id_with("1"), 1);
    EXPECT_EQ(id_with("14"), 14);
    EXPECT_EQ(id_with("15"), 0);
    EXPECT_EQ(id_with("255"), 0);
    EXPECT_EQ(id_with("4096"), 0);
}

TEST(Negotiate, AMidThatDoesNotFitTheExtensionIsNotSentInIt) {
    const auto id_with = [](std::size_t length) {
        return negotiate_good(replaced(offer_of(kOpusSection),
                                       "a=mid:0",
                                       "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=mid:" +
                                           std::string(length, 'm')))
            .connection.sections[0]
            .extensions.id_of(ExtensionKind::kMid);
    };
    EXPECT_EQ(id_with(16), 1);
    EXPECT_EQ(id_with(17), 0);
}

std::vector<std::string> rids_of(const MediaSection& section) {
    std::vector<std::string> rids;
    rids.reserve(section.encodings.size());
    for (const media::sfu::Encoding& encoding : section.encodings) {
        rids.push_back(encoding.rid);
    }
    return rids;
}

TEST(Negotiate, SimulcastOnlyWhereThePolicySaysSo) {
    const std::string text = read_offer("chromium_simulcast_three_rids.sdp");
    NegotiationPolicy policy;
    policy.accept_simulcast = false;
    const MediaSection plain = negotiate_good(text, policy).connection.sections[7];
    EXPECT_THAT(plain.encodings, IsEmpty());
    EXPECT_EQ(plain.extensions.id_of(ExtensionKind::kRid), 0);
    policy.accept_simulcast = true;
    const MediaSection layered = negotiate_good(text, policy).connection.sections[7];
    EXPECT_THAT(rids_of(layered), ElementsAre("q", "h", "f"));
    EXPECT_EQ(layered.extensions.id_of(ExtensionKind::kRid), 10);
    EXPECT_EQ(layered.extensions.id_of(ExtensionKind::kRepairedRid), 11);
    policy.encodings_max = 2;
    EXPECT_THAT(rids_of(negotiate_good(text, policy).connection.sections[7]),
                ElementsAre("q", "h"));
}

TEST(Negotiate, KnowsWhichEncodingsBeginPaused) {
    const std::string text =
        offer_of(std::string(kVp8Section) +
                 "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;~h;~f\r\n");
    const MediaSection section = negotiate_good(text).connection.sections[0];
    ASSERT_THAT(rids_of(section), ElementsAre("q", "h", "f"));
    EXPECT_FALSE(section.encodings[0].paused);
    EXPECT_TRUE(section.encodings[1].paused);
    EXPECT_TRUE(section.encodings[2].paused);
}

TEST(Negotiate, ReadsTheRestrictionsOfRids) {
    const std::string text = offer_of(
        std::string(kVp8Section) +
        "a=sendonly\r\na=rid:a send max-width=320;max-height=180;max-fps=15;max-br=200000\r\n"
        "a=rid:b send pt=99\r\na=rid:c send pt=99,96;max-width=x\r\na=rid:d recv\r\n"
        "a=simulcast:send a;b;c;d;e;a\r\n");
    const MediaSection section = negotiate_good(text).connection.sections[0];
    // b has none of the accepted types, d is for the other direction, e is not described.
    ASSERT_THAT(rids_of(section), ElementsAre("a", "c"));
    EXPECT_EQ(section.encodings[0].max_width, 320U);
    EXPECT_EQ(section.encodings[0].max_height, 180U);
    EXPECT_EQ(section.encodings[0].max_fps, 15U);
    EXPECT_EQ(section.encodings[0].max_bitrate_bps, 200000U);
    EXPECT_EQ(section.encodings[1].max_width, 0U);
}

TEST(Negotiate, KnowsEncodingsByTheirSsrcs) {
    const std::string text =
        offer_of(std::string(kVp8Section) +
                 "a=sendonly\r\na=ssrc-group:SIM 1 3 5\r\na=ssrc-group:FID 1 2\r\n"
                 "a=ssrc-group:FID 5 6\r\na=ssrc:1 cname:x\r\n");
    const MediaSection section = negotiate_good(text).connection.sections[0];
    ASSERT_EQ(section.encodings.size(), 3U);
    EXPECT_EQ(section.encodings[0].ssrc, 1U);
    EXPECT_EQ(section.encodings[0].rtx_ssrc, 2U);
    EXPECT_EQ(section.encodings[1].ssrc, 3U);
    EXPECT_EQ(section.encodings[1].rtx_ssrc, std::nullopt);
    EXPECT_EQ(section.encodings[2].rtx_ssrc, 6U);
    const MediaSection firefox =
        negotiate_good(read_offer("firefox_publish.sdp")).connection.sections[1];
    ASSERT_EQ(firefox.encodings.size(), 1U);
    EXPECT_EQ(firefox.encodings[0].ssrc, 1502321137U);
    EXPECT_EQ(firefox.encodings[0].rtx_ssrc, 3321849927U);
}

TEST(Negotiate, TakesTheDependencyDescriptorWhereItIsOffered) {
    const std::string text = read_offer("chromium_simulcast_three_rids.sdp");
    const auto offer = parse_good(text);
    for (const ExtensionMap& map : offer.media[7].extensions) {
        if (map.uri == media::rtp::uri_of(ExtensionKind::kDependencyDescriptor)) {
            EXPECT_EQ(negotiate_good(text).connection.sections[7].extensions.id_of(
                          ExtensionKind::kDependencyDescriptor),
                      map.id);
            return;
        }
    }
    FAIL() << "Chromium offers it with simulcast";
}

TEST(Negotiate, FormatsKeepTheClientsOrderUnlessThePolicySaysOtherwise) {
    const std::string text = offer_of(
        "m=video 9 UDP/TLS/RTP/SAVPF 96 98\r\na=mid:1\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
        "a=rtpmap:98 VP9/90000\r\n");
    NegotiationPolicy policy;
    policy.codecs = {Codec::kVp9, Codec::kVp8};
    EXPECT_EQ(negotiate_good(text, policy).connection.sections[0].formats[0].codec, Codec::kVp8);
    policy.prefer_own_order = true;
    EXPECT_EQ(negotiate_good(text, policy).connection.sections[0].formats[0].codec, Codec::kVp9);
}

std::string data_section(
    std::string_view lines = "a=sctp-port:5000\r\na=max-message-size:262144\r\n") {
    return "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n" + std::string(lines);
}

NegotiationPolicy both(bool accept_data = true) {
    NegotiationPolicy policy = policy_of(Role::kBoth);
    policy.accept_data = accept_data;
    return policy;
}

TEST(Negotiate, TakesDataChannelsWhereThePolicySaysSo) {
    const NegotiatedSession session =
        negotiate_good(offer_of(std::string(kOpusSection) +
                                    data_section("a=sctp-port:5001\r\na=max-message-size:1000\r\n"),
                                "0 d"),
                       both());
    ASSERT_TRUE(session.connection.data.has_value());
    EXPECT_EQ(session.data_section, 1U);
    EXPECT_EQ(session.connection.data->remote_port, 5001);
    EXPECT_EQ(session.connection.data->remote_message_bytes_max, 1000U);
    EXPECT_THAT(session.bundle, ElementsAre("0", "d"));
    EXPECT_FALSE(
        negotiate_good(offer_of(std::string(kOpusSection) + data_section(), "0 d"), both(false))
            .connection.data.has_value());
}

// RFC 8841 section 6: 64 KiB where nothing is said; 0 means that there is no limit.
TEST(Negotiate, BoundsMessagesAsTheClientSays) {
    const auto most = [](std::string_view lines) {
        return negotiate_good(offer_of(data_section(lines), "d"), both())
            .connection.data->remote_message_bytes_max;
    };
    EXPECT_EQ(most("a=sctp-port:5000\r\n"), 65536U);
    EXPECT_EQ(most("a=sctp-port:5000\r\na=max-message-size:0\r\n"), 262144U);
    EXPECT_EQ(most("a=sctp-port:5000\r\na=max-message-size:1073741823\r\n"), 262144U);
}

TEST(Negotiate, TakesOneDataSectionOfTheKindThatItKnows) {
    const NegotiatedSession twice = negotiate_good(
        offer_of(data_section() + replaced(data_section(), "a=mid:d", "a=mid:e"), "d e"), both());
    EXPECT_EQ(twice.data_section, 0U);
    EXPECT_THAT(twice.bundle, ElementsAre("d"));
    const std::string old = replaced(
        replaced(data_section(), "UDP/DTLS/SCTP", "DTLS/SCTP"), "webrtc-datachannel", "5000");
    EXPECT_FALSE(negotiate_good(offer_of(std::string(kOpusSection) + old, "0 d"), both())
                     .connection.data.has_value());
}

// A browser that offers one encoding now may offer more in another section later, and knows the
// extensions then only if they were answered before.
TEST(Negotiate, KeepsRidExtensionsWhereSectionsOfBothKindsMayCome) {
    const std::string section =
        std::string(kVp8Section) +
        "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
        "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n";
    const auto rid_in = [&](const NegotiationPolicy& policy) {
        const NegotiatedSession session = negotiate_good(offer_of(section, "1"), policy);
        return std::pair<int, int>(
            session.connection.sections[0].extensions.id_of(ExtensionKind::kRid),
            session.connection.sections[0].extensions.id_of(ExtensionKind::kRepairedRid));
    };
    EXPECT_EQ(rid_in(both()), (std::pair<int, int>(10, 11)));
    EXPECT_EQ(rid_in(policy_of(Role::kPublisher)), (std::pair<int, int>(0, 0)));
}

TEST(Negotiate, SectionsBeyondTheLimitAreRejected) {
    NegotiationPolicy policy = policy_of(Role::kViewer);
    policy.sections_max = 4;
    const NegotiatedSession session =
        negotiate_good(read_offer("chromium_six_recvonly_and_data_channel.sdp"), policy);
    EXPECT_FALSE(session.connection.sections[3].formats.empty());
    EXPECT_TRUE(session.connection.sections[4].formats.empty());
    EXPECT_THAT(session.bundle, ElementsAre("0", "1", "2", "3"));
}

TEST(Negotiate, SetupDecidesWhoOpensTheHandshake) {
    const auto role_with = [](std::string_view setup) {
        return negotiate_good(replaced(offer_of(kOpusSection), "a=setup:actpass", setup))
            .connection.local_role;
    };
    EXPECT_EQ(role_with("a=setup:actpass"), DtlsRole::kServer);
    EXPECT_EQ(role_with("a=setup:active"), DtlsRole::kServer);
    EXPECT_EQ(role_with("a=setup:passive"), DtlsRole::kClient);
    EXPECT_EQ(role_with("a=x"), DtlsRole::kServer);
    EXPECT_THAT(
        refusal(replaced(offer_of(kOpusSection), "a=setup:actpass", "a=setup:holdconn")).message,
        HasSubstr("holdconn"));
}

TEST(Negotiate, OneSectionNeedsNoBundle) {
    const NegotiatedSession session = negotiate_good(offer_of(kOpusSection));
    EXPECT_THAT(session.bundle, IsEmpty());
    EXPECT_EQ(session.connection.sections[0].formats.size(), 1U);
}

TEST(Negotiate, SeveralSectionsMustBeInOneBundle) {
    const NegotiationError error =
        refusal(offer_of(std::string(kOpusSection) + std::string(kVp8Section)));
    EXPECT_EQ(error.failure, NegotiationFailure::kNotUsable);
    EXPECT_THAT(error.message, HasSubstr("a=group:BUNDLE"));
    const NegotiatedSession session =
        negotiate_good(offer_of(std::string(kOpusSection) + std::string(kVp8Section), "1"));
    EXPECT_TRUE(session.connection.sections[0].formats.empty()) << "not in the BUNDLE";
    EXPECT_FALSE(session.connection.sections[1].formats.empty());
}

TEST(Negotiate, RefusesWhatItCannotUseWithASentence) {
    EXPECT_THAT(refusal(read_offer("chromium_data_channel_only.sdp")).message,
                HasSubstr("neither an audio nor a video"));
    EXPECT_THAT(refusal(std::string(kSessionLines)).message, HasSubstr("neither an audio nor"));
    EXPECT_THAT(
        refusal(offer_of("m=audio 9 UDP/TLS/RTP/SAVPF 9\r\na=rtpmap:9 G722/8000\r\n")).message,
        HasSubstr("opus, PCMU, PCMA, VP8, VP9, AV1, H264"));
    EXPECT_THAT(refusal(offer_of("m=audio 9 RTP/AVP 0\r\n")).message, HasSubstr("DTLS-SRTP"));
    EXPECT_THAT(refusal(replaced(offer_of(kOpusSection), "a=sendonly", "a=recvonly")).message,
                HasSubstr("sends nothing"));
    EXPECT_THAT(refusal(offer_of(kOpusSection), policy_of(Role::kViewer)).message,
                HasSubstr("receives nothing"));
    EXPECT_THAT(
        refusal(replaced(offer_of(kOpusSection), "a=setup", "a=ice-lite\r\na=setup")).message,
        HasSubstr("ICE-lite"));
    EXPECT_THAT(refusal(replaced(offer_of(kOpusSection), "a=rtcp-mux\r\n", "")).message,
                HasSubstr("rtcp-mux"));
}

TEST(Negotiate, RefusesAnOfferWithoutTransport) {
    const auto without = [](std::string_view line) {
        return refusal(replaced(offer_of(kOpusSection), line, "a=x"));
    };
    EXPECT_THAT(without("a=ice-ufrag:abcd").message, HasSubstr("ICE credentials"));
    EXPECT_EQ(without("a=ice-ufrag:abcd").failure, NegotiationFailure::kMalformed);
    EXPECT_THAT(without("a=ice-pwd:0123456789012345678901").message, HasSubstr("ICE credentials"));
    EXPECT_THAT(without("a=fingerprint:").message, HasSubstr("no DTLS fingerprint"));
}

TEST(Negotiate, RefusesWeakAndBrokenFingerprints) {
    const auto with = [](std::string_view from, std::string_view to) {
        return refusal(replaced(offer_of(kOpusSection), from, to)).message;
    };
    EXPECT_THAT(with("sha-256 AE", "sha-1 AE"), HasSubstr("sha-256"));
    EXPECT_THAT(with("sha-256 AE:", "sha-256 "), HasSubstr("whole"));
    EXPECT_THAT(with("sha-256 AE", "md5 AE"), HasSubstr("sha-256"));
}

TEST(Negotiate, TakesTheFirstFingerprintThatItKnows) {
    const std::string text = replaced(
        offer_of(kOpusSection), "a=fingerprint:", "a=fingerprint:sha-1 AA:BB\r\na=fingerprint:");
    EXPECT_THAT(negotiate_good(text).connection.remote_fingerprint.to_string(),
                HasSubstr("AE:EB:58"));
}

}  // namespace
}  // namespace isthmus::signaling::sdp
