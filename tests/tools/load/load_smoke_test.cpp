// A whole run against a real node: another process, real sockets on ports that the system chose.
// Checks that everything arrives; how fast is nobody's business here.
#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/load/load_run.h"
#include "tools/load/recordings.h"
#include "tools/node/node_config.h"

namespace isthmus::load {
namespace {

// A node for development that listens where the system likes.
class NodeProcess {
  public:
    NodeProcess() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        const std::string state = ::testing::TempDir() + "/load_smoke_node";
        std::array<std::string, 14> words = {ISTHMUS_NODE_PROGRAM,
                                             "--dev",
                                             "--workers",
                                             "1",
                                             "--http-port",
                                             "0",
                                             "--https-port",
                                             "0",
                                             "--media-port",
                                             "0",
                                             "--advertise",
                                             "127.0.0.1",
                                             "--state-directory",
                                             state};
        std::array<char*, words.size() + 1> arguments{};
        for (std::size_t i = 0; i < words.size(); ++i) {
            arguments[i] = words[i].data();
        }
        EXPECT_EQ(::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ),
                  0);
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output_ = ::fdopen(ends[0], "r");
    }

    ~NodeProcess() {
        ::kill(pid, SIGTERM);
        int status = 0;
        ::waitpid(pid, &status, 0);
        std::fclose(output_);
    }

    NodeProcess(const NodeProcess&) = delete;
    NodeProcess& operator=(const NodeProcess&) = delete;

    // The first line that names plain HTTP; empty where the node ends before.
    std::string url() {
        std::array<char, 512> line{};
        while (std::fgets(line.data(), static_cast<int>(line.size()), output_) != nullptr) {
            std::string text = line.data();
            if (text.starts_with("http://")) {
                return text.substr(0, text.find_last_not_of("/\n") + 1);
            }
        }
        return {};
    }

    pid_t pid = -1;

  private:
    std::FILE* output_ = nullptr;
};

RunReport run_against(NodeProcess& node, LoadOptions options) {
    options.node = node.url();
    EXPECT_FALSE(options.node.empty()) << "the node did not start";
    options.token_secret = node::kDevSecret;
    options.node_pid = node.pid;
    options.watch_audio = 1;
    options.watch_video = 1;
    auto recordings = make_recordings(options);
    EXPECT_TRUE(recordings);
    LoadRun run(
        options,
        *recordings,
        [](const std::string& line) { std::printf("%s\n", line.c_str()); },
        [] { return false; });
    auto report = run.run();
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : RunReport{};
}

void expect_all_received(const RunReport& report, std::uint64_t viewers) {
    EXPECT_EQ(report.participants.connected, viewers + 1);
    EXPECT_EQ(report.participants.receiving, viewers);
    EXPECT_EQ(report.participants.failed, 0U);
    const MediaCounts& media = report.media;
    // What was published while it was measured, but for what was under way at both ends.
    EXPECT_GT(media.sent_frames, 60U);
    EXPECT_GT(media.packets, viewers * media.sent_packets * 9 / 10);
    EXPECT_LT(media.packets, viewers * media.sent_packets * 11 / 10);
    EXPECT_GT(media.frames, viewers * 60);
    EXPECT_EQ(report.unrepaired_ratio(), 0.0);
    EXPECT_EQ(media.srtp_errors + media.bad + media.unknown, 0U);
    EXPECT_GT(report.durations.video_latency.count(), viewers * 60);
    EXPECT_EQ(report.durations.connect.count(), viewers + 1);
    EXPECT_EQ(report.durations.first_frame.count(), viewers);
    ASSERT_TRUE(report.node);
    EXPECT_GT(report.node->cpu_s, 0.0);
    EXPECT_GT(report.node->packets_per_cpu_s, 0.0);
}

TEST(LoadSmoke, OnePublisherAndFiveViewers) {
    NodeProcess node;
    LoadOptions options;
    options.viewers = 5;
    options.duration = std::chrono::seconds(3);
    expect_all_received(run_against(node, options), 5);
}

TEST(LoadSmoke, ASocketForEachClientAndGro) {
    NodeProcess node;
    LoadOptions options;
    options.viewers = 3;
    options.duration = std::chrono::seconds(3);
    options.socket_each = true;
    options.gro = true;
    options.packets_per_frame = 8;
    options.threads = 2;
    options.srtp_profiles = {media::transport::SrtpProfile::kAesCm128HmacSha1_80};
    expect_all_received(run_against(node, options), 3);
}

}  // namespace
}  // namespace isthmus::load
