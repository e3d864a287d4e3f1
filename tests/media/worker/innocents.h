// Two who have done nothing wrong, and whom nobody may harm: what the tests about misbehaviour
// watch over.
//
//     alice (VP8) -- 10 ms --> node -- 10 ms --> bob, who watches alice alone
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {

class Innocents {
  public:
    static constexpr Duration kFrame = std::chrono::milliseconds(33);

    explicit Innocents(Meeting& meeting);

    // Alice sends frames of three packets, a key frame where she is asked for one; after each,
    // `meanwhile` misbehaves, and 33 ms go by.
    void frames(int count, const std::function<void()>& meanwhile = [] {});

    // Bob has all that alice ever sent: in order, unchanged, and each within its frame's time.
    void expect_unharmed() const;

    [[nodiscard]] const Joined& alice() const { return alice_; }

    [[nodiscard]] const Joined& bob() const { return bob_; }

    // Requests for key frames that reached alice.
    [[nodiscard]] std::size_t asked() const { return asked_; }

    [[nodiscard]] Duration elapsed() const { return kFrame * frames_; }

  private:
    static constexpr int kPackets = 3;

    void send_frame();
    void read_requests();

    Meeting& meeting_;
    Joined alice_;
    Joined bob_;
    std::uint16_t seq_ = 65000;  // wraps soon
    std::uint32_t sent_ = 0;
    int frames_ = 0;
    int late_frames_ = 0;
    std::size_t asked_ = 0;
    std::size_t rtcp_read_ = 0;
    bool key_frame_ = true;
};

// Somebody who joins to watch one identity alone.
[[nodiscard]] Joined join_watching(Meeting& meeting,
                                   const std::string& identity,
                                   const std::string& watched,
                                   std::vector<sfu::MediaSection> sections);

}  // namespace isthmus::media::testing
