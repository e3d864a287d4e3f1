#include "media/rtp/key_frame_requester.h"

namespace isthmus::media::rtp {

void KeyFrameRequester::on_request(Instant now) {
    now_ = now;
    ++wishes_;
    if (!wanted_) {
        wanted_ = true;
        next_request_ = std::max(next_request_, now);
    }
}

void KeyFrameRequester::on_key_frame(Instant now) {
    now_ = now;
    ++key_frames_;
    wanted_ = false;
    next_request_ = now + kWaitMin;
}

void KeyFrameRequester::handle_timeout(Instant now) {
    now_ = now;
}

bool KeyFrameRequester::poll_request() {
    if (!wanted_ || now_ < next_request_) {
        return false;
    }
    ++requests_;
    next_request_ = now_ + wait();
    return true;
}

}  // namespace isthmus::media::rtp
