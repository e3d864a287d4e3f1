// Settings of congestion control towards one receiver.
#pragma once

#include "base/data_rate.h"
#include "media/congestion/pacer.h"
#include "media/congestion/send_history.h"

namespace isthmus::media::congestion {

struct CongestionConfig {
    // Before anything is known. Low, since probes find out in a few round trips.
    DataRate start = DataRate::kbps(600);
    DataRate min = DataRate::kbps(50);
    // Nobody needs more, and a receiver that lies gets no more.
    DataRate max = DataRate::kbps(30'000);
    // How far probes go at the beginning without regard to what is wanted at that moment.
    DataRate start_probe_max = DataRate::kbps(12'000);
    // Of the target; above one so that frames, which come at once, do not wait for long. Layers are
    // not made to fit a target, and their key frames are large: at libwebrtc's 2.5 the first one of
    // a layer fills the path's queue and is taken for overuse.
    double pacing_factor = 1.5;
    PacerConfig pacer;
    // The receiver sends RFC 8888 feedback: packets are found by SSRC and RTP sequence number,
    // which takes 16 bytes more for each packet of the history.
    bool feedback_by_stream = false;
    std::size_t history_packets = SendHistory::kPacketsDefault;
};

}  // namespace isthmus::media::congestion
