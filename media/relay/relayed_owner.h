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
    // `first_source`: see InboundStream::source. `on_touched` is called once until poll_wishes()
    // is.
    RelayedOwner(OwnerAnnounced announced,
                 const sfu::SfuLimits& limits,
                 std::uint32_t first_source,
                 std::function<void(RelayedOwner&)> on_touched);

    // One more, which the conference is to be told of.
    sfu::PublishedTrack& add_track(const rtp::ExtensionIds& extensions, RelayedTrackInfo info);
    // The track, for the conference to end; null where there is none of this number.
    std::unique_ptr<sfu::PublishedTrack> remove_track(std::uint16_t number);

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
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            const auto number = static_cast<std::uint16_t>(i);
            sfu::PublishedTrack* const track = slots_[i].track;
            if (track == nullptr) {
                continue;
            }
            // The loudest of each worker compete in all others, whether somebody there has a
            // section for them yet or not.
            const bool wanted = track->has_receivers() || track->audio_gate().speaker.has_value();
            const sfu::WantedSize size = track->wanted_size();
            if (wanted != slots_[i].wanted || size != slots_[i].size) {
                slots_[i].wanted = wanted;
                slots_[i].size = size;
                tell(TrackWanted{
                    .owner = announced_.owner, .track = number, .wanted = wanted, .size = size});
            }
            for (const auto& stream : track->streams()) {
                if (stream->key_frames.poll_request()) {
                    tell(KeyFrameWanted{.owner = announced_.owner,
                                        .track = number,
                                        .ssrc = stream->receive.ssrc()});
                }
            }
        }
    }

    [[nodiscard]] const std::string& conference() const { return announced_.conference; }

    [[nodiscard]] const std::string& identity() const override { return announced_.identity; }

    [[nodiscard]] const std::string& participant_id() const override {
        return announced_.participant_id;
    }

    [[nodiscard]] bool relayed() const override { return true; }

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

    struct Slot {
        sfu::PublishedTrack* track = nullptr;  // null once withdrawn
        bool wanted = false;                   // as was told
        sfu::WantedSize size;
    };

    OwnerAnnounced announced_;
    sfu::SfuLimits limits_;
    rtp::HeaderExtensionParser extension_parser_;
    std::vector<std::unique_ptr<sfu::PublishedTrack>> tracks_;
    std::vector<Slot> slots_;  // by number
    std::function<void(RelayedOwner&)> on_touched_;
    bool touched_ = false;
    std::uint32_t next_source_;
};

}  // namespace isthmus::media::relay
