#include "tests/media/congestion/scenarios.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace isthmus::media::congestion {
namespace {

using std::chrono::milliseconds;

constexpr Duration kDelay = milliseconds(50);
constexpr double kQueueSeconds = 0.3;
constexpr double kAudioBps = 56'000;
constexpr double kVideoMaxBps = 1'500'000;

Duration seconds(double s) {
    return Duration(static_cast<Duration::rep>(s * 1e9));
}

simulator::LinkConfig line(std::int64_t kbps) {
    return {.delay = kDelay,
            .rate_bps = static_cast<std::uint64_t>(kbps) * 1000,
            .queue_bytes =
                static_cast<std::size_t>(static_cast<double>(kbps) * 1000 / 8 * kQueueSeconds)};
}

// What every scenario reports, over [from_s, to_s].
Figures figures(std::string name, const Bottleneck& net, double from_s, double to_s) {
    const std::vector<const FlowTrace*> traces = net.traces();
    const Span span = net.span(from_s, to_s);
    Figures all{.name = std::move(name)};
    all.utilisation = net.utilisation(from_s, to_s);
    all.queued_ms_p50 = queued_ms(traces, span, 0.5);
    all.queued_ms_p95 = queued_ms(traces, span, 0.95);
    all.loss = loss_share(traces);
    all.rate_min_kbps = 1e9;
    for (const FlowTrace* const trace : traces) {
        all.padding = std::max(all.padding, padding_share(*trace));
        all.switches += trace->switches;
        all.gap_ms = std::max(
            all.gap_ms, std::chrono::duration<double, std::milli>(trace->longest_gap).count());
        all.rate_min_kbps = std::min(all.rate_min_kbps, mean_received(*trace, span) / 1000);
    }
    return all;
}

double jain_of(const Bottleneck& net, double from_s, double to_s) {
    std::vector<double> rates;
    for (const FlowTrace* const trace : net.traces()) {
        rates.push_back(mean_received(*trace, net.span(from_s, to_s)));
    }
    return jain_index(rates);
}

// The longest that any flow takes to reach 90 % of `share_bps`.
std::optional<double> settle_of(const Bottleneck& net, double from_s, double to_s, double share) {
    double longest = 0;
    for (const FlowTrace* const trace : net.traces()) {
        const auto took = seconds_to_target(*trace, net.span(from_s, to_s), share * 0.9);
        if (!took) {
            return std::nullopt;
        }
        longest = std::max(longest, *took);
    }
    return longest;
}

}  // namespace

TrackModel rfc_track() {
    TrackModel track;
    constexpr std::int64_t kKbps[] = {100, 150, 300, 500, 1000, 1500};
    for (std::uint8_t i = 0; i < 6; ++i) {
        track.layers.push_back({.spatial = static_cast<std::uint8_t>(i / 2),
                                .temporal = static_cast<std::uint8_t>(i % 2),
                                .rate = DataRate::kbps(kKbps[i])});
    }
    return track;
}

Bottleneck::Bottleneck(CapacityPlan forward, CapacityPlan backward, std::uint64_t seed)
    : began_(simulator_.now()),
      plan_(std::move(forward)),
      forward_(line(plan_.front().kbps), seed),
      backward_(line(backward.front().kbps), seed + 1),
      seed_(seed * 1000) {
    follow(forward_, plan_);
    follow(backward_, backward);
}

void Bottleneck::follow(simulator::Link& link, const CapacityPlan& plan) {
    for (const CapacityChange& change : plan) {
        simulator_.at(began_ + seconds(change.at_s),
                      [&link, kbps = change.kbps] { link.set_config(line(kbps)); });
    }
}

MediaFlow& Bottleneck::add_flow(double at_s, Duration delay) {
    FlowConfig config;
    config.tracks.push_back(rfc_track());
    config.delay = delay;
    return add_flow(at_s, std::move(config));
}

MediaFlow& Bottleneck::add_flow(double at_s, FlowConfig config) {
    MediaFlow& flow =
        flows_.emplace_back(simulator_, forward_, backward_, std::move(config), ++seed_);
    simulator_.at(began_ + seconds(at_s), [&flow] { flow.start(); });
    return flow;
}

MediaFlow& Bottleneck::add_reverse_flow(double at_s) {
    FlowConfig config;
    config.tracks.push_back(rfc_track());
    MediaFlow& flow =
        reverse_flows_.emplace_back(simulator_, backward_, forward_, std::move(config), ++seed_);
    simulator_.at(began_ + seconds(at_s), [&flow] { flow.start(); });
    return flow;
}

simulator::TcpFlow& Bottleneck::add_tcp() {
    return tcp_.emplace_back(simulator_, forward_, backward_, Duration{});
}

void Bottleneck::run_until(double at_s) {
    simulator_.run_for(began_ + seconds(at_s) - simulator_.now());
}

Span Bottleneck::span(double from_s, double to_s) const {
    return {.from = began_ + seconds(from_s), .to = began_ + seconds(to_s)};
}

std::vector<const FlowTrace*> Bottleneck::traces() const {
    std::vector<const FlowTrace*> all;
    all.reserve(flows_.size());
    for (const MediaFlow& flow : flows_) {
        all.push_back(&flow.trace());
    }
    return all;
}

double Bottleneck::capacity_bits(double from_s, double to_s) const {
    double bits = 0;
    for (std::size_t i = 0; i < plan_.size(); ++i) {
        const double from = std::max(plan_[i].at_s, from_s);
        const double to = std::min(i + 1 < plan_.size() ? plan_[i + 1].at_s : to_s, to_s);
        bits += std::max(to - from, 0.0) * static_cast<double>(plan_[i].kbps) * 1000;
    }
    return bits;
}

double Bottleneck::utilisation(double from_s, double to_s) const {
    double received = 0;
    for (const FlowTrace* const trace : traces()) {
        received += mean_received(*trace, span(from_s, to_s)) * (to_s - from_s);
    }
    return received / usable_bits(from_s, to_s);
}

double Bottleneck::usable_bits(double from_s, double to_s) const {
    double usable = 0;
    const double most = (kVideoMaxBps + kAudioBps) * static_cast<double>(flows_.size());
    for (std::size_t i = 0; i < plan_.size(); ++i) {
        const double from = std::max(plan_[i].at_s, from_s);
        const double to = std::min(i + 1 < plan_.size() ? plan_[i + 1].at_s : to_s, to_s);
        usable +=
            std::max(to - from, 0.0) * std::min(static_cast<double>(plan_[i].kbps) * 1000, most);
    }
    return usable;
}

Figures variable_capacity(std::uint64_t seed) {
    Bottleneck net({{0, 1000}, {40, 2500}, {60, 600}, {80, 1000}}, {{0, 10'000}}, seed);
    net.add_flow(0);
    net.run_until(100);
    Figures all = figures("5.1 variable capacity", net, 0, 100);
    all.settle_s = settle_of(net, 0, 40, 1'000'000);
    return all;
}

Figures variable_capacity_two_flows(std::uint64_t seed) {
    Bottleneck net(
        {{0, 4000}, {25, 2000}, {50, 3500}, {75, 1000}, {100, 2000}}, {{0, 10'000}}, seed);
    net.add_flow(0);
    net.add_flow(0);
    net.run_until(125);
    Figures all = figures("5.2 variable capacity, two flows", net, 0, 125);
    all.jain = jain_of(net, 5, 125);
    all.settle_s = settle_of(net, 0, 25, 1'556'000);
    return all;
}

Figures congested_feedback(std::uint64_t seed) {
    Bottleneck net(
        {{0, 2000}, {20, 1000}, {40, 500}, {60, 2000}}, {{0, 2000}, {35, 800}, {70, 2000}}, seed);
    net.add_flow(0);
    net.add_reverse_flow(0);
    net.run_until(100);
    Figures all = figures("5.3 congested feedback link", net, 0, 100);
    all.settle_s = settle_of(net, 0, 20, 1'556'000);
    return all;
}

Figures competing_flows(std::uint64_t seed) {
    Bottleneck net({{0, 3500}}, {{0, 10'000}}, seed);
    net.add_flow(0);
    net.add_flow(20);
    net.add_flow(40);
    net.run_until(120);
    Figures all = figures("5.4 three competing flows", net, 0, 120);
    all.jain = jain_of(net, 60, 120);
    all.settle_s = settle_of(net, 40, 120, 3'500'000.0 / 3);
    return all;
}

Figures round_trip_fairness(std::uint64_t seed) {
    Bottleneck net({{0, 4000}}, {{0, 10'000}}, seed);
    int i = 0;
    // 10 to 150 ms one way: the line has 50 of them, so the two shortest are as near as it goes.
    for (const int delay_ms : {0, 0, 0, 50, 100}) {
        net.add_flow(i++, milliseconds(delay_ms));
    }
    net.run_until(300);
    Figures all = figures("5.5 round-trip fairness", net, 0, 300);
    all.jain = jain_of(net, 30, 300);
    all.settle_s = settle_of(net, 4, 300, 4'000'000.0 / 5);
    return all;
}

Figures long_tcp(std::uint64_t seed) {
    Bottleneck net({{0, 2000}}, {{0, 10'000}}, seed);
    net.add_flow(0);
    simulator::TcpFlow& tcp = net.add_tcp();
    net.run_until(60);
    tcp.start();
    net.run_until(70);
    const std::uint64_t before = tcp.delivered_bytes();
    net.run_until(240);
    const double tcp_bits = static_cast<double>(tcp.delivered_bytes() - before) * 8;
    tcp.stop();
    net.run_until(300);
    Figures all = figures("5.6 long TCP flow", net, 70, 240);
    // Media is counted against what it could use, of which this line has less.
    const double line_bits = net.capacity_bits(70, 240);
    all.utilisation = (all.utilisation * net.usable_bits(70, 240) + tcp_bits) / line_bits;
    all.settle_s = settle_of(net, 0, 60, 1'556'000);
    return all;
}

void start_unless_busy(simulator::TcpFlow& tcp, std::uint64_t bytes) {
    if (tcp.done() || tcp.delivered_bytes() == 0) {
        tcp.start(bytes);
    }
}

// Files of 100 kB to 1 MB, one after the other on ten connections, with pauses of 10 s in the mean.
Figures short_tcp(std::uint64_t seed) {
    Bottleneck net({{0, 2000}}, {{0, 10'000}}, seed);
    net.add_flow(0);
    net.add_flow(0);
    SeededRandom random(seed);
    for (int i = 0; i < 10; ++i) {
        simulator::TcpFlow& tcp = net.add_tcp();
        for (int at_s = 3 * i + 5; at_s < 295; at_s += 60) {
            const std::uint64_t bytes = 100'000 + random.next_u32() % 900'000;
            net.simulator().at(net.span(at_s, at_s).from,
                               [&tcp, bytes] { start_unless_busy(tcp, bytes); });
        }
    }
    net.run_until(300);
    Figures all = figures("5.7 short TCP flows", net, 0, 300);
    all.jain = jain_of(net, 5, 300);
    all.settle_s = settle_of(net, 0, 300, 1'000'000);
    return all;
}

Figures pause_and_resume(std::uint64_t seed) {
    Bottleneck net({{0, 3500}}, {{0, 10'000}}, seed);
    MediaFlow& paused = net.add_flow(0);
    net.add_flow(0);
    net.add_flow(0);
    net.run_until(40);
    paused.pause();
    net.run_until(60);
    paused.resume();
    net.run_until(120);
    Figures all = figures("5.8 pause and resume", net, 0, 120);
    all.jain = jain_of(net, 70, 120);
    all.settle_s = settle_of(net, 60, 120, 3'500'000.0 / 3);
    return all;
}

Figures four_equal_flows(std::uint64_t seed) {
    Bottleneck net({{0, 4000}}, {{0, 10'000}}, seed);
    for (int i = 0; i < 4; ++i) {
        net.add_flow(0);
    }
    net.run_until(120);
    Figures all = figures("four equal flows", net, 0, 120);
    all.jain = jain_of(net, 5, 120);
    all.settle_s = settle_of(net, 0, 120, 1'000'000);
    return all;
}

}  // namespace isthmus::media::congestion
