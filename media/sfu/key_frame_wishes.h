// Decides which of one receiver's requests for a key frame are passed on.
//
// Every key frame costs all others who watch the track some of its picture. A receiver that has
// lost something asks once or twice and then decodes again; one that asks without end is heard now
// and then. rtp::KeyFrameRequester repeats what was passed on until the key frame comes, so that
// nobody needs to insist.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::sfu {

class KeyFrameWishes {
  public:
    [[nodiscard]] bool allow(Instant now) {
        if (last_ != Instant::min()) {
            const std::chrono::duration<double> since = now - last_;
            // SPEC rfc5104#4.3.1.2: a repetition before the answer can have come is the same wish.
            if (since < kSame) {
                ++ignored_;
                return false;
            }
            if (left_ + since / kOneIn < 1) {
                ++ignored_;
                return false;
            }
            left_ = std::min(left_ + since / kOneIn, kAtOnce);
        }
        last_ = now;
        --left_;
        return true;
    }

    [[nodiscard]] std::uint64_t ignored() const { return ignored_; }

  private:
    static constexpr std::chrono::duration<double> kSame = std::chrono::milliseconds(300);
    // In the long run; a link that is so bad wants FEC or a smaller layer.
    static constexpr std::chrono::duration<double> kOneIn = std::chrono::seconds(2);
    static constexpr double kAtOnce = 10;

    Instant last_ = Instant::min();  // that was passed on
    double left_ = kAtOnce;
    std::uint64_t ignored_ = 0;
};

}  // namespace isthmus::media::sfu
