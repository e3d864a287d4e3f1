#include "media/data/dcep.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace isthmus::media::data {
namespace {

template <typename... T>
std::vector<std::byte> bytes_of(T... values) {
    return {static_cast<std::byte>(values)...};
}

TEST(Dcep, ReadsWhatChromiumSends) {
    // "_lossy", unordered, no retransmissions, as livekit-client opens it.
    const auto bytes =
        bytes_of(0x03, 0x81, 0x01, 0x00, 0, 0, 0, 0, 0, 6, 0, 0, '_', 'l', 'o', 's', 's', 'y');
    const auto message = parse_dcep(bytes);
    ASSERT_TRUE(message.has_value());
    const auto& open = std::get<DcepOpen>(*message);
    EXPECT_FALSE(open.ordered);
    EXPECT_EQ(open.priority, 256);
    EXPECT_EQ(open.max_retransmits, 0U);
    EXPECT_EQ(open.lifetime_ms, std::nullopt);
    EXPECT_EQ(open.label, "_lossy");
    EXPECT_EQ(open.protocol, "");
}

TEST(Dcep, WritesWhatItReads) {
    for (const DcepOpen& open :
         {DcepOpen{.label = "chat", .protocol = "text"},
          DcepOpen{.ordered = false, .priority = 1024, .label = "", .protocol = ""},
          DcepOpen{.max_retransmits = 5, .label = "a", .protocol = "b"},
          DcepOpen{.ordered = false, .lifetime_ms = 70'000, .label = "mouse", .protocol = ""}}) {
        const auto bytes = write_dcep_open(open);
        const auto message = parse_dcep(bytes);
        ASSERT_TRUE(message.has_value());
        const auto& read = std::get<DcepOpen>(*message);
        EXPECT_EQ(read.ordered, open.ordered);
        EXPECT_EQ(read.priority, open.priority);
        EXPECT_EQ(read.max_retransmits, open.max_retransmits);
        EXPECT_EQ(read.lifetime_ms, open.lifetime_ms);
        EXPECT_EQ(read.label, open.label);
        EXPECT_EQ(read.protocol, open.protocol);
    }
    EXPECT_TRUE(std::holds_alternative<DcepAck>(*parse_dcep(write_dcep_ack())));
}

TEST(Dcep, RefusesEveryTruncation) {
    const auto bytes = write_dcep_open({.label = "chat", .protocol = "text"});
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto message = parse_dcep(std::span(bytes).first(length));
        ASSERT_FALSE(message.has_value()) << length;
        EXPECT_EQ(message.error(), DcepError::kTruncated);
    }
}

TEST(Dcep, RefusesWhatItDoesNotKnow) {
    EXPECT_EQ(parse_dcep(bytes_of(0x01)).error(), DcepError::kUnknownType);
    auto bytes = write_dcep_open({.label = "chat", .protocol = ""});
    bytes[1] = std::byte{0x03};
    EXPECT_EQ(parse_dcep(bytes).error(), DcepError::kUnknownChannelType);
}

TEST(Dcep, CutsALabelThatIsLongerThanItsLengthFieldSays) {
    const std::string label(70'000, 'x');
    const auto bytes = write_dcep_open({.label = label, .protocol = "p"});
    const auto message = parse_dcep(bytes);
    ASSERT_TRUE(message.has_value());
    EXPECT_EQ(std::get<DcepOpen>(*message).label.size(), 65'535U);
}

}  // namespace
}  // namespace isthmus::media::data
