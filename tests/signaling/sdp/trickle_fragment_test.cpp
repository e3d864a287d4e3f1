#include "signaling/sdp/trickle_fragment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::signaling::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(std::string_view text) {
    const Result<TrickleFragment> parsed = parse_trickle_fragment(text);
    if (parsed) {
        return "accepted";
    }
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    return parsed.error().message;
}

// In the form of RFC 9725 section 4.3.2.
constexpr std::string_view kTrickle =
    "a=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=mid:0\r\n"
    "a=ice-ufrag:EsAw\r\n"
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw\r\n"
    "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0\r\n"
    "a=end-of-candidates\r\n";

TEST(TrickleFragment, ReadsCandidatesAndCredentials) {
    const Result<TrickleFragment> fragment = parse_trickle_fragment(kTrickle);
    ASSERT_TRUE(fragment) << fragment.error().message;
    EXPECT_THAT(fragment->bundle, ElementsAre("0", "1"));
    ASSERT_TRUE(fragment->credentials);
    EXPECT_EQ(fragment->credentials->ufrag, "EsAw");
    EXPECT_EQ(fragment->credentials->pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
    ASSERT_EQ(fragment->sections.size(), 1U);
    EXPECT_EQ(fragment->sections[0].mid, "0");
    EXPECT_EQ(fragment->sections[0].candidates.size(), 2U);
    EXPECT_TRUE(fragment->sections[0].end_of_candidates);
}

TEST(TrickleFragment, ReadsCredentialsOfTheSessionPartAndBareLineFeeds) {
    const Result<TrickleFragment> fragment = parse_trickle_fragment(
        "a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n\nm=audio 9 RTP/AVP 0\na=mid:0\n");
    ASSERT_TRUE(fragment) << fragment.error().message;
    EXPECT_EQ(fragment->credentials->ufrag, "EsAw");
    EXPECT_EQ(fragment->sections.size(), 1U);
}

TEST(TrickleFragment, OverlooksLinesThatAreNotItsOwn) {
    EXPECT_EQ(refusal("v=0\r\nc=IN IP4 0.0.0.0\r\na=ice-options:trickle\r\na=candidate:x\r\n"),
              "accepted");
}

TEST(TrickleFragment, WritingAndParsingGivesTheSame) {
    TrickleFragment fragment;
    fragment.ice_lite = true;
    fragment.bundle = {"0", "1"};
    fragment.credentials = {.ufrag = "abcd", .pwd = "0123456789012345678901"};
    fragment.sections = {{.media_line = "audio 9 UDP/TLS/RTP/SAVPF 111",
                          .mid = "0",
                          .candidates = {"1 1 udp 1 192.0.2.1 5004 typ host", "x"},
                          .end_of_candidates = true},
                         {.media_line = "video 9 UDP/TLS/RTP/SAVPF 96",
                          .mid = "1",
                          .candidates = {},
                          .end_of_candidates = false}};
    const Result<TrickleFragment> read = parse_trickle_fragment(write_trickle_fragment(fragment));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, fragment);
}

TEST(TrickleFragment, RefusesWhatIsNoFragment) {
    EXPECT_THAT(refusal(""), HasSubstr("no ICE credentials, candidates or media"));
    EXPECT_THAT(refusal("\r\n\r\n"), HasSubstr("no ICE credentials"));
    EXPECT_THAT(refusal("{\"candidate\":\"x\"}"), HasSubstr("line 1"));
    EXPECT_THAT(refusal("a=mid:0\r\nfoo"), HasSubstr("line 2"));
    EXPECT_THAT(refusal(std::string("a=candidate:\0\r\n", 15)), HasSubstr("control character"));
    EXPECT_THAT(refusal("m=audio\r\n"), HasSubstr("not a media line"));
    EXPECT_THAT(refusal(std::string(kTrickleFragmentBytesMax + 1, 'a')), HasSubstr("at most"));
}

TEST(TrickleFragment, RefusesHalfBrokenAndContradictingCredentials) {
    EXPECT_THAT(refusal("a=ice-ufrag:EsAw\r\nm=audio 9 RTP/AVP 0\r\n"), HasSubstr("only one of"));
    EXPECT_THAT(refusal("a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"), HasSubstr("only one of"));
    EXPECT_THAT(refusal("a=ice-ufrag:abc\r\n"), HasSubstr("not an ICE ufrag"));
    EXPECT_THAT(refusal("a=ice-ufrag:" + std::string(257, 'a')), HasSubstr("not an ICE ufrag"));
    EXPECT_THAT(refusal("a=ice-pwd:tooshort\r\n"), HasSubstr("not an ICE password"));
    EXPECT_THAT(refusal(std::string(kTrickle) + "m=video 9 RTP/AVP 0\r\na=ice-ufrag:Other\r\n"),
                HasSubstr("differs from an earlier one"));
    EXPECT_EQ(refusal(std::string(kTrickle) + "m=video 9 RTP/AVP 0\r\na=ice-ufrag:EsAw\r\n"),
              "accepted");
    EXPECT_THAT(refusal("m=audio 9 RTP/AVP 0\r\na=mid:a b\r\n"), HasSubstr("not a mid"));
}

}  // namespace
}  // namespace isthmus::signaling::sdp
