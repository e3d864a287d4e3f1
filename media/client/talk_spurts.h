// A speaker: Opus packets of 20 ms in talk spurts, with audio levels.
//
// Who talks all the time sends 50 packets a second. Who talks in spurts speaks and pauses for times
// drawn from exponential distributions (means of ITU-T P.59: 1.0 s and 1.6 s); in pauses a packet
// goes out every 400 ms, as Opus does with DTX. Each packet decodes to silence and is as long as
// the bit rate wants: the rest is Opus padding, which the stamp is part of.
// Specification: RFC 6716 section 3.2.5, RFC 6464, RFC 7587.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "media/client/payload_part.h"
#include "media/rtp/header_extensions.h"

namespace isthmus::media::client {

struct TalkConfig {
    std::uint32_t bitrate_bps = 32000;
    bool spurts = false;  // false: talks all the time
    bool silent = false;  // never talks
};

struct AudioPacket {
    PayloadPart part;
    rtp::AudioLevel level;
    Instant taken_at{};  // when it was due
};

class TalkSpurts {
  public:
    // `random` outlives it.
    TalkSpurts(Instant first, const TalkConfig& config, RandomSource& random);

    [[nodiscard]] Instant next_timeout() const { return next_at_; }

    // The packet that is due, or nothing. Its body is valid as long as this object.
    [[nodiscard]] std::optional<AudioPacket> poll(Instant now);

    [[nodiscard]] bool talking() const { return talking_; }

  private:
    void change_over(Instant now);
    [[nodiscard]] Duration draw(Duration mean);

    TalkConfig config_;
    RandomSource& random_;
    std::vector<std::byte> packet_;  // without the stamp
    bool talking_;
    Instant changes_at_;
    Instant next_at_;
};

}  // namespace isthmus::media::client
