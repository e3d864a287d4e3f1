// Chooses a layer for each of one receiver's subscriptions, so that together they fit the target.
//
// Audio always passes and is paid for first. Then every video gets its lowest layer, then they are
// raised step by step: those of higher rank first (screen shares above cameras, then by priority),
// those of equal rank in turns, so that nobody takes a second step before the others had their
// first. The same input gives the same choice.
//
// Hysteresis: a layer that is sent may stay until the target is a fifth below what is needed, one
// that is not needs a twentieth more than it takes; a step up waits for a while after the one
// before, longer after a step down, and twice as long each time that a step up did not last.
//
// Leaves out how rates are measured, and key frames: a choice is a wish until the stream can
// switch.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/probe_controller.h"

namespace isthmus::media::congestion {

enum class MediaKind : std::uint8_t { kAudio, kCamera, kScreenShare };

// One way to send a track.
struct LayerOption {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
    // Of all that is sent when it is chosen: for SVC with the layers below. As on the line.
    DataRate rate;
};

// An index into LayerRequest::layers.
using LayerIndex = std::uint8_t;
inline constexpr LayerIndex kNoLayer = 0xff;

struct LayerRequest {
    MediaKind kind = MediaKind::kCamera;
    std::uint8_t priority = 0;       // greater is first
    bool paused = false;             // nothing is wanted
    LayerIndex wish = kNoLayer - 1;  // the best that is wanted; beyond the last: the last
    // Worst first. What is listed after another is better, whatever its rate is at the moment. Of
    // audio the first counts. Empty: nothing is known, nothing is chosen.
    std::span<const LayerOption> layers;
    LayerIndex current = kNoLayer;  // chosen before; kNoLayer where nothing was sent
    LayerIndex chosen = kNoLayer;   // filled in
};

struct Allocation {
    DataRate used;         // by what was chosen
    DataRate unallocated;  // what is left of the target; zero where it is exceeded
    WantedRates wanted;    // for SendSideController::set_wanted()
};

class LayerAllocator {
  public:
    // Fills in `chosen` everywhere. Linear in requests times layers times ranks.
    Allocation allocate(Instant now, DataRate target, std::span<LayerRequest> requests);

    // When a step up that has to wait may be tried; kNever where none waits.
    [[nodiscard]] Instant next_timeout() const { return next_timeout_; }

  private:
    // libwebrtc and others wait five to ten seconds; probes let us be sure sooner.
    static constexpr Duration kHoldMin = std::chrono::seconds(2);
    static constexpr Duration kHoldMax = std::chrono::seconds(10);

    struct Pass {
        Instant now;
        double left_bps = 0;  // of the target, in weighted costs
        bool may_raise = true;
        bool may_resume = true;
        bool first = true;  // nothing was looked at yet
        bool held = false;  // a step fitted, but had to wait
        double served = 0;  // what is used, of what there is use for
        // The first step that did not fit, over all ranks; zero: there was none.
        DataRate missing;
    };

    static void choose_lowest(Pass& pass, std::span<LayerRequest> requests);
    static void begin_rank(Pass& pass, std::span<LayerRequest> requests, int rank);
    static void begin(Pass& pass, LayerRequest& request);
    static void raise_rank(Pass& pass, std::span<LayerRequest> requests, int rank);
    static bool raise_height(Pass& pass,
                             std::span<LayerRequest> requests,
                             int rank,
                             unsigned height);
    static bool raise(Pass& pass, LayerRequest& request);
    void remember(const Pass& pass, std::span<const LayerRequest> requests);

    Instant raise_allowed_at_ = Instant::min();
    Instant resume_allowed_at_ = Instant::min();
    std::optional<Instant> raised_at_;  // the last step up, where none down came after it
    Duration hold_ = kHoldMin;
    Instant next_timeout_ = kNever;
};

}  // namespace isthmus::media::congestion
