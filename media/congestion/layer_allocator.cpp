#include "media/congestion/layer_allocator.h"

#include <algorithm>
#include <optional>

namespace isthmus::media::congestion {
namespace {

// What a rate counts for: less where the layer is sent already, more where it is not. One cut of
// the estimate, to 85 % of what is sent, changes nothing; a second one does (rate_control.cpp).
constexpr double kKeep = 0.8;
constexpr double kRaise = 1.05;
// The lowest layer is the last thing to give up.
constexpr double kKeepLowest = 0.75;
// Between two steps up: long enough for feedback to show what the former did.
constexpr Duration kRaiseInterval = std::chrono::seconds(1);
// After a stream was stopped for lack of rate.
constexpr Duration kResumeWait = std::chrono::seconds(2);
// A step up that was taken back sooner did not last; one that stood for longer did.
constexpr Duration kLasting = std::chrono::seconds(10);

// Somebody who gets nearly everything waits so much longer after a step down than somebody who gets
// nothing: of several behind one bottleneck those with least come first.
constexpr double kPatienceOfTheServed = 3;

constexpr int kNoRank = -1;

int rank_of(const LayerRequest& request) {
    if (request.kind == MediaKind::kAudio || request.paused || request.layers.empty()) {
        return kNoRank;
    }
    return (request.kind == MediaKind::kScreenShare ? 0x100 : 0) + request.priority;
}

LayerIndex best_of(const LayerRequest& request) {
    return static_cast<LayerIndex>(
        std::min<std::size_t>({request.wish, request.layers.size() - 1, kNoLayer - 1U}));
}

bool is_sent(const LayerRequest& request, LayerIndex layer) {
    return request.current != kNoLayer && layer <= request.current;
}

double rate_of(const LayerRequest& request, LayerIndex layer) {
    return layer == kNoLayer ? 0 : static_cast<double>(request.layers[layer].rate.bps());
}

double cost_of(const LayerRequest& request, LayerIndex layer) {
    const double weight = !is_sent(request, layer) ? kRaise : layer == 0 ? kKeepLowest : kKeep;
    return rate_of(request, layer) * weight;
}

// The highest rank below `above`.
int next_rank(std::span<const LayerRequest> requests, int above) {
    int next = kNoRank;
    for (const LayerRequest& request : requests) {
        const int rank = rank_of(request);
        if (rank < above) {
            next = std::max(next, rank);
        }
    }
    return next;
}

constexpr int kAboveAllRanks = 0x200;

DataRate to_rate(double bps) {
    return DataRate::bps(static_cast<std::int64_t>(bps));
}

}  // namespace

void LayerAllocator::choose_lowest(Pass& pass, std::span<LayerRequest> requests) {
    for (int rank = next_rank(requests, kAboveAllRanks); rank != kNoRank;
         rank = next_rank(requests, rank)) {
        begin_rank(pass, requests, rank);
    }
}

// Those that are sent before those that are not.
void LayerAllocator::begin_rank(Pass& pass, std::span<LayerRequest> requests, int rank) {
    for (const bool sent : {true, false}) {
        for (LayerRequest& request : requests) {
            if (rank_of(request) == rank && (request.current != kNoLayer) == sent) {
                begin(pass, request);
            }
        }
    }
}

// With its lowest layer, where that fits.
void LayerAllocator::begin(Pass& pass, LayerRequest& request) {
    const bool sent = request.current != kNoLayer;
    const double cost = cost_of(request, 0);
    const bool fits = cost <= pass.left_bps;
    // Something is shown, however little there is.
    if (pass.first || (fits && (sent || pass.may_resume))) {
        request.chosen = 0;
        pass.left_bps -= cost;
    } else if (fits) {
        pass.held = true;
    } else if (pass.missing == DataRate()) {
        pass.missing = request.layers[0].rate;
    }
    pass.first = false;
}

// One step, where there is one that fits.
bool LayerAllocator::raise(Pass& pass, LayerRequest& request) {
    const LayerIndex best = best_of(request);
    for (auto layer = static_cast<LayerIndex>(request.chosen + 1); layer <= best; ++layer) {
        if (!is_sent(request, layer) && !pass.may_raise && request.current != kNoLayer) {
            pass.held = true;
            return false;
        }
        const double more = cost_of(request, layer) - cost_of(request, request.chosen);
        if (more <= pass.left_bps) {
            request.chosen = layer;
            pass.left_bps -= more;
            return true;
        }
        if (pass.missing == DataRate()) {
            pass.missing = to_rate(rate_of(request, layer) - rate_of(request, request.chosen));
        }
    }
    return false;
}

// Height by height.
void LayerAllocator::raise_rank(Pass& pass, std::span<LayerRequest> requests, int rank) {
    unsigned height = 0;
    while (height < kNoLayer && raise_height(pass, requests, rank, height)) {
        ++height;
    }
}

// Those first that are there already. False where nobody is above this height now.
bool LayerAllocator::raise_height(Pass& pass,
                                  std::span<LayerRequest> requests,
                                  int rank,
                                  unsigned height) {
    bool above = false;
    for (const bool sent : {true, false}) {
        for (LayerRequest& request : requests) {
            if (rank_of(request) != rank || request.chosen == kNoLayer) {
                continue;
            }
            if (request.chosen > height) {
                above = true;
            } else if (is_sent(request, static_cast<LayerIndex>(request.chosen + 1)) == sent) {
                above |= raise(pass, request);
            }
        }
    }
    return above;
}

Allocation LayerAllocator::allocate(Instant now,
                                    DataRate target,
                                    std::span<LayerRequest> requests) {
    Pass pass{.now = now,
              .left_bps = static_cast<double>(target.bps()),
              .may_raise = now >= raise_allowed_at_,
              .may_resume = now >= resume_allowed_at_};
    double most = 0;
    for (LayerRequest& request : requests) {
        request.chosen = kNoLayer;
        if (request.paused) {
            continue;
        }
        if (request.kind == MediaKind::kAudio) {
            request.chosen = 0;
            const double rate = request.layers.empty() ? 0 : rate_of(request, 0);
            pass.left_bps -= rate;
            most += rate;
        } else if (!request.layers.empty()) {
            most += rate_of(request, best_of(request)) * kRaise;
        }
    }
    choose_lowest(pass, requests);
    for (int rank = next_rank(requests, kAboveAllRanks); rank != kNoRank;
         rank = next_rank(requests, rank)) {
        raise_rank(pass, requests, rank);
    }
    DataRate used;
    for (const LayerRequest& request : requests) {
        if (request.chosen != kNoLayer && !request.layers.empty()) {
            used += request.layers[request.chosen].rate;
        }
    }
    pass.served = most > 0 ? std::min(static_cast<double>(used.bps()) / most, 1.0) : 1;
    remember(pass, requests);

    Allocation allocation{.used = used,
                          .unallocated = std::max(target - used, DataRate()),
                          .wanted = {.next = {}, .used = used, .most = to_rate(most)}};
    // While steps up have to wait there is no use in knowing whether they would fit.
    if (pass.missing > DataRate() && now + kRaiseInterval >= raise_allowed_at_) {
        allocation.wanted.next = (used + pass.missing) * kRaise;
    }
    return allocation;
}

void LayerAllocator::remember(const Pass& pass, std::span<const LayerRequest> requests) {
    bool raised = false;
    bool lowered = false;
    for (const LayerRequest& request : requests) {
        if (rank_of(request) == kNoRank || request.current == kNoLayer) {
            continue;
        }
        const LayerIndex before = std::min(request.current, best_of(request));
        if (request.chosen == kNoLayer) {
            resume_allowed_at_ = pass.now + kResumeWait;
            lowered = true;
        } else {
            raised |= request.chosen > request.current;
            lowered |= request.chosen < before;
        }
    }
    if (lowered) {
        if (raised_at_) {
            hold_ = pass.now - *raised_at_ > kLasting ? kHoldMin : std::min(hold_ * 2, kHoldMax);
        }
        raise_allowed_at_ =
            pass.now + hold_ +
            Duration(static_cast<Duration::rep>(kPatienceOfTheServed * pass.served *
                                                static_cast<double>(hold_.count())));
        raised_at_.reset();
    } else if (raised) {
        raised_at_ = pass.now;
        raise_allowed_at_ = pass.now + kRaiseInterval;
    }
    next_timeout_ = kNever;
    if (pass.held) {
        for (const Instant allowed : {raise_allowed_at_, resume_allowed_at_}) {
            next_timeout_ = allowed > pass.now ? std::min(next_timeout_, allowed) : next_timeout_;
        }
    }
}

}  // namespace isthmus::media::congestion
