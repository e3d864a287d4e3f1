// A whole run: publishers join, viewers ramp up, a while is measured, everybody leaves.
//
// Owns the threads; samples them and the node once a second; says whether the figures count.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "tools/load/load_options.h"
#include "tools/load/load_thread.h"
#include "tools/load/run_report.h"

namespace isthmus::load {

class LoadRun {
  public:
    // `progress` is shown one line a second; `interrupted` ends the run early.
    LoadRun(LoadOptions options,
            LayerRecordings recordings,
            std::function<void(const std::string&)> progress,
            std::function<bool()> interrupted);

    // Fails where nothing could be measured at all.
    [[nodiscard]] Result<RunReport> run();

  private:
    [[nodiscard]] Result<void> start_threads();
    [[nodiscard]] Result<void> join_publishers();
    void join_viewers();
    // Seconds pass until all have joined or failed, or too long after the last one began.
    void ramp_up(std::uint32_t wanted, std::uint64_t publishers);
    // False where as many have begun to join as should have by now.
    bool add_due_viewers(Duration elapsed, std::uint32_t wanted);
    // Whether nobody is left to wait for; `publishers` joined before.
    [[nodiscard]] bool all_settled(std::uint32_t wanted, std::uint64_t publishers) const;
    [[nodiscard]] bool breaks_limit();
    void measure();
    // LiveKit: subscriptions once all have joined.
    [[nodiscard]] std::uint64_t tracks_wanted() const;
    void add_viewers(std::uint32_t count);
    void finish();

    // Waits until the next whole second and takes the sample of the one that ended.
    void take_second(bool measured);
    void sleep_until_second();
    [[nodiscard]] LoadSample sample_all(double& busiest_cpu);
    void judge_validity(const SecondSample& second);
    [[nodiscard]] std::string broken_limit(const SecondSample& second) const;
    void show(const SecondSample& second);
    [[nodiscard]] JoinOrder order_for(ParticipantRole role, std::uint32_t index) const;
    void note_invalid(const std::string& reason);

    LoadOptions options_;
    LayerRecordings recordings_;
    std::function<void(const std::string&)> progress_;
    std::function<bool()> interrupted_;
    std::vector<std::unique_ptr<LoadThread>> threads_;
    std::vector<std::uint64_t> thread_cpu_ns_;
    std::size_t next_thread_ = 0;
    std::uint32_t viewers_started_ = 0;
    Instant began_{};
    Instant second_end_{};
    LoadSample last_;
    DurationSet joins_;  // of the whole run
    NodeUsage node_last_;
    bool has_node_ = false;
    RunReport report_;
};

}  // namespace isthmus::load
