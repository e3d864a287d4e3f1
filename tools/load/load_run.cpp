#include "tools/load/load_run.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "base/http/percent_encoding.h"
#include "media/transport/io/clock.h"
#include "signaling/access/token.h"
#include "tools/load/node_address.h"

namespace isthmus::load {

using media::transport::read_clock;

namespace {

constexpr Duration kSecond = std::chrono::seconds(1);
constexpr Duration kRampStep = std::chrono::milliseconds(20);
constexpr Duration kJoinLimit = std::chrono::seconds(20);
constexpr std::int64_t kTokenSeconds = 24LL * 3600;
constexpr const char* kOwnLimit = "isthmus-load's own core is busy: the node could do more";
// A thread that is busier than this within a second may be what the figures show.
constexpr double kCpuShareMax = 0.9;

void sleep_until(Instant until) {
    const Duration left = until - read_clock();
    if (left > Duration::zero()) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(left.count()));
    }
}

[[nodiscard]] double seconds_of(std::uint64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

[[nodiscard]] double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Of all threads between two looks; a thread that ended in between is left out.
[[nodiscard]] double cpu_seconds(const NodeUsage& now, const NodeUsage& before) {
    const std::uint64_t was = before.cpu_ns();
    const std::uint64_t is = now.cpu_ns();
    return is > was ? seconds_of(is - was) : 0;
}

[[nodiscard]] std::int64_t unix_now_s() {
    return media::transport::read_unix_ns_at(read_clock()) / 1'000'000'000;
}

// What was counted between two samples; what only grows never goes back.
[[nodiscard]] MediaCounts difference(const MediaCounts& now, const MediaCounts& before) {
    MediaCounts counts = now;
    const auto less = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; };
    counts.packets = less(now.packets, before.packets);
    counts.media_packets = less(now.media_packets, before.media_packets);
    counts.media_bytes = less(now.media_bytes, before.media_bytes);
    counts.lost = less(now.lost, before.lost);
    counts.repaired = less(now.repaired, before.repaired);
    counts.reordered = less(now.reordered, before.reordered);
    counts.duplicates = less(now.duplicates, before.duplicates);
    counts.nacks = less(now.nacks, before.nacks);
    counts.key_frame_requests = less(now.key_frame_requests, before.key_frame_requests);
    counts.frames = less(now.frames, before.frames);
    counts.freezes = less(now.freezes, before.freezes);
    counts.frozen = std::max(now.frozen - before.frozen, Duration::zero());
    counts.srtp_errors = less(now.srtp_errors, before.srtp_errors);
    counts.bad = less(now.bad, before.bad);
    counts.unknown = less(now.unknown, before.unknown);
    counts.sent_packets = less(now.sent_packets, before.sent_packets);
    counts.sent_bytes = less(now.sent_bytes, before.sent_bytes);
    counts.sent_frames = less(now.sent_frames, before.sent_frames);
    counts.skipped_frames = less(now.skipped_frames, before.skipped_frames);
    counts.retransmitted = less(now.retransmitted, before.retransmitted);
    counts.key_frames_asked = less(now.key_frames_asked, before.key_frames_asked);
    return counts;
}

[[nodiscard]] std::string conference_of(const LoadOptions& options, std::uint32_t index) {
    return options.conferences <= 1
               ? options.conference
               : options.conference + "-" + std::to_string(index % options.conferences + 1);
}

[[nodiscard]] std::string make_token(const LoadOptions& options,
                                     const std::string& conference,
                                     const std::string& identity) {
    const signaling::access::AccessToken token{.issuer = options.token_key,
                                               .identity = identity,
                                               .name = identity,
                                               .expires_unix_s = unix_now_s() + kTokenSeconds,
                                               .video = {.room = conference, .room_join = true}};
    return signaling::access::sign_token(token, options.token_secret);
}

// Per thread within the time between two looks.
[[nodiscard]] std::vector<NodeThread> difference(const NodeUsage& now, const NodeUsage& before) {
    std::vector<NodeThread> threads = now.threads;
    for (NodeThread& thread : threads) {
        const auto old = std::ranges::find(before.threads, thread.id, &NodeThread::id);
        thread.cpu_ns -= old == before.threads.end() ? 0 : std::min(old->cpu_ns, thread.cpu_ns);
    }
    return threads;
}

}  // namespace

LoadRun::LoadRun(LoadOptions options,
                 LayerRecordings recordings,
                 std::function<void(const std::string&)> progress,
                 std::function<bool()> interrupted)
    : options_(std::move(options)),
      recordings_(std::move(recordings)),
      progress_(std::move(progress)),
      interrupted_(std::move(interrupted)) {
    report_.options = options_;
}

Result<RunReport> LoadRun::run() {
    if (options_.node_pid != 0) {
        auto usage = read_node_usage(options_.node_pid);
        if (!usage) {
            return std::unexpected(usage.error());
        }
        node_last_ = std::move(*usage);
        has_node_ = true;
        report_.node.emplace();
        if (shares_cores(options_.node_pid, options_.cpus)) {
            report_.remarks.push_back(
                "the node may run on the cores of isthmus-load; give each its own (taskset for the "
                "node, --cpu here)");
        }
    }
    if (const auto started = start_threads(); !started) {
        return std::unexpected(started.error());
    }
    began_ = read_clock();
    second_end_ = began_ + kSecond;
    if (const auto joined = join_publishers(); !joined) {
        return std::unexpected(joined.error());
    }
    join_viewers();
    measure();
    finish();
    return std::move(report_);
}

Result<void> LoadRun::start_threads() {
    const auto authority = parse_node_url(options_.node);
    if (!authority) {
        return std::unexpected(authority.error());
    }
    const auto address = resolve(*authority);
    if (!address) {
        return std::unexpected(address.error());
    }
    const auto local = local_address_towards(*address);
    if (!local) {
        return std::unexpected(local.error());
    }
    const bool here = local->is_loopback() && local->is_v4();
    for (std::uint32_t i = 0; i < std::max(options_.threads, 1U); ++i) {
        const auto cpus = static_cast<std::uint32_t>(options_.cpus.size());
        auto thread =
            LoadThread::start({.options = options_,
                               .cpu = cpus == 0 ? -1 : options_.cpus[i % cpus],
                               .node = *authority,
                               .node_address = *address,
                               .sockets = {.local_ip = *local,
                                           .one_for_all = here && !options_.socket_each,
                                           .gro = options_.gro,
                                           .receive_buffer_bytes = options_.receive_buffer_bytes},
                               .recordings = recordings_});
        if (!thread) {
            return std::unexpected(thread.error());
        }
        threads_.push_back(std::move(*thread));
    }
    thread_cpu_ns_.assign(threads_.size(), 0);
    return {};
}

JoinOrder LoadRun::order_for(ParticipantRole role, std::uint32_t index) const {
    const bool publishes = role == ParticipantRole::kPublisher;
    const std::string conference = conference_of(options_, index);
    const std::string name = (publishes ? "publisher-" : "viewer-") + std::to_string(index + 1);
    return {.role = role,
            .name = name,
            .target = (publishes ? "/whip/" : "/whep/") + http::percent_encode(conference),
            .token = make_token(options_, conference, name)};
}

Result<void> LoadRun::join_publishers() {
    const std::uint32_t wanted = options_.publishers * options_.conferences;
    for (std::uint32_t i = 0; i < wanted; ++i) {
        threads_[next_thread_++ % threads_.size()]->join(order_for(ParticipantRole::kPublisher, i));
    }
    const Instant limit = read_clock() + kJoinLimit;
    while (last_.participants.connected < wanted && !interrupted_()) {
        take_second(false);
        if (last_.participants.failed > 0 || read_clock() > limit) {
            return make_error(ErrorCode::kUnavailable,
                              "the publishers could not join: " +
                                  (last_.last_failure.empty() ? "they do not connect in time"
                                                              : last_.last_failure));
        }
    }
    return {};
}

std::uint64_t LoadRun::tracks_wanted() const {
    if (!options_.livekit) {
        return 0;
    }
    const std::uint64_t tracks =
        std::uint64_t{options_.publishers} * ((options_.audio ? 1 : 0) + (options_.video ? 1 : 0));
    const std::uint64_t others = std::uint64_t{options_.publishers} + options_.viewers;
    // Nobody is sent what is their own.
    return others == 0 ? 0 : tracks * (others - 1) * options_.conferences;
}

void LoadRun::add_viewers(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        threads_[next_thread_++ % threads_.size()]->join(
            order_for(ParticipantRole::kViewer, viewers_started_++));
    }
}

// In the second that was just taken.
bool LoadRun::breaks_limit() {
    report_.limit_broken = broken_limit(report_.seconds.back());
    if (!report_.limit_broken.empty()) {
        judge_validity(report_.seconds.back());
        return true;
    }
    report_.viewers_within_limits = last_.participants.receiving;
    return false;
}

void LoadRun::join_viewers() {
    const std::uint32_t wanted = options_.viewers * options_.conferences;
    const NodeUsage before = node_last_;
    const std::uint64_t publishers = last_.participants.connected;
    if (report_.node) {
        report_.node->rss_before_bytes = before.rss_bytes;
    }
    if (options_.ramp_until_limit) {
        report_.viewers_within_limits = 0;
    }
    ramp_up(wanted, publishers);
    if (report_.node) {
        report_.node->join_cpu_s = cpu_seconds(node_last_, before);
        report_.node->joined = last_.participants.connected - publishers;
    }
}

void LoadRun::ramp_up(std::uint32_t wanted, std::uint64_t publishers) {
    const Instant begin = read_clock();
    Instant limit = wanted == 0 ? begin + kJoinLimit : kNever;
    while (!interrupted_() && read_clock() < limit &&
           (viewers_started_ < wanted || !all_settled(wanted, publishers))) {
        if (add_due_viewers(read_clock() - begin, wanted) && viewers_started_ == wanted) {
            limit = read_clock() + kJoinLimit;
        }
        if (read_clock() + kRampStep < second_end_) {
            sleep_until(read_clock() + kRampStep);
            continue;
        }
        take_second(false);
        if (options_.ramp_until_limit && breaks_limit()) {
            return;
        }
    }
}

bool LoadRun::add_due_viewers(Duration elapsed, std::uint32_t wanted) {
    const double elapsed_s = seconds_of(static_cast<std::uint64_t>(elapsed.count()));
    const auto due = static_cast<std::uint64_t>(elapsed_s * options_.ramp_per_s) + 1;
    const auto begun = static_cast<std::uint32_t>(std::min<std::uint64_t>(due, wanted));
    if (begun <= viewers_started_) {
        return false;
    }
    add_viewers(begun - viewers_started_);
    return true;
}

bool LoadRun::all_settled(std::uint32_t wanted, std::uint64_t publishers) const {
    const ParticipantCounts& counts = last_.participants;
    // Publishers that watch each other count too.
    const std::uint64_t receivers =
        wanted + (options_.livekit && options_.publishers > 1 ? publishers : 0);
    const bool ready = publishers > 0 ? counts.receiving + counts.failed >= receivers
                                      : counts.connected + counts.failed >= wanted;
    return ready && (counts.failed > 0 || counts.tracks >= tracks_wanted());
}

void LoadRun::measure() {
    // The second in which the last ones joined is not part of it.
    take_second(false);
    const MediaCounts before = last_.media;
    const std::uint64_t cpu_before = last_.cpu_ns;
    const std::uint64_t kernel_before = last_.kernel_ns;
    const std::uint64_t drops_before = last_.socket_drops + last_.send_drops;
    const NodeUsage node_before = node_last_;
    const Instant begin = read_clock();
    report_.durations = {};
    while (read_clock() - begin < options_.duration - kSecond / 2 && !interrupted_()) {
        take_second(true);
        judge_validity(report_.seconds.back());
    }
    report_.measured_s = seconds_of(static_cast<std::uint64_t>((read_clock() - begin).count()));
    report_.media = difference(last_.media, before);
    report_.participants = last_.participants;
    report_.load_cpu_s = seconds_of(last_.cpu_ns - cpu_before);
    report_.socket_drops = last_.socket_drops + last_.send_drops - drops_before;
    if (report_.media.packets > 0) {
        const auto packets = static_cast<double>(report_.media.packets);
        const std::uint64_t kernel_ns =
            last_.kernel_ns > kernel_before ? last_.kernel_ns - kernel_before : 0;
        report_.load_ns_per_packet = report_.load_cpu_s * 1e9 / packets;
        report_.load_kernel_ns_per_packet = static_cast<double>(kernel_ns) / packets;
    }
    if (report_.node) {
        NodeFigures& node = *report_.node;
        node.threads = difference(node_last_, node_before);
        node.rss_after_bytes = node_last_.rss_bytes;
        std::uint64_t busiest = 0;
        for (const NodeThread& thread : node.threads) {
            node.cpu_s += seconds_of(thread.cpu_ns);
            busiest = std::max(busiest, thread.cpu_ns);
        }
        const auto packets = static_cast<double>(report_.media.packets);
        node.packets_per_cpu_s = node.cpu_s > 0 ? packets / node.cpu_s : 0;
        node.worker_packets_per_cpu_s = busiest > 0 ? packets / seconds_of(busiest) : 0;
    }
}

void LoadRun::finish() {
    for (const auto& thread : threads_) {
        thread->stop();
    }
    report_.durations.signaling = joins_.signaling;
    report_.durations.connect = joins_.connect;
    report_.durations.first_media = joins_.first_media;
    report_.durations.first_frame = joins_.first_frame;
    report_.durations.key_frame_wait = joins_.key_frame_wait;
    report_.trickled = last_.trickled;
    report_.trickles_refused = last_.trickles_refused;
    if (report_.trickles_refused > 0) {
        report_.remarks.push_back(fmt::format("{} of {} trickled candidates were not taken",
                                              report_.trickles_refused,
                                              report_.trickled));
    }
    if (report_.participants.failed > 0) {
        report_.remarks.push_back(fmt::format("{} participants failed; the last: {}",
                                              report_.participants.failed,
                                              last_.last_failure));
    }
    const std::uint64_t wanted =
        std::uint64_t{options_.publishers + options_.viewers} * options_.conferences;
    if (report_.participants.tracks < tracks_wanted() && report_.limit_broken.empty()) {
        report_.remarks.push_back(fmt::format("{} of {} subscriptions to tracks were answered",
                                              report_.participants.tracks,
                                              tracks_wanted()));
    }
    if (report_.participants.connected < wanted && report_.limit_broken.empty()) {
        report_.remarks.push_back(fmt::format(
            "{} of {} participants were connected", report_.participants.connected, wanted));
    }
}

void LoadRun::sleep_until_second() {
    while (read_clock() < second_end_ && !interrupted_()) {
        sleep_until(std::min(second_end_, read_clock() + std::chrono::milliseconds(100)));
    }
}

LoadSample LoadRun::sample_all(double& busiest_cpu) {
    LoadSample sum;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
        const LoadSample sample = threads_[i]->take_sample();
        busiest_cpu = std::max(busiest_cpu, seconds_of(sample.cpu_ns - thread_cpu_ns_[i]));
        thread_cpu_ns_[i] = sample.cpu_ns;
        sum.add(sample);
    }
    return sum;
}

void LoadRun::take_second(bool measured) {
    sleep_until_second();
    const Instant began = second_end_ - kSecond;
    const Instant now = read_clock();
    const double elapsed = seconds_of(static_cast<std::uint64_t>((now - began).count()));
    double busiest = 0;
    LoadSample sample = sample_all(busiest);
    const MediaCounts counts = difference(sample.media, last_.media);
    SecondSample second{.at_s = seconds_of(static_cast<std::uint64_t>((now - began_).count())),
                        .measured = measured,
                        .participants = sample.participants,
                        .packets_per_s = static_cast<double>(counts.packets) / elapsed,
                        .bits_per_s = static_cast<double>(counts.media_bytes) * 8 / elapsed,
                        .loss_ratio = unrepaired_ratio_of(counts),
                        .video_p50_ms = to_ms(sample.durations.video_latency.percentile(0.5)),
                        .video_p99_ms = to_ms(sample.durations.video_latency.percentile(0.99)),
                        .audio_p99_ms = to_ms(sample.durations.audio_latency.percentile(0.99)),
                        .load_cpu = busiest / elapsed};
    if (has_node_) {
        if (auto usage = read_node_usage(options_.node_pid)) {
            second.node_cpu = cpu_seconds(*usage, node_last_) / elapsed;
            second.node_rss_mib = static_cast<double>(usage->rss_bytes) / (1024.0 * 1024.0);
            node_last_ = std::move(*usage);
        } else {
            note_invalid("the node's process ended");
        }
    }
    report_.durations.add(sample.durations);
    joins_.add(sample.durations);
    last_ = std::move(sample);
    second_end_ = now + kSecond;
    report_.seconds.push_back(second);
    show(second);
}

void LoadRun::judge_validity(const SecondSample& second) {
    report_.load_cpu_peak = std::max(report_.load_cpu_peak, second.load_cpu);
    if (second.load_cpu > kCpuShareMax) {
        note_invalid(
            fmt::format("isthmus-load's own core was the limit ({:.0f} % busy); give it "
                        "more cores (--threads, --cpu) or fewer participants",
                        second.load_cpu * 100));
    }
    if (last_.socket_drops > 0) {
        note_invalid(
            "isthmus-load's receive buffer overflowed; raise --receive-buffer or give it "
            "more cores");
    }
    if (last_.send_drops > 0) {
        note_invalid("isthmus-load could not send all it wanted to");
    }
    if (last_.media.skipped_frames > 0) {
        note_invalid("isthmus-load's publishers were late and left frames out");
    }
}

void LoadRun::note_invalid(const std::string& reason) {
    // The first words tell reasons apart; figures in them differ.
    const std::string_view kind = std::string_view(reason).substr(0, 28);
    if (std::ranges::none_of(report_.invalid,
                             [kind](const std::string& each) { return each.starts_with(kind); })) {
        report_.invalid.push_back(reason);
    }
}

std::string LoadRun::broken_limit(const SecondSample& second) const {
    const LoadLimits& limits = options_.limits;
    if (last_.participants.failed > 0) {
        return "a participant failed: " + last_.last_failure;
    }
    if (second.load_cpu > kCpuShareMax) {
        return kOwnLimit;
    }
    if (second.loss_ratio > limits.loss_ratio) {
        return fmt::format("{:.3f} % of packets were lost for good", second.loss_ratio * 100);
    }
    const double latency = std::max(second.video_p99_ms, second.audio_p99_ms);
    if (latency > to_ms(limits.latency_p99)) {
        return fmt::format("the 99th percentile of latency reached {:.1f} ms", latency);
    }
    const double join_p95 = to_ms(joins_.connect.percentile(0.95));
    if (join_p95 > to_ms(limits.join_p95)) {
        return fmt::format("the 95th percentile of joins reached {:.0f} ms", join_p95);
    }
    return {};
}

void LoadRun::show(const SecondSample& second) {
    const ParticipantCounts& counts = second.participants;
    std::string line = fmt::format(
        "{:6.1f} s  {:5} joined  {:5} receiving  {:9.0f} packets/s  "
        "{:7.1f} Mbit/s  lost {:.3f} %  p99 {:.2f} ms  load {:3.0f} %",
        second.at_s,
        counts.connected,
        counts.receiving,
        second.packets_per_s,
        second.bits_per_s / 1e6,
        second.loss_ratio * 100,
        std::max(second.video_p99_ms, second.audio_p99_ms),
        second.load_cpu * 100);
    if (has_node_) {
        line += fmt::format("  node {:3.0f} %", second.node_cpu * 100);
    }
    if (counts.failed > 0) {
        line += fmt::format("  {} failed", counts.failed);
    }
    progress_(line);
}

double unrepaired_ratio_of(const MediaCounts& counts) {
    const std::uint64_t missing = counts.lost > counts.repaired ? counts.lost - counts.repaired : 0;
    return share(missing, counts.media_packets + missing);
}

double RunReport::loss_ratio() const {
    return share(media.lost, media.media_packets - media.repaired + media.lost);
}

double RunReport::unrepaired_ratio() const {
    return unrepaired_ratio_of(media);
}

}  // namespace isthmus::load
