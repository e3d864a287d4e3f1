// Somebody on another worker, as this worker sees them: their tracks, fed from a ring.
//
// Its tracks are PublishedTracks like any other: they keep what receivers may ask for again, and
// ask for key frames. Lost packets were asked for where they came in, so nothing is asked for here.
// After touch() the worker calls poll_wishes().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/relay/relay_message.h"
#include "media/relay/relay_record.h"
#include "media/rtp/header_extensions.h"
#include "media/sfu/limits.h"
#include "media/sfu/published_track.h"
#include "media/sfu/track_owner.h"

namespace isthmus::media::relay {

class RelayedOwner final : public sfu::TrackOwner {
  public:
    // `on_touched` is called once until poll_wishes() is.
    RelayedOwner(OwnerAnnounced announced,
                 const sfu::SfuLimits& limits,
                 std::function<void(RelayedOwner&)> on_touched);

    // One packet of a record; false where it names no track of ours or is no RTP.
    bool handle_packet(Instant now, const RelayRecord& record, std::span<std::byte> packet);
    void forward_pending(Instant now, sfu::EgressBatch& batch, transport::DatagramSink& sink);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // What the tracks' own worker is to be told: `tell` is called with TrackWanted and
    // KeyFrameWanted.
    template <typename Tell>
    void poll_wishes(Tell&& tell) {
        touched_ = false;
        for (std::size_t i = 0; i < tracks_.size(); ++i) {
            const auto index = static_cast<std::uint16_t>(i);
            // The loudest of each worker compete in all others, whether somebody there has a
            // section for them yet or not.
            const bool wanted =
                tracks_[i]->has_receivers() || tracks_[i]->audio_gate().speaker.has_value();
            if (wanted != wanted_[i]) {
                wanted_[i] = wanted;
                tell(TrackWanted{.owner = announced_.owner, .track = index, .wanted = wanted});
            }
            for (const auto& stream : tracks_[i]->streams()) {
                if (stream->key_frames.poll_request()) {
                    tell(KeyFrameWanted{.owner = announced_.owner, .track = index});
                }
            }
        }
    }

    [[nodiscard]] const std::string& conference() const { return announced_.conference; }

    [[nodiscard]] const std::string& identity() const override { return announced_.identity; }

    [[nodiscard]] bool connected() const override { return true; }

    [[nodiscard]] const std::vector<std::unique_ptr<sfu::PublishedTrack>>& tracks() const override {
        return tracks_;
    }

    [[nodiscard]] const rtp::HeaderExtensionParser& extension_parser() const override {
        return extension_parser_;
    }

    void touch() override;

  private:
    sfu::InboundStream* stream_for(sfu::PublishedTrack& track,
                                   const RelayRecord& record,
                                   std::uint32_t ssrc);

    OwnerAnnounced announced_;
    std::uint32_t ssrcs_per_track_;
    rtp::HeaderExtensionParser extension_parser_;
    std::vector<std::unique_ptr<sfu::PublishedTrack>> tracks_;
    std::vector<bool> wanted_;
    std::function<void(RelayedOwner&)> on_touched_;
    bool touched_ = false;
    std::uint32_t next_source_;
};

}  // namespace isthmus::media::relay
