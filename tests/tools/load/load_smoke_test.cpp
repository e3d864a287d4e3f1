// A whole run against a real node: another process, real sockets on ports that the system chose.
// Checks that everything arrives; how fast is nobody's business here.
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/temporary_folder.h"
#include "tools/load/load_run.h"
#include "tools/load/recordings.h"
#include "tools/node/node_config.h"

namespace isthmus::load {
namespace {

// A node for development that listens where the system likes.
class NodeProcess {
  public:
    // `configuration`: YAML beside what the options say.
    explicit NodeProcess(const std::string& configuration = "{}") {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        const std::string file = state + "/node.yaml";
        std::ofstream(file) << configuration << "\n";
        std::array<std::string, 16> words = {ISTHMUS_NODE_PROGRAM,
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
                                             state,
                                             "--config",
                                             file};
        std::array<char*, words.size() + 1> arguments{};
        for (std::size_t i = 0; i < words.size(); ++i) {
            arguments[i] = words[i].data();
        }
        EXPECT_EQ(::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ),
                  0);
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output_.reset(::fdopen(ends[0], "r"));
    }

    ~NodeProcess() {
        ::kill(pid, SIGTERM);
        int status = 0;
        ::waitpid(pid, &status, 0);
    }

    NodeProcess(const NodeProcess&) = delete;
    NodeProcess& operator=(const NodeProcess&) = delete;

    // The first line that names such a server of it; empty where the node ends before.
    std::string url(const std::string& scheme = "http://") {
        std::array<char, 512> line{};
        while (std::fgets(line.data(), static_cast<int>(line.size()), output_.get()) != nullptr) {
            std::string text = line.data();
            if (text.starts_with(scheme)) {
                return text.substr(0, text.find_last_not_of("/\n") + 1);
            }
        }
        return {};
    }

    // Of HTTPS, which the node signed itself.
    [[nodiscard]] std::string certificate() const { return state + "/https.crt"; }

    const isthmus::TemporaryFolder folder;
    const std::string state = folder.path();
    pid_t pid = -1;

  private:
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> output_{nullptr, std::fclose};
};

RunReport run_against(NodeProcess& node, LoadOptions options) {
    if (options.node == LoadOptions{}.node) {
        options.node = node.url();
    }
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

// As over the Internet: the node's own certificate, candidates by PATCH.
TEST(LoadSmoke, JoinsByHttpsAndTricklesItsCandidates) {
    NodeProcess node;
    LoadOptions options;
    const std::string url = node.url("https://");
    ASSERT_FALSE(url.empty()) << "the node names no HTTPS server";
    options.node = "https://127.0.0.1" + url.substr(url.rfind(':'));
    options.tls_certificate = node.certificate();
    options.trickle = true;
    options.viewers = 5;
    options.duration = std::chrono::seconds(3);
    const RunReport report = run_against(node, options);
    expect_all_received(report, 5);
    EXPECT_EQ(report.trickled, 6U);
    EXPECT_EQ(report.trickles_refused, 0U);
}

// Publishers watch each other too: everybody has every track.
TEST(LoadSmoke, JoinsByTheLiveKitProtocol) {
    NodeProcess node;
    LoadOptions options;
    options.livekit = true;
    options.publishers = 3;
    options.viewers = 4;
    options.duration = std::chrono::seconds(3);
    const RunReport report = run_against(node, options);
    EXPECT_EQ(report.participants.connected, 7U);
    EXPECT_EQ(report.participants.receiving, 7U);
    EXPECT_EQ(report.participants.failed, 0U);
    EXPECT_EQ(report.participants.tracks, 4U * 6 + 3U * 4) << "sound and picture of all others";
    EXPECT_EQ(report.unrepaired_ratio(), 0.0);
    EXPECT_GT(report.media.frames, 0U);
    EXPECT_EQ(report.media.srtp_errors + report.media.bad, 0U);
    EXPECT_EQ(report.durations.first_frame.count(), 7U);
}

TEST(LoadSmoke, SaysThatItDoesNotTrustTheNode) {
    NodeProcess node;
    LoadOptions options;
    const std::string url = node.url("https://");
    options.node = "https://127.0.0.1" + url.substr(url.rfind(':'));
    options.token_secret = node::kDevSecret;
    auto recordings = make_recordings(options);
    ASSERT_TRUE(recordings);
    LoadRun run(options, *recordings, [](const std::string&) {}, [] { return false; });
    const auto report = run.run();
    ASSERT_FALSE(report);
    EXPECT_TRUE(report.error().message.contains("not trusted")) << report.error().message;
}

// Recorded pictures of each codec in three sizes, and people who pause.
TEST(LoadSmoke, PublishesRecordedSimulcastAndTalkSpurts) {
    for (const auto codec :
         {media::rtp::Codec::kVp8, media::rtp::Codec::kH264, media::rtp::Codec::kAv1}) {
        NodeProcess node;
        LoadOptions options;
        options.codec = codec;
        options.simulcast = true;
        options.talk_spurts = true;
        options.viewers = 2;
        options.duration = std::chrono::seconds(4);
        const RunReport report = run_against(node, options);
        const auto name = media::rtp::name_of(codec);
        EXPECT_EQ(report.participants.receiving, 2U) << name;
        // Three layers go out, one of them comes to each viewer.
        EXPECT_GT(report.media.sent_frames, 3U * 60) << name;
        EXPECT_GT(report.media.frames, 2U * 60) << name;
        EXPECT_LT(report.media.frames, report.media.sent_frames) << name;
        EXPECT_EQ(report.unrepaired_ratio(), 0.0) << name;
        EXPECT_EQ(report.media.srtp_errors + report.media.bad + report.media.unknown, 0U) << name;
        EXPECT_EQ(report.durations.key_frame_wait.count(), 2U) << name;
        EXPECT_GT(report.durations.jitter.count(), 0U) << name;
    }
}

LoadOptions ramp() {
    LoadOptions options;
    options.viewers = 1000;
    options.ramp_per_s = 2;
    options.ramp_until_limit = true;
    options.limits.latency_p99 = std::chrono::seconds(10);
    options.limits.loss_ratio = 1;
    options.limits.join_p95 = std::chrono::seconds(10);
    options.duration = std::chrono::seconds(1);
    return options;
}

// One publisher and seven others fit in.
TEST(LoadSmoke, RampsUntilTheNodeIsFull) {
    NodeProcess node("media: {limits: {participants_per_conference: 8}}");
    const RunReport report = run_against(node, ramp());
    ASSERT_TRUE(report.viewers_within_limits);
    EXPECT_GE(*report.viewers_within_limits, 1U);
    EXPECT_LE(*report.viewers_within_limits, 7U);
    EXPECT_TRUE(report.limit_broken.starts_with("a participant failed: viewer-8"))
        << report.limit_broken;
    EXPECT_TRUE(report.limit_broken.contains("429")) << report.limit_broken;
    // The last one that fits may still be on its way when the next is refused.
    EXPECT_LE(report.participants.receiving, 7U);
}

TEST(LoadSmoke, RampsUntilLatencyIsOverItsLimit) {
    NodeProcess node;
    LoadOptions options = ramp();
    options.limits.latency_p99 = std::chrono::nanoseconds(1);
    const RunReport report = run_against(node, options);
    EXPECT_TRUE(report.limit_broken.contains("latency")) << report.limit_broken;
    ASSERT_TRUE(report.viewers_within_limits);
    EXPECT_LE(*report.viewers_within_limits, 1U);
}

TEST(LoadSmoke, RampsUntilAllViewersThatItIsToHaveAreThere) {
    NodeProcess node;
    LoadOptions options = ramp();
    options.viewers = 3;
    const RunReport report = run_against(node, options);
    EXPECT_EQ(report.limit_broken, "");
    EXPECT_EQ(report.participants.receiving, 3U);
}

}  // namespace
}  // namespace isthmus::load
