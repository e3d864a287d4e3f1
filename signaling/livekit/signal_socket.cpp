#include "signaling/livekit/signal_socket.h"

#include <cstddef>
#include <utility>

namespace isthmus::signaling::livekit {

http::WebSocketPayload OutgoingSignal::in(SignalForm form) const {
    http::WebSocketPayload& payload = made_.at(static_cast<std::size_t>(form));
    if (!payload) {
        payload = std::make_shared<const std::string>(others_.empty()
                                                          ? encode_signal(*response_, form)
                                                          : encode_join(*response_, others_, form));
    }
    return payload;
}

void SignalSocket::send(const OutgoingSignal& message) {
    if (sink_ != nullptr) {
        sink_->send(form_ == SignalForm::kBinary, message.in(form_));
    }
}

void SignalSocket::close() {
    participant_sid.clear();
    if (sink_ != nullptr) {
        sink_->close(http::kCloseNormal, "");
    }
}

void SignalSocket::on_open(http::WebSocketSink& sink) {
    sink_ = &sink;
    hub_->on_socket_open(*this);
}

void SignalSocket::on_message(bool binary, std::string_view payload) {
    form_ = binary ? SignalForm::kBinary : SignalForm::kText;
    proto::SignalRequest request;
    if (decode_signal(payload, form_, request)) {
        hub_->on_socket_request(*this, request);
    } else {
        hub_->on_socket_garbage(*this);
    }
}

void SignalSocket::on_close() {
    sink_ = nullptr;
    hub_->on_socket_closed(*this);
}

}  // namespace isthmus::signaling::livekit
