#include "base/http/utf8.h"

#include <gtest/gtest.h>

namespace isthmus::http {
namespace {

TEST(Utf8, AcceptsEachLengthAtItsEnds) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("plain"));
    EXPECT_TRUE(is_utf8("\xC2\x80 \xDF\xBF"));
    EXPECT_TRUE(is_utf8("\xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF"));
    EXPECT_TRUE(is_utf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RefusesWhatRfc3629Forbids) {
    EXPECT_FALSE(is_utf8("\x80"));
    EXPECT_FALSE(is_utf8("\xC0\xAF"));          // overlong '/'
    EXPECT_FALSE(is_utf8("\xC1\xBF"));          // overlong
    EXPECT_FALSE(is_utf8("\xE0\x9F\xBF"));      // overlong
    EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
    EXPECT_FALSE(is_utf8("\xF0\x8F\xBF\xBF"));  // overlong
    EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
    EXPECT_FALSE(is_utf8("\xF5\x80\x80\x80"));
    EXPECT_FALSE(is_utf8("\xE2\x82"));  // cut short
    EXPECT_FALSE(is_utf8("\xE2\x82x"));
    EXPECT_FALSE(is_utf8("\xF0\x9F\x98z"));
}

TEST(Utf8, RepairKeepsWhatIsGood) {
    EXPECT_EQ(repair_utf8("a\xC3\xA9z"), "a\xC3\xA9z");
    EXPECT_EQ(repair_utf8("a\xFF\xC3z"), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
    EXPECT_TRUE(is_utf8(repair_utf8("\xF0\x9F\x98 \xED\xA0\x80 \x80")));
}

TEST(Utf8, FindsControlCharacters) {
    EXPECT_FALSE(has_control_characters("demo room \xC3\xA9 \xC2\xA0"));
    EXPECT_TRUE(has_control_characters("a\nb"));
    EXPECT_TRUE(has_control_characters(std::string_view("a\0b", 3)));
    EXPECT_TRUE(has_control_characters("a\x7F"));
    EXPECT_TRUE(has_control_characters("a\xC2\x85"));  // NEXT LINE
}

}  // namespace
}  // namespace isthmus::http
