// Hubs that start at the same moment on one empty PostgreSQL.
#include <array>
#include <barrier>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
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

constexpr std::size_t kHubs = 4;

using Folders = std::array<std::filesystem::path, kHubs>;

// Data directories that hold the same master key and nothing else.
Folders make_folders(const std::filesystem::path& root) {
    Folders folders;
    SystemRandom random;
    for (std::size_t i = 0; i < kHubs; ++i) {
        folders.at(i) = root / std::to_string(i);
        std::filesystem::create_directories(folders.at(i));
        if (i == 0) {
            EXPECT_TRUE(MasterKey::load_or_make(folders[0] / "master.key", random).has_value());
        } else {
            std::filesystem::copy(folders[0] / "master.key", folders.at(i) / "master.key");
        }
    }
    return folders;
}

struct Started {
    std::string administrator;  // who was made
    std::string fault;
};

Started start_hub(const std::filesystem::path& data, const std::string& database) {
    boost::asio::io_context io(1);
    HubOptions options;
    options.data = data;
    options.database = database;
    options.listen = {{.ip = "127.0.0.1", .port = 0}};
    const auto hub = Hub::start(io, std::move(options));
    return hub ? Started{.administrator = (*hub)->first_administrator().name, .fault = {}}
               : Started{.administrator = {}, .fault = hub.error().message};
}

TEST(HubsAtOnce, OneMakesKeysAndAdministratorAndTheOthersFindThem) {
    const PostgresqlUnderTest postgresql;
    if (postgresql.address().empty()) {
        GTEST_SKIP() << "PostgreSQL is not installed; tools/dev test installs it";
    }
    const TemporaryFolder folder;
    const Folders folders = make_folders(folder.path());
    std::array<Started, kHubs> hubs;
    std::barrier begin(static_cast<std::ptrdiff_t>(kHubs));
    {
        std::vector<std::jthread> threads;
        threads.reserve(kHubs);
        for (std::size_t i = 0; i < kHubs; ++i) {
            threads.emplace_back([&, i] {
                begin.arrive_and_wait();
                hubs.at(i) = start_hub(folders.at(i), postgresql.address());
            });
        }
    }
    std::size_t made = 0;
    for (std::size_t i = 0; i < kHubs; ++i) {
        EXPECT_EQ(hubs.at(i).fault, "");
        made += hubs.at(i).administrator.empty() ? 0 : 1;
        EXPECT_EQ(contents_of(folders.at(i) / "ca.crt"), contents_of(folders[0] / "ca.crt"));
    }
    EXPECT_EQ(made, 1U);
}

}  // namespace
}  // namespace isthmus::hub
