#include "media/rtp/loss_protection.h"

#include <array>

#include <gtest/gtest.h>

namespace isthmus::media::rtp {
namespace {

constexpr std::array<ProtectionStep, 2> kSteps{
    {{.loss_on = 0.03, .loss_off = 0.01}, {.loss_on = 0.10, .loss_off = 0.05}}};

void report(LossProtection& protection, int times, double loss) {
    for (int i = 0; i < times; ++i) {
        protection.on_report(loss);
    }
}

TEST(LossProtection, RisesWithTheLoss) {
    LossProtection protection(kSteps);
    report(protection, 100, 0.02);
    EXPECT_EQ(protection.level(), 0U);
    report(protection, 10, 0.05);
    EXPECT_EQ(protection.level(), 1U);
    report(protection, 10, 0.2);
    EXPECT_EQ(protection.level(), 2U);
}

TEST(LossProtection, HeavyLossIsAnsweredAtOnce) {
    LossProtection protection(kSteps);
    report(protection, 1, 0.3);
    EXPECT_EQ(protection.level(), 2U);
}

TEST(LossProtection, OneLostPacketOfFiftyIsNoReason) {
    LossProtection protection(kSteps);
    for (int i = 0; i < 20; ++i) {
        report(protection, 1, 0.02);
        report(protection, 3, 0);
    }
    EXPECT_EQ(protection.level(), 0U);
}

TEST(LossProtection, KeepsTheStepBetweenItsThresholds) {
    LossProtection protection(kSteps);
    report(protection, 10, 0.05);
    report(protection, 1000, 0.02);
    EXPECT_EQ(protection.level(), 1U);
}

TEST(LossProtection, FallsStepByStepWhenTheLossIsOver) {
    LossProtection protection(kSteps);
    report(protection, 10, 0.2);
    EXPECT_EQ(protection.level(), 2U);
    int reports = 0;
    while (protection.level() == 2 && reports < 100) {
        report(protection, 1, 0);
        ++reports;
    }
    EXPECT_GE(reports, 8);
    EXPECT_EQ(protection.level(), 1U);
    report(protection, 50, 0);
    EXPECT_EQ(protection.level(), 0U);
}

TEST(LossProtection, NumbersOutsideTheRangeAreTakenForTheNearest) {
    LossProtection protection(kSteps);
    report(protection, 100, -5);
    EXPECT_EQ(protection.loss_ratio(), 0);
    report(protection, 100, 7);
    EXPECT_LE(protection.loss_ratio(), 1);
}

}  // namespace
}  // namespace isthmus::media::rtp
