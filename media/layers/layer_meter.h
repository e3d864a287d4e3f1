// How much each target of a stream takes, and how often it shows a picture.
//
// Counts every packet towards all targets that need it, so that a target's rate is what a receiver
// of it has to bear. A target is known once a packet of its layer has been seen; at most kMax.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "media/layers/layer_id.h"
#include "media/layers/packet_layers.h"
#include "media/rtp/bitrate_meter.h"

namespace isthmus::media::layers {

struct MeasuredLayer {
    LayerId layer;
    double bits_per_second = 0;  // RTP payload, over about a second
    double pictures_per_second = 0;
    bool alive = false;  // its own frames keep coming
};

class LayerMeter {
  public:
    void on_packet(Instant now,
                   const PacketLayers& packet,
                   rtp::RtpTimestamp timestamp,
                   std::size_t bytes);

    // In order of LayerId. Good until the next call.
    [[nodiscard]] const std::vector<MeasuredLayer>& measure(Instant now);

  private:
    // Four sizes in four rates: more than any browser sends.
    static constexpr std::size_t kMax = 16;
    // A layer that has been silent for so long while others of its stream were not is gone.
    static constexpr Duration kSilenceMax = std::chrono::milliseconds(1000);

    struct Row {
        LayerId layer;
        Instant last{};  // packet of the layer itself
        rtp::RtpTimestamp picture{};
        rtp::BitrateMeter bytes;
        rtp::BitrateMeter pictures;  // each counted as a byte
    };

    std::vector<Row> rows_;  // in order of layer
    std::vector<MeasuredLayer> measured_;
    Instant newest_{};
};

}  // namespace isthmus::media::layers
