// What one client wants to be sent, and in which of its sections it is.
//
// A track is wanted until it ends, the client unsubscribes or may not have it any more. It waits
// for a free section of its kind (one that the client receives on and that was answered inactive);
// where there is none the client is asked for more (shortfall()). A section whose track is not
// wanted any more is answered inactive once before it is used again, since that is how a client
// notices. In that mode the client makes every offer. Driven by SignalSession; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "media/rtp/payload_format.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/track_layers.h"
#include "signaling/livekit/published_tracks.h"

namespace isthmus::signaling::livekit {

struct WantedTrack {
    std::string sid;
    // What can be sent of it: the first one whose codec the section takes. Empty: `sid` it is.
    std::vector<TrackForm> forms = {};
    std::string stream;  // "PA_...|camera": a=msid's first word
    media::rtp::MediaKind kind = media::rtp::MediaKind::kAudio;
    media::sfu::LayerWish wish;  // of a video
    bool disabled = false;       // wanted, and nothing is to be sent at present
    std::string mid;             // empty: waits for a section
    bool playable = true;        // its section takes one of the forms
};

// How many more sections the client must offer; both 0 where an offer as it is will do.
struct Shortfall {
    std::uint32_t audios = 0;
    std::uint32_t videos = 0;
};

class Subscriptions {
  public:
    // Beyond what any meeting shows; further ones are not taken.
    static constexpr std::size_t kWantedMax = 2000;

    // False where it was wanted already, or there are too many.
    bool want(WantedTrack track);
    bool drop(std::string_view sid);
    [[nodiscard]] WantedTrack* find(std::string_view sid);
    [[nodiscard]] WantedTrack* find_mid(std::string_view mid);

    [[nodiscard]] const std::vector<WantedTrack>& all() const { return wanted_; }

    // Fills a new description: which of the sections that the client receives on carry which track;
    // the others become inactive. Returns the mids that carry a track since now.
    std::vector<std::string> assign(std::vector<media::sfu::MediaSection>& sections);

    // Calls what is sent by the tracks' names.
    void name_senders(media::sfu::LocalDescription& local);

    // The same sections with what is wanted now, without an answer's help: a track that is not
    // wanted any more stops at once. False where nothing changed.
    bool refresh(std::vector<media::sfu::MediaSection>& sections);

    // Is an offer needed, and was none asked for since things changed?
    [[nodiscard]] bool needs_offer() const;
    [[nodiscard]] Shortfall shortfall() const;

    // The client was asked for an offer of `shortfall()` more sections.
    void asked() { asked_ = true; }

  private:
    [[nodiscard]] std::size_t count_waiting(media::rtp::MediaKind kind) const;
    [[nodiscard]] WantedTrack* next_waiting(media::rtp::MediaKind kind);

    std::vector<WantedTrack> wanted_;
    std::map<std::string, media::rtp::MediaKind, std::less<>> free_;  // by mid, of the last answer
    std::set<std::string, std::less<>> stale_;  // mids that carry what is not wanted any more
    bool asked_ = false;
    // Sections to receive on in the last offer: a client that offers no more is not asked for ever.
    std::size_t sections_before_ = 0;
    bool stuck_ = false;
};

}  // namespace isthmus::signaling::livekit
