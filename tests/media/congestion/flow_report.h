// Figures of simulated flows, as RFC 8868 asks for them, and a table of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/media/congestion/media_flow.h"

namespace isthmus::media::congestion {

struct Span {
    Instant from;
    Instant to;
};

// A percentile (0 to 1) of the time that packets spent in the forward line's queue, milliseconds.
[[nodiscard]] double queued_ms(std::span<const FlowTrace* const> flows,
                               Span span,
                               double percentile);

// Means over the steps within the span, bits per second.
[[nodiscard]] double mean_received(const FlowTrace& flow, Span span);
[[nodiscard]] double mean_layers(const FlowTrace& flow, Span span);
[[nodiscard]] double mean_target(const FlowTrace& flow, Span span);

// Seconds from the span's beginning until the target is at least `bps`; nothing where it never is.
[[nodiscard]] std::optional<double> seconds_to_target(const FlowTrace& flow, Span span, double bps);
// Until what is chosen takes at most `bps`, and stays there for a second.
[[nodiscard]] std::optional<double> seconds_to_layers_below(const FlowTrace& flow,
                                                            Span span,
                                                            double bps);

[[nodiscard]] double loss_share(std::span<const FlowTrace* const> flows);
// Of all bytes; sent after the first five seconds.
[[nodiscard]] double padding_share(const FlowTrace& flow);

// (sum x)^2 / (n * sum x^2): 1 where all are equal. Jain, Chiu, Hawe 1984.
[[nodiscard]] double jain_index(std::span<const double> rates);

}  // namespace isthmus::media::congestion
