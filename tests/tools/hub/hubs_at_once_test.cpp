// Hubs that start at the same moment on one empty PostgreSQL.
#include <barrier>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "tests/tools/hub/postgresql_under_test.h"
#include "tools/hub/hub.h"
#include "tools/hub/identity/master_key.h"

namespace isthmus::hub {
namespace {

std::string contents_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(HubsAtOnce, OneMakesKeysAndAdministratorAndTheOthersFindThem) {
    constexpr std::size_t kHubs = 4;
    const PostgresqlUnderTest postgresql;
    if (postgresql.address().empty()) {
        GTEST_SKIP() << "PostgreSQL is not installed; tools/dev test installs it";
    }
    const TemporaryFolder folder;
    SystemRandom random;
    std::vector<std::filesystem::path> data;
    for (std::size_t i = 0; i < kHubs; ++i) {
        data.push_back(folder.path() / std::to_string(i));
        std::filesystem::create_directories(data.back());
        if (i == 0) {
            ASSERT_TRUE(MasterKey::load_or_make(data[0] / "master.key", random).has_value());
        } else {
            std::filesystem::copy(data[0] / "master.key", data[i] / "master.key");
        }
    }
    std::vector<std::string> administrators(kHubs);
    std::vector<std::string> faults(kHubs);
    std::barrier begin(static_cast<std::ptrdiff_t>(kHubs));
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < kHubs; ++i) {
            threads.emplace_back([&, i] {
                boost::asio::io_context io(1);
                HubOptions options;
                options.data = data[i];
                options.database = postgresql.address();
                options.listen = {{.ip = "127.0.0.1", .port = 0}};
                begin.arrive_and_wait();
                const auto hub = Hub::start(io, std::move(options));
                if (hub) {
                    administrators[i] = (*hub)->first_administrator().name;
                } else {
                    faults[i] = hub.error().message;
                }
            });
        }
    }
    std::size_t made = 0;
    for (std::size_t i = 0; i < kHubs; ++i) {
        EXPECT_EQ(faults[i], "");
        made += administrators[i].empty() ? 0 : 1;
        EXPECT_EQ(contents_of(data[i] / "ca.crt"), contents_of(data[0] / "ca.crt"));
    }
    EXPECT_EQ(made, 1U);
}

}  // namespace
}  // namespace isthmus::hub
