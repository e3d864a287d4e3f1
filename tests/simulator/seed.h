// Seeds of scenario tests. A failing one says which it was; `--seed=N` runs that one alone:
//
//     build/release/tests/media_transport_tests --gtest_filter=Handshake.* --seed=17
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace isthmus::simulator {

// From the command line; set by scenario_main.cpp.
[[nodiscard]] std::optional<std::uint64_t>& seed_override();

// Runs `scenario(seed)` for the seeds 1 to `count`; stops at the first that fails.
template <typename Scenario>
void for_each_seed(std::uint64_t count, Scenario&& scenario) {
    const std::uint64_t first = seed_override().value_or(1);
    const std::uint64_t last = seed_override().value_or(count);
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        const ::testing::ScopedTrace trace(
            __FILE__, __LINE__, "repeat with --seed=" + std::to_string(seed));
        scenario(seed);
        if (::testing::Test::HasFailure()) {
            return;
        }
    }
}

}  // namespace isthmus::simulator
