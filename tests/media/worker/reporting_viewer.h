// A viewer that answers as a browser does: reports, NACK, key frame requests, and feedback on the
// packets of the kind that its sections agree on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "media/client/media_receiver.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {

class ReportingViewer {
  public:
    // Joins and connects.
    ReportingViewer(Meeting& meeting,
                    const std::string& identity,
                    const std::vector<sfu::MediaSection>& sections,
                    const simulator::LinkConfig& line = {});

    // Hears what has arrived and says what is due; every few milliseconds.
    void react();

    // What react() would send now, plain and unsent.
    [[nodiscard]] std::vector<std::vector<std::byte>> take_feedback();

    // REMB, beside what react() says.
    void say_remb(std::uint64_t bits_per_second);

    [[nodiscard]] const Joined& joined() const { return joined_; }

    // Of video: frames that could be shown, freezes.
    [[nodiscard]] client::InboundStats stats(std::size_t stream) const;

    // Payload and headers of RTP that have arrived so far.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    void hear();

    Meeting& meeting_;
    Joined joined_;
    client::MediaReceiver receiver_;
    std::uint64_t bytes_ = 0;
};

}  // namespace isthmus::media::testing
