// How much protection a receiver's loss calls for: redundancy for audio, FEC for video.
//
// Driven by report blocks. Rises as soon as the averaged loss says so, and falls a step at a time,
// after a row of reports below that step's lower threshold: a receiver at the edge keeps what it
// has. Leaves out what a step means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace isthmus::media::rtp {

struct ProtectionStep {
    double loss_on = 0;   // loss ratio from which on the step is taken
    double loss_off = 0;  // below which it is left again
};

class LossProtection {
  public:
    // `steps` in ascending order; outlives the object.
    explicit LossProtection(std::span<const ProtectionStep> steps) : steps_(steps) {}

    // 0 to 1, since the report before.
    void on_report(double loss_ratio);

    // 0: none; else the step, from 1.
    [[nodiscard]] std::size_t level() const { return level_; }

    // The averaged loss.
    [[nodiscard]] double loss_ratio() const { return average_; }

  private:
    // A report about a second of audio is about 50 packets: one of them is 2 % of loss. Three
    // reports make an average of it.
    static constexpr double kWeight = 0.4;
    // Reports come once a second, with audio alone once in five.
    static constexpr std::uint32_t kReportsToFall = 8;

    std::span<const ProtectionStep> steps_;
    double average_ = 0;
    std::size_t level_ = 0;
    std::uint32_t below_ = 0;  // reports in a row
};

}  // namespace isthmus::media::rtp
