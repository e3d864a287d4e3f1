// From packets and their arrivals to whether a queue grows on the path: groups, slope, threshold.
//
// Specification: draft-ietf-rmcat-gcc-02 section 5 (figure 2).
#pragma once

#include <chrono>

#include "base/time.h"
#include "media/congestion/arrival_groups.h"
#include "media/congestion/overuse_detector.h"
#include "media/congestion/packet_result.h"
#include "media/congestion/trendline_filter.h"

namespace isthmus::media::congestion {

class DelayDetector {
  public:
    // Received packets, in order of their numbers.
    void on_packet(Instant now, const PacketResult& packet) {
        if (!packet.arrived_at) {
            return;
        }
        if (now - last_packet_at_ > kSilence) {
            groups_.reset();
            filter_.reset();
            detector_.reset();
        }
        last_packet_at_ = now;
        if (const auto delta = groups_.on_packet(packet.sent_at, *packet.arrived_at)) {
            const double slope = filter_.on_group(*delta);
            detector_.on_slope(slope, filter_.groups(), *delta);
        }
    }

    [[nodiscard]] Usage usage() const { return detector_.usage(); }

  private:
    // What was before says nothing of now (libwebrtc: kStreamTimeOut).
    static constexpr Duration kSilence = std::chrono::seconds(2);

    ArrivalGroups groups_;
    TrendlineFilter filter_;
    OveruseDetector detector_;
    Instant last_packet_at_;
};

}  // namespace isthmus::media::congestion
