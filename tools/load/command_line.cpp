#include "tools/load/command_line.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "base/config_reader.h"
#include "tools/node/node_config.h"

namespace isthmus::load {

namespace {

constexpr int kExitUsage = 2;
constexpr std::uint32_t kParticipantsMax = 1'000'000;
// Where the limit is to be found and nobody says where to stop; per conference.
constexpr std::uint32_t kRampViewers = 100'000;

// What CLI11 reads before it becomes LoadOptions.
struct Raw {
    LoadOptions options;
    std::string codec = "vp8";
    std::string duration = "30s";
    std::string ramp = "50/s";
    std::string gro = "off";
    std::string srtp;
    std::string latency_limit = "100ms";
    std::string join_limit = "2s";
    double loss_limit_percent = 0.1;
    bool audio_only = false;
    bool video_only = false;
    std::uint32_t receive_buffer_mib = 64;
    std::vector<std::string> reports;
    std::uint32_t participants = 0;  // 0: --viewers says how many
};

const std::map<std::string, media::rtp::Codec> kCodecs = {{"vp8", media::rtp::Codec::kVp8},
                                                          {"h264", media::rtp::Codec::kH264},
                                                          {"av1", media::rtp::Codec::kAv1}};

const std::map<std::string, media::transport::SrtpProfile> kProfiles = {
    {"gcm", media::transport::SrtpProfile::kAeadAes128Gcm},
    {"gcm256", media::transport::SrtpProfile::kAeadAes256Gcm},
    {"cm-sha1", media::transport::SrtpProfile::kAesCm128HmacSha1_80}};

template <typename Map>
[[nodiscard]] std::vector<std::string> names_of(const Map& map) {
    std::vector<std::string> names;
    names.reserve(map.size());
    for (const auto& [name, value] : map) {
        names.push_back(name);
    }
    return names;
}

void add_participant_options(CLI::App& app, Raw& raw) {
    LoadOptions& options = raw.options;
    app.add_option("--node", options.node, "URL of the node's HTTP server")->capture_default_str();
    app.add_option("--token-key", options.token_key, "API key that signs the participants' tokens")
        ->capture_default_str();
    app.add_option(
        "--token-secret", options.token_secret, "Its secret; that of --dev if not given");
    app.add_option("--tls-certificate",
                   options.tls_certificate,
                   "PEM file of the node's certificate, where its URL is https and no authority "
                   "vouches for it")
        ->check(CLI::ExistingFile);
    app.add_flag("--tls-any", options.tls_any, "Take any certificate")
        ->excludes("--tls-certificate");
    app.add_option("--conference", options.conference)->capture_default_str();
    app.add_option("--conferences", options.conferences, "So many, NAME-1 and so on")
        ->check(CLI::Range(1U, 100'000U));
    app.add_flag("--livekit",
                 options.livekit,
                 "Join by the LiveKit protocol: publishers watch each other too, everybody is "
                 "subscribed to everything");
    app.add_option("--participants",
                   raw.participants,
                   "Per conference, publishers and viewers together; instead of --viewers")
        ->check(CLI::Range(1U, 1'000'000U));
    app.add_option("--publishers", options.publishers, "Per conference")
        ->check(CLI::Range(0U, 10'000U))
        ->capture_default_str();
    app.add_option("--viewers", options.viewers, "Per conference; with --ramp-until-limit at most")
        ->check(CLI::Range(0U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--watch-audio", options.watch_audio, "Audio sections of a viewer's offer");
    app.add_option("--watch-video", options.watch_video, "Video sections of a viewer's offer");
    app.add_option("--ramp", raw.ramp, "Viewers that join a second, e.g. 50/s")
        ->capture_default_str();
    app.add_option("--joins-at-once", options.joins_at_once, "HTTP connections of each thread")
        ->check(CLI::Range(1U, 120U))
        ->capture_default_str();
    app.add_flag("--trickle", options.trickle, "Tell the node candidates by PATCH too");
    app.add_option("--srtp", raw.srtp, "Offer this protection only: gcm, gcm256 or cm-sha1")
        ->check(CLI::IsMember(names_of(kProfiles)));
}

void add_media_options(CLI::App& app, Raw& raw) {
    LoadOptions& options = raw.options;
    app.add_flag("--audio-only", raw.audio_only);
    app.add_flag("--video-only", raw.video_only)->excludes("--audio-only");
    app.add_flag("--talk-spurts", options.talk_spurts, "Speakers pause, with DTX");
    app.add_option("--audio-bitrate", options.audio_bitrate_bps, "bit/s")->capture_default_str();
    app.add_option("--codec", raw.codec, "Of the video: vp8, h264 or av1")
        ->check(CLI::IsMember(names_of(kCodecs)))
        ->capture_default_str();
    app.add_option("--bitrate", options.video_bitrate_bps, "Of recorded video, bit/s")
        ->check(CLI::Range(30'000U, 50'000'000U))
        ->capture_default_str();
    app.add_option("--fps", options.fps)->check(CLI::Range(1U, 240U))->capture_default_str();
    app.add_option("--packets-per-frame",
                   options.packets_per_frame,
                   "Instead of a recording: frames of so many packets of noise")
        ->check(CLI::Range(0U, 200U));
    app.add_option("--packet-bytes", options.packet_bytes, "RTP packets of video, encrypted")
        ->check(CLI::Range(200U, 1400U))
        ->capture_default_str();
    app.add_flag("--simulcast", options.simulcast, "Three layers: q, h, f");
}

void add_run_options(CLI::App& app, Raw& raw) {
    LoadOptions& options = raw.options;
    app.add_option("--duration", raw.duration, "Of the measurement, once all have joined")
        ->capture_default_str();
    app.add_flag("--ramp-until-limit", options.ramp_until_limit, "Stop adding viewers at a limit");
    app.add_option("--loss-limit", raw.loss_limit_percent, "Lost for good, percent")
        ->capture_default_str();
    app.add_option("--latency-limit", raw.latency_limit, "99th percentile")->capture_default_str();
    app.add_option("--join-limit", raw.join_limit, "95th percentile")->capture_default_str();
    app.add_option("--threads", options.threads)
        ->check(CLI::Range(1U, 256U))
        ->capture_default_str();
    app.add_option("--cpu", options.cpus, "Cores for the threads, in order")->delimiter(',');
    app.add_option("--gro", raw.gro, "Receive with UDP_GRO: on or off")
        ->check(CLI::IsMember({"on", "off"}))
        ->capture_default_str();
    app.add_option("--gather-us",
                   options.gather_us,
                   "Let packets gather for so long before reading; adds to latencies")
        ->check(CLI::Range(0U, 5000U))
        ->capture_default_str();
    app.add_flag("--socket-each", options.socket_each, "A socket for each client on loopback too");
    app.add_option("--receive-buffer", raw.receive_buffer_mib, "Of a socket, MiB")
        ->check(CLI::Range(1U, 1024U))
        ->capture_default_str();
    app.add_option("--node-pid", options.node_pid, "Also look at this process, the node's");
    app.add_option("--report", raw.reports, "Write the report to FILE.txt, FILE.json, FILE.html")
        ->delimiter(',');
    app.add_flag("--quiet", options.quiet, "No progress, only the report");
}

[[nodiscard]] bool read_duration(const std::string& text, Duration& out) {
    const auto duration = parse_duration(text);
    if (duration) {
        out = *duration;
    }
    return duration.has_value();
}

// The form of each follows from its name.
void name_reports(const std::vector<std::string>& files, LoadOptions& options) {
    for (const std::string& file : files) {
        if (file.ends_with(".json")) {
            options.report_json = file;
        } else if (file.ends_with(".html")) {
            options.report_html = file;
        } else {
            options.report_text = file;
        }
    }
}

// Nothing where all is well, otherwise what is wrong.
[[nodiscard]] std::string finish(Raw& raw) {
    LoadOptions& options = raw.options;
    options.codec = kCodecs.at(raw.codec);
    options.gro = raw.gro == "on";
    options.audio = !raw.video_only;
    options.video = !raw.audio_only;
    options.limits.loss_ratio = raw.loss_limit_percent / 100;
    options.receive_buffer_bytes =
        static_cast<std::int32_t>(raw.receive_buffer_mib * 1024U * 1024U);
    if (!raw.srtp.empty()) {
        options.srtp_profiles = {kProfiles.at(raw.srtp)};
    }
    if (!read_duration(raw.duration, options.duration) ||
        !read_duration(raw.latency_limit, options.limits.latency_p99) ||
        !read_duration(raw.join_limit, options.limits.join_p95)) {
        return "durations look like 250ms, 30s or 5m";
    }
    char* end = nullptr;
    options.ramp_per_s = std::strtod(raw.ramp.c_str(), &end);
    if (options.ramp_per_s <= 0 || (std::string_view(end) != "/s" && *end != '\0')) {
        return "--ramp looks like 50/s";
    }
    name_reports(raw.reports, options);
    if (raw.participants != 0) {
        if (raw.participants < options.publishers) {
            return "--participants counts the publishers too";
        }
        options.viewers = raw.participants - options.publishers;
    }
    if (options.livekit && options.trickle) {
        return "--trickle is for WHIP and WHEP";
    }
    if (options.watch_audio == 0) {
        options.watch_audio = std::clamp(options.publishers, 1U, 3U);
    }
    if (options.watch_video == 0) {
        options.watch_video = std::clamp(options.publishers, 1U, 4U);
    }
    if (std::uint64_t{options.viewers} * options.conferences > kParticipantsMax ||
        std::uint64_t{options.publishers} * options.conferences > kParticipantsMax) {
        return "these are more than a million participants";
    }
    if (options.token_secret.empty()) {
        options.token_secret = node::kDevSecret;
    }
    return {};
}

}  // namespace

CommandLineResult parse_command_line(int argc, char** argv) {
    CLI::App app(
        "Puts thousands of real participants (ICE, DTLS, SRTP) on a node by WHIP and WHEP or the "
        "LiveKit protocol, and measures what they get.",
        "isthmus-load");
    Raw raw;
    add_participant_options(app, raw);
    add_media_options(app, raw);
    add_run_options(app, raw);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return {.options = std::nullopt, .status = app.exit(error) == 0 ? 0 : kExitUsage};
    }
    if (raw.options.ramp_until_limit && app.count("--viewers") == 0) {
        raw.options.viewers =
            std::min(kRampViewers, kParticipantsMax / std::max(raw.options.conferences, 1U));
    }
    if (const std::string problem = finish(raw); !problem.empty()) {
        std::fprintf(stderr, "isthmus-load: %s\n", problem.c_str());
        return {.options = std::nullopt, .status = kExitUsage};
    }
    return {.options = std::move(raw.options), .status = 0};
}

}  // namespace isthmus::load
