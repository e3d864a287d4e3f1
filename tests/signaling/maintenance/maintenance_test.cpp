#include "signaling/maintenance/maintenance.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace isthmus::signaling::maintenance {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class MaintenanceTest : public testing::Test {
  protected:
    // Wakes it as a timer would.
    void pass(Duration time) {
        const Instant until = now_ + time;
        while (maintenance_.next_timeout() <= until) {
            now_ = maintenance_.next_timeout();
            maintenance_.update(now_);
        }
        now_ = until;
    }

    Instant now_{seconds(1000)};
    std::size_t conferences_ = 0;
    bool admitting_ = true;
    int ended_ = 0;
    std::vector<bool> remembered_;
    Maintenance maintenance_{{.admit_conferences = [this](bool admit) { admitting_ = admit; },
                              .conferences = [this] { return conferences_; },
                              .end_conferences = [this] { ++ended_; },
                              .remember = [this](bool on) { remembered_.push_back(on); }}};
};

TEST_F(MaintenanceTest, IsOnAtOnceWhereNothingRuns) {
    maintenance_.switch_on(now_, std::nullopt);
    EXPECT_EQ(maintenance_.mode(), Mode::kOn);
    EXPECT_FALSE(admitting_);
    EXPECT_EQ(maintenance_.next_timeout(), kNever);
    EXPECT_FALSE(maintenance_.deadline());
}

TEST_F(MaintenanceTest, WaitsForTheLastConference) {
    conferences_ = 2;
    maintenance_.switch_on(now_, std::nullopt);
    EXPECT_EQ(maintenance_.mode(), Mode::kPending);
    EXPECT_EQ(maintenance_.deadline(), now_ + hours(2));
    conferences_ = 1;
    maintenance_.update(now_);
    EXPECT_EQ(maintenance_.mode(), Mode::kPending);
    conferences_ = 0;
    maintenance_.update(now_);
    EXPECT_EQ(maintenance_.mode(), Mode::kOn);
    pass(hours(3));
    EXPECT_EQ(ended_, 0);
    EXPECT_EQ(maintenance_.conferences_ended(), 0U);
}

TEST_F(MaintenanceTest, EndsConferencesAtTheDeadlineAndNotBefore) {
    conferences_ = 3;
    maintenance_.switch_on(now_, minutes(10));
    pass(minutes(10) - seconds(1));
    EXPECT_EQ(ended_, 0);
    pass(seconds(1));
    EXPECT_EQ(ended_, 1);
    EXPECT_EQ(maintenance_.conferences_ended(), 3U);
    EXPECT_EQ(maintenance_.mode(), Mode::kPending) << "goodbyes take a moment";
    conferences_ = 0;
    maintenance_.update(now_);
    EXPECT_EQ(maintenance_.mode(), Mode::kOn);
    EXPECT_EQ(maintenance_.next_timeout(), kNever);
}

TEST_F(MaintenanceTest, EndsAgainWhoIsStillThere) {
    conferences_ = 1;
    maintenance_.switch_on(now_, Duration::zero());
    EXPECT_EQ(ended_, 1);
    pass(seconds(11));
    EXPECT_EQ(ended_, 3);
    EXPECT_EQ(maintenance_.conferences_ended(), 1U) << "the same one";
}

TEST_F(MaintenanceTest, AdmitsAgainWhenSwitchedOff) {
    conferences_ = 1;
    maintenance_.switch_on(now_, minutes(10));
    maintenance_.switch_off();
    EXPECT_EQ(maintenance_.mode(), Mode::kOff);
    EXPECT_TRUE(admitting_);
    EXPECT_EQ(maintenance_.next_timeout(), kNever);
    pass(hours(3));
    EXPECT_EQ(ended_, 0);
    maintenance_.switch_off();
    EXPECT_EQ(remembered_, (std::vector<bool>{true, false})) << "each change once";
}

TEST_F(MaintenanceTest, TakesAnotherDeadlineOnlyWhereOneIsGiven) {
    conferences_ = 1;
    maintenance_.switch_on(now_, minutes(10));
    const Instant first = *maintenance_.deadline();
    pass(minutes(5));
    maintenance_.switch_on(now_, std::nullopt);
    EXPECT_EQ(maintenance_.deadline(), first);
    maintenance_.switch_on(now_, minutes(1));
    EXPECT_EQ(maintenance_.deadline(), now_ + minutes(1));
    pass(minutes(1));
    EXPECT_EQ(ended_, 1);
    EXPECT_EQ(remembered_, std::vector<bool>{true});
}

TEST_F(MaintenanceTest, IsPendingAgainWhereAJoinWasOnItsWay) {
    maintenance_.switch_on(now_, minutes(10));
    ASSERT_EQ(maintenance_.mode(), Mode::kOn);
    conferences_ = 1;
    maintenance_.update(now_);
    EXPECT_EQ(maintenance_.mode(), Mode::kPending);
    pass(minutes(10));
    EXPECT_EQ(ended_, 1);
}

TEST_F(MaintenanceTest, BoundsTheDeadline) {
    conferences_ = 1;
    maintenance_.switch_on(now_, hours(24 * 365));
    EXPECT_EQ(maintenance_.deadline(), now_ + kLongestDeadline);
    maintenance_.switch_on(now_, -seconds(5));
    EXPECT_EQ(ended_, 1);
}

}  // namespace
}  // namespace isthmus::signaling::maintenance
