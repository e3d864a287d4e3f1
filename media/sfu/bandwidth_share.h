// Shares out one client's bandwidth over all that it is sent.
//
// Asks the track of each subscription which layers it has and what they cost, lets the allocator
// choose, and tells each video its limit; tells the downlink what more would be of use, so that it
// knows what to probe for. Runs now and then, not per packet.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "media/congestion/layer_allocator.h"
#include "media/layers/layer_id.h"
#include "media/sfu/downlink.h"
#include "media/sfu/subscription.h"

namespace isthmus::media::sfu {

class BandwidthShare {
  public:
    // Both outlive it.
    BandwidthShare(Downlink& downlink,
                   const std::vector<std::unique_ptr<Subscription>>& subscriptions)
        : downlink_(downlink), subscriptions_(subscriptions) {}

    // The estimate changed: at once where it is less than what is used, else soon.
    void on_estimate(Instant now);
    void handle_timeout(Instant now);

    // kNever while nothing is measured.
    [[nodiscard]] Instant next_timeout() const { return next_; }

    // Times that bandwidth was shared out.
    [[nodiscard]] std::uint64_t shares() const { return shares_; }

  private:
    // How often what the tracks offer is looked at.
    static constexpr Duration kInterval = std::chrono::milliseconds(200);
    // A client may say in every message that it can take less.
    static constexpr Duration kIntervalMin = std::chrono::milliseconds(20);

    struct Choice {
        std::vector<congestion::LayerOption> options;
        std::vector<layers::LayerId> ids;  // of the options
        std::optional<layers::LayerId> chosen;
    };

    void share(Instant now);
    static void offer(Instant now, const Subscription& subscription, Choice& choice);
    [[nodiscard]] static congestion::LayerRequest request_of(const Subscription& subscription,
                                                             const Choice& choice);
    void apply(Instant now);

    Downlink& downlink_;
    const std::vector<std::unique_ptr<Subscription>>& subscriptions_;
    congestion::LayerAllocator allocator_;
    // One per subscription; kept, so that nothing is allocated once their number has settled.
    std::vector<Choice> choices_;
    std::vector<congestion::LayerRequest> requests_;
    DataRate used_;
    Instant next_ = kNever;
    Instant shared_at_{};  // once next_ is set
    std::uint64_t shares_ = 0;
};

}  // namespace isthmus::media::sfu
