#include "media/transport/dtls_session.h"

#include <vector>

namespace isthmus::media::transport {
namespace {

// RFC 5246 section 7.2.
constexpr std::byte kWarning{1};
constexpr std::byte kFatal{2};
constexpr std::uint8_t kCloseNotify = 0;
constexpr std::uint8_t kUnexpectedMessage = 10;
constexpr std::uint8_t kIllegalParameter = 47;
constexpr std::uint8_t kNoRenegotiation = 100;
constexpr std::size_t kAlertBytes = 2;

// RFC 5246 section 7.4; a message's header is 12 bytes in DTLS (RFC 6347 section 4.2.2).
constexpr std::size_t kMessageHeaderBytes = 12;
constexpr std::byte kHelloRequest{0};
constexpr std::byte kClientHello{1};
constexpr std::byte kFinished{20};

// OpenSSL's limits: a peer that repeats its last flight more often, or sends as many warnings and
// nothing else, will not come to a good end.
constexpr std::uint8_t kRepeatsMax = 12;
constexpr std::uint8_t kWarningsMax = 5;

}  // namespace

void DtlsSession::take_early(std::span<const std::byte> records, DtlsQueues& queues) {
    handle_records(Arrival::kEarly, records, queues);
}

void DtlsSession::handle_datagram(std::span<const std::byte> datagram, DtlsQueues& queues) {
    if (datagram.size() <= kDatagramBytesMax) {
        handle_records(Arrival::kInTime, datagram, queues);
    }
}

void DtlsSession::handle_records(Arrival arrival,
                                 std::span<const std::byte> datagram,
                                 DtlsQueues& queues) {
    std::array<std::byte, kDatagramBytesMax> buffer{};
    while (state_ == State::kOpen && !datagram.empty()) {
        const auto record = take_dtls_record(datagram);
        if (!record) {
            ++refused_;
            return;
        }
        const auto content = layer_.open(*record, buffer);
        if (!content) {
            ++refused_;
            continue;
        }
        if (content->empty()) {
            continue;
        }
        if (record->type == DtlsContentType::kAlert) {
            handle_alert(*content, queues);
            continue;
        }
        warnings_ = 0;
        switch (record->type) {
            case DtlsContentType::kApplicationData:
                queues.receive({content->begin(), content->end()});
                break;
            case DtlsContentType::kHandshake:
                if (arrival == Arrival::kInTime) {
                    handle_handshake(*content, queues);
                }
                break;
            case DtlsContentType::kChangeCipherSpec:
                break;
            default:
                fail(kUnexpectedMessage, queues);
                break;
        }
    }
}

void DtlsSession::handle_alert(std::span<const std::byte> alert, DtlsQueues& queues) {
    const bool is_whole = alert.size() == kAlertBytes;
    if (is_whole && alert[0] == kFatal) {
        state_ = State::kFailed;
    } else if (is_whole && alert[0] != kWarning) {
        fail(kIllegalParameter, queues);
    } else if (!is_whole || ++warnings_ == kWarningsMax) {
        fail(kUnexpectedMessage, queues);
    } else if (alert[1] == std::byte{kCloseNotify}) {
        close(queues);
    }
}

void DtlsSession::handle_handshake(std::span<const std::byte> message, DtlsQueues& queues) {
    if (message.size() < kMessageHeaderBytes) {
        return;
    }
    if (message[0] == kFinished) {
        repeat_last_flight(queues);
    } else if (message[0] == (last_flight_ ? kClientHello : kHelloRequest)) {
        send_record(
            DtlsContentType::kAlert, std::array{kWarning, std::byte{kNoRenegotiation}}, queues);
    }
}

void DtlsSession::repeat_last_flight(DtlsQueues& queues) {
    if (!last_flight_ || repeats_ == kRepeatsMax) {
        return;
    }
    ++repeats_;
    static constexpr std::byte kChangeCipherSpecMessage{1};
    std::vector<std::byte> datagram(kDtlsHeaderBytes);
    write_dtls_header(std::span(datagram).first<kDtlsHeaderBytes>(),
                      DtlsContentType::kChangeCipherSpec,
                      0,
                      last_flight_->next_plain_sequence++,
                      sizeof kChangeCipherSpecMessage);
    datagram.push_back(kChangeCipherSpecMessage);
    layer_.seal(DtlsContentType::kHandshake, last_flight_->finished, datagram);
    queues.send(std::move(datagram));
}

bool DtlsSession::send(std::span<const std::byte> data, DtlsQueues& queues) {
    return state_ == State::kOpen && send_record(DtlsContentType::kApplicationData, data, queues);
}

bool DtlsSession::send_record(DtlsContentType type,
                              std::span<const std::byte> content,
                              DtlsQueues& queues) {
    std::vector<std::byte> datagram;
    datagram.reserve(kDtlsHeaderBytes + kDtlsNonceBytes + content.size() + kDtlsTagBytes);
    layer_.seal(type, content, datagram);
    return queues.send(std::move(datagram));
}

void DtlsSession::close(DtlsQueues& queues) {
    if (state_ == State::kOpen) {
        send_record(DtlsContentType::kAlert, std::array{kWarning, std::byte{kCloseNotify}}, queues);
        state_ = State::kClosed;
    }
}

void DtlsSession::fail(std::uint8_t alert, DtlsQueues& queues) {
    send_record(DtlsContentType::kAlert, std::array{kFatal, std::byte{alert}}, queues);
    state_ = State::kFailed;
}

}  // namespace isthmus::media::transport
