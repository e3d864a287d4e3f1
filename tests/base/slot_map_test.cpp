#include "base/slot_map.h"

#include <string>

#include <gtest/gtest.h>

namespace isthmus {
namespace {

TEST(SlotMap, FindsWhatWasAdded) {
    SlotMap<std::string> map;
    const auto id = map.emplace("alice");
    ASSERT_NE(map.find(id), nullptr);
    EXPECT_EQ(*map.find(id), "alice");
    EXPECT_EQ(map.size(), 1U);
}

TEST(SlotMap, AnErasedIdFindsNothingEvenWhenItsPlaceIsUsedAgain) {
    SlotMap<int> map;
    const auto first = map.emplace(1);
    EXPECT_TRUE(map.erase(first));
    const auto second = map.emplace(2);
    EXPECT_NE(first, second);
    EXPECT_EQ(map.find(first), nullptr);
    EXPECT_EQ(*map.find(second), 2);
    EXPECT_FALSE(map.erase(first));
}

TEST(SlotMap, TheDefaultIdNamesNothing) {
    SlotMap<int> map;
    map.emplace(1);
    EXPECT_EQ(map.find({}), nullptr);
    EXPECT_FALSE(SlotMap<int>::Id{});
}

TEST(SlotMap, VisitsOnlyWhatIsThere) {
    SlotMap<int> map;
    const auto a = map.emplace(1);
    map.emplace(2);
    map.emplace(4);
    map.erase(a);
    int sum = 0;
    map.for_each([&sum](auto, int value) { sum += value; });
    EXPECT_EQ(sum, 6);
}

}  // namespace
}  // namespace isthmus
