#include "signaling/whip/access.h"

#include <gtest/gtest.h>

namespace isthmus::signaling::whip {
namespace {

TEST(ConferenceName, HasOneTo128CharactersOfUtf8) {
    EXPECT_TRUE(is_conference_name("demo"));
    EXPECT_TRUE(is_conference_name("Caf\xC3\xA9 \xE2\x82\xAC"));
    EXPECT_TRUE(is_conference_name(std::string(128, 'a')));
    std::string accents;
    for (int i = 0; i < 128; ++i) {
        accents += "\xC3\xA9";
    }
    EXPECT_TRUE(is_conference_name(accents));
    EXPECT_FALSE(is_conference_name(accents + "a"));
    EXPECT_FALSE(is_conference_name(""));
    EXPECT_FALSE(is_conference_name(std::string(129, 'a')));
    EXPECT_FALSE(is_conference_name("a\nb"));
    EXPECT_FALSE(is_conference_name(std::string_view("a\0b", 3)));
    EXPECT_FALSE(is_conference_name("a\xFF"));
    EXPECT_FALSE(is_conference_name("\x80\x80"));
}

}  // namespace
}  // namespace isthmus::signaling::whip
