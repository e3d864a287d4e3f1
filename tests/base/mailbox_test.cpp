#include "base/mailbox.h"

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace isthmus {
namespace {

TEST(Mailbox, RunsJobsInOrder) {
    Mailbox<std::vector<int>> mailbox(8);
    std::vector<int> seen;
    bool wake = false;
    EXPECT_TRUE(mailbox.push([](std::vector<int>& v) { v.push_back(1); }, wake));
    EXPECT_TRUE(wake);
    EXPECT_TRUE(mailbox.push([](std::vector<int>& v) { v.push_back(2); }, wake));
    EXPECT_FALSE(wake) << "one signal a burst";
    mailbox.drain(seen);
    EXPECT_EQ(seen, (std::vector{1, 2}));
}

TEST(Mailbox, RefusesAndCountsBeyondItsLimit) {
    Mailbox<int> mailbox(1);
    bool wake = false;
    EXPECT_TRUE(mailbox.push([](int&) {}, wake));
    EXPECT_FALSE(mailbox.push([](int&) {}, wake));
    EXPECT_EQ(mailbox.refused(), 1U);
}

TEST(Mailbox, RefusesAfterClose) {
    Mailbox<int> mailbox(4);
    mailbox.close();
    bool wake = true;
    EXPECT_FALSE(mailbox.push([](int&) {}, wake));
    EXPECT_FALSE(wake);
}

TEST(Mailbox, AJobMayPushAnotherWhichRunsNextTime) {
    struct Receiver {
        Mailbox<Receiver>* mailbox = nullptr;
        int runs = 0;
    };

    Mailbox<Receiver> mailbox(4);
    Receiver receiver{.mailbox = &mailbox};
    bool wake = false;
    ASSERT_TRUE(mailbox.push(
        [](Receiver& r) {
            ++r.runs;
            bool again = false;
            EXPECT_TRUE(r.mailbox->push([](Receiver& s) { ++s.runs; }, again));
        },
        wake));
    mailbox.drain(receiver);
    EXPECT_EQ(receiver.runs, 1);
    mailbox.drain(receiver);
    EXPECT_EQ(receiver.runs, 2);
}

void push_many(Mailbox<int>& mailbox, int jobs) {
    for (int i = 0; i < jobs; ++i) {
        bool wake = false;
        EXPECT_TRUE(mailbox.push([](int& s) { ++s; }, wake));
    }
}

TEST(Mailbox, LosesNothingBetweenThreads) {
    constexpr int kEach = 10'000;
    Mailbox<int> mailbox(std::size_t{2} * kEach);
    int sum = 0;
    {
        const std::jthread a(push_many, std::ref(mailbox), kEach);
        const std::jthread b(push_many, std::ref(mailbox), kEach);
        while (sum < kEach) {
            mailbox.drain(sum);
        }
    }
    mailbox.drain(sum);
    EXPECT_EQ(sum, 2 * kEach);
}

}  // namespace
}  // namespace isthmus
