#include "tools/hub/instances/hint.h"

#include <gtest/gtest.h>

namespace isthmus::hub {
namespace {

HintFault fault_of(std::string_view text) {
    const auto hint = parse_hint(text);
    EXPECT_FALSE(hint.has_value()) << text;
    return hint ? HintFault::kMalformed : hint.error();
}

TEST(Hint, ComesBackAsItWasWritten) {
    for (const Hint& hint : {Hint{.kind = HintKind::kWake, .nodes = {"a"}},
                             Hint{.kind = HintKind::kRecheck, .nodes = {"Z_9-", "b"}},
                             Hint{.kind = HintKind::kKeys}}) {
        const auto back = parse_hint(write_hint(hint));
        ASSERT_TRUE(back.has_value()) << write_hint(hint);
        EXPECT_EQ(*back, hint);
    }
}

TEST(Hint, HasRoomForAsManyNodesAsItMayName) {
    Hint hint{.kind = HintKind::kWake};
    hint.nodes.assign(kHintNodesMax, std::string(64, 'n'));
    EXPECT_LE(write_hint(hint).size(), kHintBytesMax);
    EXPECT_EQ(parse_hint(write_hint(hint)), hint);
    hint.nodes.emplace_back("one");
    EXPECT_EQ(fault_of(write_hint(hint)), HintFault::kMalformed);
}

TEST(Hint, RefusesWhatIsNoJsonObject) {
    for (const char* text : {"", "{", "[]", "null", "\xff", R"({"v":1,"kind":"keys"} x)"}) {
        EXPECT_EQ(fault_of(text), HintFault::kNotJson) << text;
    }
    EXPECT_EQ(fault_of(R"({"v":1,"kind":"wake","nodes":[[[["a"]]]]})"), HintFault::kNotJson);
}

TEST(Hint, RefusesWhatIsTooLong) {
    EXPECT_EQ(fault_of(std::string(kHintBytesMax + 1, ' ')), HintFault::kTooLong);
}

TEST(Hint, RefusesWhatALaterHubMaySay) {
    EXPECT_EQ(fault_of(R"({"v":2,"kind":"keys"})"), HintFault::kUnknownVersion);
    EXPECT_EQ(fault_of(R"({"v":"1","kind":"keys"})"), HintFault::kUnknownVersion);
    EXPECT_EQ(fault_of(R"({"kind":"keys"})"), HintFault::kUnknownVersion);
    EXPECT_EQ(fault_of(R"({"v":1,"kind":"upgrade"})"), HintFault::kUnknownKind);
    EXPECT_EQ(fault_of(R"({"v":1})"), HintFault::kUnknownKind);
}

TEST(Hint, RefusesMembersAndNodesThatAreNone) {
    for (const char* text : {R"({"v":1,"kind":"wake"})",
                             R"({"v":1,"kind":"wake","nodes":[]})",
                             R"({"v":1,"kind":"wake","nodes":"a"})",
                             R"({"v":1,"kind":"wake","nodes":[1]})",
                             R"({"v":1,"kind":"wake","nodes":[""]})",
                             R"({"v":1,"kind":"wake","nodes":["a'; drop table nodes"]})",
                             R"({"v":1,"kind":"wake","nodes":["a\u0000b"]})",
                             R"({"v":1,"kind":"wake","nodes":["a"],"cut":true})",
                             R"({"v":1,"kind":"keys","nodes":["a"]})"}) {
        EXPECT_EQ(fault_of(text), HintFault::kMalformed) << text;
    }
    EXPECT_EQ(fault_of(R"({"v":1,"kind":"wake","nodes":[")" + std::string(65, 'a') + R"("]})"),
              HintFault::kMalformed);
}

}  // namespace
}  // namespace isthmus::hub
