// main() of test programs with scenarios: GoogleTest's, and --seed=N (see seed.h).
#include <charconv>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/simulator/seed.h"

namespace isthmus::simulator {

std::optional<std::uint64_t>& seed_override() {
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): set once, before tests.
    static std::optional<std::uint64_t> seed;
    return seed;
}

}  // namespace isthmus::simulator

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    static constexpr std::string_view kFlag = "--seed=";
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        std::uint64_t seed = 0;
        const char* const end = argument.data() + argument.size();
        if (!argument.starts_with(kFlag) ||
            std::from_chars(argument.data() + kFlag.size(), end, seed).ptr != end) {
            std::fprintf(stderr, "unknown argument %s; there is --seed=N\n", argv[i]);
            return 2;
        }
        isthmus::simulator::seed_override() = seed;
    }
    return RUN_ALL_TESTS();
}
