#include "tests/media/congestion/flow_report.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace isthmus::media::congestion {
namespace {

bool within(Instant at, Span span) {
    return at > span.from && at <= span.to;
}

template <typename Value>
double mean(const FlowTrace& flow, Span span, Value&& value) {
    double sum = 0;
    std::size_t count = 0;
    for (const FlowTrace::Step& step : flow.steps) {
        if (within(step.at, span)) {
            sum += value(step);
            ++count;
        }
    }
    return count == 0 ? 0 : sum / static_cast<double>(count);
}

double seconds(Duration time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

double queued_ms(std::span<const FlowTrace* const> flows, Span span, double percentile) {
    std::vector<Duration> all;
    for (const FlowTrace* const flow : flows) {
        for (const FlowTrace::Passage& passage : flow->passages) {
            if (within(passage.at, span)) {
                all.push_back(passage.queued);
            }
        }
    }
    if (all.empty()) {
        return 0;
    }
    const auto at =
        all.begin() + static_cast<std::ptrdiff_t>(percentile * static_cast<double>(all.size() - 1));
    std::ranges::nth_element(all, at);
    return seconds(*at) * 1000;
}

double mean_received(const FlowTrace& flow, Span span) {
    return mean(flow, span, [](const FlowTrace::Step& step) { return step.received_bps; });
}

double mean_layers(const FlowTrace& flow, Span span) {
    return mean(flow, span, [](const FlowTrace::Step& step) { return step.layers_bps; });
}

double mean_target(const FlowTrace& flow, Span span) {
    return mean(flow, span, [](const FlowTrace::Step& step) { return step.target_bps; });
}

std::optional<double> seconds_to_target(const FlowTrace& flow, Span span, double bps) {
    for (const FlowTrace::Step& step : flow.steps) {
        if (within(step.at, span) && step.target_bps >= bps) {
            return seconds(step.at - span.from);
        }
    }
    return std::nullopt;
}

std::optional<double> seconds_to_layers_below(const FlowTrace& flow, Span span, double bps) {
    std::optional<Instant> since;
    for (const FlowTrace::Step& step : flow.steps) {
        if (!within(step.at, span)) {
            continue;
        }
        if (step.layers_bps > bps) {
            since.reset();
        } else if (!since) {
            since = step.at;
        }
        if (since && step.at - *since >= std::chrono::seconds(1)) {
            return seconds(*since - span.from);
        }
    }
    return std::nullopt;
}

double loss_share(std::span<const FlowTrace* const> flows) {
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;
    for (const FlowTrace* const flow : flows) {
        sent += flow->packets_sent;
        lost += flow->packets_lost;
    }
    return sent == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(sent);
}

double padding_share(const FlowTrace& flow) {
    return static_cast<double>(flow.padding_bytes_later) /
           static_cast<double>(flow.media_bytes + flow.padding_bytes);
}

double jain_index(std::span<const double> rates) {
    const double sum = std::accumulate(rates.begin(), rates.end(), 0.0);
    const double squares = std::accumulate(
        rates.begin(), rates.end(), 0.0, [](double all, double rate) { return all + rate * rate; });
    return squares == 0 ? 0 : sum * sum / (static_cast<double>(rates.size()) * squares);
}

}  // namespace isthmus::media::congestion
