#include "signaling/sdp/session_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/signaling/sdp/offers.h"

namespace isthmus::signaling::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(std::string_view text, const SdpLimits& limits = {}) {
    const Result<SessionDescription> parsed = parse_session_description(text, limits);
    if (parsed) {
        return "accepted";
    }
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    return parsed.error().message;
}

SimulcastStream stream(std::string rid, bool paused = false) {
    return {.rid = std::move(rid), .paused = paused};
}

TEST(SessionDescription, ReadsAChromiumOfferWithSimulcast) {
    const SessionDescription offer = parse_good(read_offer("chromium_simulcast_three_rids.sdp"));
    EXPECT_TRUE(offer.extmap_allow_mixed);
    EXPECT_FALSE(offer.ice_lite);
    ASSERT_EQ(offer.bundle_groups.size(), 1U);
    EXPECT_THAT(offer.bundle_groups[0], ElementsAre("0", "1", "2", "3", "4", "5", "6", "7"));
    ASSERT_EQ(offer.media.size(), 8U);

    const MediaDescription& audio = offer.media[0];
    EXPECT_EQ(audio.media, "audio");
    EXPECT_EQ(audio.port, 57981);
    EXPECT_EQ(audio.protocol, "UDP/TLS/RTP/SAVPF");
    EXPECT_EQ(audio.direction, StreamDirection::kReceiveOnly);
    EXPECT_EQ(audio.setup, Setup::kActivePassive);
    EXPECT_TRUE(audio.rtcp_mux);
    EXPECT_EQ(audio.ice_ufrag, "7cky");
    EXPECT_FALSE(audio.candidates.empty());
    ASSERT_EQ(audio.payload_types.size(), 8U);
    EXPECT_EQ(audio.payload_types[0].map,
              (RtpMap{.encoding = "opus", .clock_hz = 48000, .channels = 2}));
    EXPECT_EQ(audio.payload_types[0].fmtp, "minptime=10;stereo=1;useinbandfec=1");
    EXPECT_THAT(audio.payload_types[0].feedback, ElementsAre("transport-cc"));

    const auto video = std::ranges::find(offer.media, "7", &MediaDescription::mid);
    ASSERT_NE(video, offer.media.end());
    EXPECT_EQ(video->direction, StreamDirection::kSendOnly);
    ASSERT_EQ(video->rids.size(), 3U);
    EXPECT_EQ(video->rids[1], (Rid{.id = "h", .send = true, .restrictions = ""}));
    ASSERT_TRUE(video->simulcast);
    EXPECT_THAT(video->simulcast->send, ElementsAre(stream("q"), stream("h"), stream("f")));
    EXPECT_EQ(video->msid,
              "248735ee-0a34-4426-ba42-b5f77e6ef800 3f11ba7f-c558-4f77-b9e0-e49ced7d2afc");
    EXPECT_THAT(
        video->extensions,
        testing::Contains(ExtensionMap{.id = 10,
                                       .direction = std::nullopt,
                                       .uri = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"}));
}

TEST(SessionDescription, ReadsWhichRidsBeginPaused) {
    const SessionDescription offer = parse_good(read_offer("chromium_simulcast_paused_rids.sdp"));
    const auto video = std::ranges::find_if(
        offer.media, [](const MediaDescription& media) { return media.simulcast.has_value(); });
    ASSERT_NE(video, offer.media.end());
    EXPECT_THAT(video->simulcast->send,
                ElementsAre(stream("q"), stream("h", true), stream("f", true)));
    EXPECT_THAT(write_session_description(offer), HasSubstr("a=simulcast:send q;~h;~f\r\n"));
}

TEST(SessionDescription, OfSimulcastAlternativesTheFirstCounts) {
    const SessionDescription offer = parse_good(offer_of(
        std::string(kVp8Section) + "a=simulcast:send 1,~4;~2,3 recv a\r\na=rid:1 send pt=96\r\n"));
    ASSERT_TRUE(offer.media[0].simulcast);
    EXPECT_THAT(offer.media[0].simulcast->send, ElementsAre(stream("1"), stream("2", true)));
    EXPECT_THAT(offer.media[0].simulcast->receive, ElementsAre(stream("a")));
    EXPECT_EQ(offer.media[0].rids[0].restrictions, "pt=96");
}

TEST(SessionDescription, SectionsInheritFromTheSession) {
    const SessionDescription offer = parse_good(read_offer("firefox_publish.sdp"));
    ASSERT_EQ(offer.media.size(), 2U);
    for (const MediaDescription& media : offer.media) {
        ASSERT_EQ(media.fingerprints.size(), 1U);
        EXPECT_THAT(media.fingerprints[0], testing::StartsWith("sha-256 AE:EB:"));
        EXPECT_THAT(media.ice_options, ElementsAre("trickle"));
    }
    EXPECT_THAT(offer.media[1].ssrc_groups,
                ElementsAre(SsrcGroup{.semantics = "FID", .ssrcs = {1502321137, 3321849927}}));
    EXPECT_EQ(offer.media[0].ssrcs[0].cname, "{b0a4c3de-6a2c-4a53-97d5-3a9b2f9d5f01}");
    EXPECT_TRUE(offer.media[0].end_of_candidates);
}

TEST(SessionDescription, AnAttributeOfTheSectionOutdoesTheSessions) {
    const std::string text = offer_of(std::string(kOpusSection) +
                                          "a=setup:passive\r\na=ice-ufrag:wxyz\r\n"
                                          "a=ice-pwd:9876543210987654321098\r\n"
                                          "a=fingerprint:SHA-256 ab:cd\r\n" +
                                          std::string(kVp8Section),
                                      "0 1");
    const SessionDescription offer = parse_good(text);
    EXPECT_EQ(offer.media[0].setup, Setup::kPassive);
    EXPECT_EQ(offer.media[0].ice_ufrag, "wxyz");
    EXPECT_THAT(offer.media[0].fingerprints, ElementsAre("sha-256 AB:CD"));
    EXPECT_EQ(offer.media[1].setup, Setup::kActivePassive);
    EXPECT_EQ(offer.media[1].ice_ufrag, "abcd");
}

TEST(SessionDescription, StaticPayloadTypesNeedNoMap) {
    const SessionDescription offer =
        parse_good(offer_of("m=audio 9 UDP/TLS/RTP/SAVPF 0 8 18\r\na=rtcp-mux\r\n"));
    EXPECT_EQ(offer.media[0].payload_types[0].map->encoding, "PCMU");
    EXPECT_EQ(offer.media[0].payload_types[1].map->encoding, "PCMA");
    EXPECT_FALSE(offer.media[0].payload_types[2].map);
}

TEST(SessionDescription, FeedbackForAllTypesReachesEach) {
    const SessionDescription offer =
        parse_good(offer_of("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtcp-fb:* nack pli\r\n"
                            "a=rtcp-fb:96 nack\r\na=rtpmap:96 VP8/90000\r\n"));
    EXPECT_THAT(offer.media[0].payload_types[0].feedback, ElementsAre("nack", "nack pli"));
    EXPECT_THAT(offer.media[0].payload_types[1].feedback, ElementsAre("nack pli"));
}

TEST(SessionDescription, WritingAndParsingGivesTheSame) {
    for (const std::string& name : all_offers()) {
        const SessionDescription offer = parse_good(read_offer(name));
        EXPECT_EQ(parse_good(write_session_description(offer)), offer) << name;
    }
}

TEST(SessionDescription, TakesBareLineFeedsAndATrailingEmptyLine) {
    std::string text = read_offer("firefox_publish.sdp");
    const SessionDescription offer = parse_good(text);
    std::erase(text, '\r');
    EXPECT_EQ(parse_good(text + "\n"), offer);
}

TEST(SessionDescription, RefusesWhatIsNoSdp) {
    EXPECT_THAT(refusal(""), HasSubstr("empty"));
    EXPECT_THAT(refusal("hello"), HasSubstr("line 1"));
    EXPECT_THAT(refusal("{\"sdp\":\"v=0\"}"), HasSubstr("line 1"));
    EXPECT_THAT(refusal("o=- 1 1 IN IP4 0.0.0.0\r\n"), HasSubstr("begin with v=0"));
    EXPECT_THAT(refusal("v=1\r\n"), HasSubstr("begin with v=0"));
    EXPECT_THAT(refusal(std::string(kSessionLines) + "no type\r\n"), HasSubstr("line 5"));
    EXPECT_THAT(refusal(std::string(kSessionLines) + "a= \x01\r\n"), HasSubstr("control"));
    EXPECT_THAT(refusal(std::string(kSessionLines) + std::string("a=x\0y\r\n", 7)),
                HasSubstr("control character"));
    EXPECT_THAT(refusal(std::string(kSessionLines) + "a=x\ry\r\n"), HasSubstr("control"));
}

TEST(SessionDescription, RefusesMalformedMediaLines) {
    for (const char* line : {"m=audio",
                             "m=audio 9",
                             "m=audio 9 RTP/SAVPF",
                             "m=audio x RTP/SAVPF 0",
                             "m=audio 65536 RTP/SAVPF 0",
                             "m=audio -1 RTP/SAVPF 0",
                             "m=",
                             "m=audio 9/x RTP/SAVPF 0",
                             "m=au(dio 9 RTP/SAVPF 0"}) {
        EXPECT_THAT(refusal(std::string(kSessionLines) + line + "\r\n"),
                    HasSubstr("not a media line"))
            << line;
    }
    for (const char* format : {"128", "-1", "x", "999999999999", "1.5"}) {
        EXPECT_THAT(
            refusal(offer_of("m=audio 9 UDP/TLS/RTP/SAVPF " + std::string(format) + "\r\n")),
            HasSubstr("payload type"))
            << format;
    }
}

TEST(SessionDescription, RefusesMalformedAttributesThatTheAnswerDependsOn) {
    for (const char* line : {"a=rtpmap:111",
                             "a=rtpmap:x opus/48000",
                             "a=rtpmap:111 opus",
                             "a=rtpmap:111 opus/x",
                             "a=rtpmap:111 opus/48000/x",
                             "a=rtpmap:111 opus/99999999999",
                             "a=fmtp:x y",
                             "a=extmap:",
                             "a=extmap:1",
                             "a=extmap:0 urn:x",
                             "a=extmap:x urn:x",
                             "a=extmap:1/up urn:x",
                             "a=setup:",
                             "a=setup:both",
                             "a=mid:",
                             "a=mid:a b",
                             "a=ice-ufrag:abc",
                             "a=ice-ufrag:ab cd",
                             "a=ice-pwd:short",
                             "a=fingerprint:sha-256",
                             "a=fingerprint:"}) {
        EXPECT_THAT(
            refusal(offer_of("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + std::string(line) + "\r\n")),
            testing::AllOf(HasSubstr("malformed a="), HasSubstr("media section 0")))
            << line;
    }
}

TEST(SessionDescription, OverlooksMalformedAttributesThatItDoesNot) {
    const SessionDescription offer = parse_good(
        offer_of(std::string(kVp8Section) +
                 "a=ssrc:x cname:y\r\na=ssrc:4294967296 cname:y\r\na=ssrc-group:FID a b\r\n"
                 "a=ssrc-group:FID\r\na=rid:\r\na=rid:a@b send\r\na=rid:a up\r\na=simulcast:\r\n"
                 "a=simulcast:send\r\na=rtcp-fb:x nack\r\na=rtcp-fb:99 nack\r\na=unheard-of:x\r\n"
                 "a=rid:seventeen_letters send\r\na=:\r\na=\r\n"));
    EXPECT_TRUE(offer.media[0].ssrcs.empty());
    EXPECT_TRUE(offer.media[0].ssrc_groups.empty());
    EXPECT_TRUE(offer.media[0].rids.empty());
    EXPECT_FALSE(offer.media[0].simulcast);
}

TEST(SessionDescription, MidsNameOneSectionAndGroupsNameMids) {
    EXPECT_THAT(refusal(offer_of(std::string(kOpusSection) + std::string(kOpusSection))),
                HasSubstr("two media sections have a=mid:\"0\""));
    EXPECT_THAT(refusal(offer_of(kOpusSection, "0 1")), HasSubstr("names \"1\""));
    EXPECT_THAT(refusal(offer_of(kOpusSection, "0 0")), HasSubstr("\"0\" twice"));
}

TEST(SessionDescription, LimitsSections) {
    std::string sections;
    for (int i = 0; i < 500; ++i) {
        sections += "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n";
    }
    EXPECT_EQ(refusal(offer_of(sections)), "too many media sections (500, at most 64)");
    EXPECT_EQ(refusal(offer_of(sections), {.bytes_max = 65536, .sections_max = 500}), "accepted");
}

TEST(SessionDescription, LimitsBytesOfTheWholeAndOfALine) {
    EXPECT_THAT(refusal(std::string().append(10'000'000, 'v')),
                HasSubstr("10000000 bytes, at most 65536"));
    EXPECT_THAT(refusal(offer_of("a=x:" + std::string(5000, 'y') + "\r\n")),
                HasSubstr("longer than 4096 bytes"));
    const std::string chromium = read_offer("chromium_simulcast_three_rids.sdp");
    EXPECT_EQ(refusal(chromium, {.bytes_max = chromium.size(), .sections_max = 8}), "accepted");
    EXPECT_THAT(refusal(chromium, {.bytes_max = chromium.size() - 1, .sections_max = 8}),
                HasSubstr("at most"));
}

TEST(SessionDescription, EveryPrefixOfAnOfferIsReadOrRefused) {
    const std::string text = read_offer("gstreamer_publish_bundle_only.sdp");
    std::size_t accepted = 0;
    for (std::size_t length = 0; length < text.size(); ++length) {
        accepted += parse_session_description(std::string_view(text).substr(0, length)) ? 1 : 0;
    }
    EXPECT_GT(accepted, 0U);
    EXPECT_LT(accepted, text.size());
}

}  // namespace
}  // namespace isthmus::signaling::sdp
