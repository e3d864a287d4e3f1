#include "media/data/sctp_socket.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <usrsctp.h>

#include "base/byte_order.h"
#include "media/data/sctp_library.h"

namespace isthmus::media::data {
namespace {

// a=sctp-port of our own.
constexpr std::uint16_t kLocalPort = 5000;

sockaddr_conn make_address(std::uint32_t number, std::uint16_t port) {
    sockaddr_conn address{};
    address.sconn_family = AF_CONN;
    address.sconn_port = htons(port);
    address.sconn_addr = SctpLibrary::address_of(number);
    return address;
}

sockaddr* as_sockaddr(sockaddr_conn& address) {
    return reinterpret_cast<sockaddr*>(&address);
}

template <typename T>
bool set_option(struct ::socket* socket, int level, int name, const T& value) {
    return usrsctp_setsockopt(socket, level, name, &value, sizeof value) == 0;
}

bool subscribe(struct ::socket* socket, std::uint16_t type) {
    sctp_event event{};
    event.se_assoc_id = SCTP_ALL_ASSOC;
    event.se_type = type;
    event.se_on = 1;
    return set_option(socket, IPPROTO_SCTP, SCTP_EVENT, event);
}

sctp_sendv_spa send_info(const StreamMessage& message) {
    sctp_sendv_spa info{};
    info.sendv_flags = SCTP_SEND_SNDINFO_VALID;
    info.sendv_sndinfo.snd_sid = message.stream;
    info.sendv_sndinfo.snd_ppid = htonl(static_cast<std::uint32_t>(message.protocol));
    info.sendv_sndinfo.snd_flags = message.ordered ? 0 : SCTP_UNORDERED;
    if (message.max_retransmits) {
        info.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        info.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
        info.sendv_prinfo.pr_value = *message.max_retransmits;
    } else if (message.lifetime_ms) {
        info.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        info.sendv_prinfo.pr_policy = SCTP_PR_SCTP_TTL;
        info.sendv_prinfo.pr_value = *message.lifetime_ms;
    }
    return info;
}

}  // namespace

struct SctpSocket::Received {
    std::span<const std::byte> bytes;
    std::uint16_t stream = 0;
    std::uint32_t protocol = 0;
    bool notification = false;
    bool last = true;  // of its message
};

SctpSocket::SctpSocket(SctpLibrary& library, const DataLimits& limits)
    : library_(library), limits_(limits), number_(library.attach(*this)) {}

SctpSocket::~SctpSocket() {
    abort();
    library_.detach(number_);
}

std::expected<std::unique_ptr<SctpSocket>, int> SctpSocket::connect(SctpLibrary& library,
                                                                    const DataLimits& limits,
                                                                    std::uint16_t remote_port) {
    std::unique_ptr<SctpSocket> socket(new SctpSocket(library, limits));
    if (const int error = socket->open(remote_port); error != 0) {
        return std::unexpected(error);
    }
    return socket;
}

int SctpSocket::open(std::uint16_t remote_port) {
    const auto on_receive = [](struct ::socket* /*socket*/,
                               sctp_sockstore /*from*/,
                               void* data,
                               std::size_t length,
                               sctp_rcvinfo info,
                               int flags,
                               void* address) {
        SctpSocket* self = SctpLibrary::touch(address);
        if (self != nullptr && data != nullptr) {
            self->on_received({.bytes = {static_cast<const std::byte*>(data), length},
                               .stream = info.rcv_sid,
                               .protocol = ntohl(info.rcv_ppid),
                               .notification = (flags & MSG_NOTIFICATION) != 0,
                               .last = (flags & MSG_EOR) != 0});
        }
        std::free(data);  // NOLINT(*-no-malloc,*-owning-memory): usrsctp's, in C
        return 1;
    };
    void* address = SctpLibrary::address_of(number_);
    socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, on_receive, nullptr, 0, address);
    if (socket_ == nullptr || !configure()) {
        return errno;
    }
    sockaddr_conn local = make_address(number_, kLocalPort);
    if (usrsctp_bind(socket_, as_sockaddr(local), sizeof local) != 0) {
        return errno;
    }
    sockaddr_conn remote = make_address(number_, remote_port);
    if (usrsctp_connect(socket_, as_sockaddr(remote), sizeof remote) != 0 && errno != EINPROGRESS) {
        return errno;
    }
    return configure_path(remote_port) ? 0 : errno;
}

bool SctpSocket::configure() {
    // Closing is an ABORT: nothing lingers.
    const linger no_linger{.l_onoff = 1, .l_linger = 0};
    const int send_buffer = static_cast<int>(limits_.sctp_send_buffer_bytes);
    const int receive_buffer = static_cast<int>(limits_.sctp_receive_buffer_bytes);
    const std::uint32_t on = 1;
    // One message after the other is handed over in parts, never two at once.
    const int no_interleave = 0;
    sctp_initmsg streams{};
    streams.sinit_num_ostreams = kStreams;
    streams.sinit_max_instreams = kStreams;
    sctp_assoc_value resets{};
    resets.assoc_id = SCTP_ALL_ASSOC;
    resets.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ;
    return usrsctp_set_non_blocking(socket_, 1) == 0 &&
           set_option(socket_, SOL_SOCKET, SO_LINGER, no_linger) &&
           set_option(socket_, SOL_SOCKET, SO_SNDBUF, send_buffer) &&
           set_option(socket_, SOL_SOCKET, SO_RCVBUF, receive_buffer) &&
           set_option(socket_, IPPROTO_SCTP, SCTP_NODELAY, on) &&
           set_option(socket_, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, no_interleave) &&
           set_option(socket_, IPPROTO_SCTP, SCTP_INITMSG, streams) &&
           set_option(socket_, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, resets) &&
           subscribe(socket_, SCTP_ASSOC_CHANGE) && subscribe(socket_, SCTP_SHUTDOWN_EVENT) &&
           subscribe(socket_, SCTP_STREAM_RESET_EVENT) &&
           subscribe(socket_, SCTP_PARTIAL_DELIVERY_EVENT);
}

bool SctpSocket::configure_path(std::uint16_t remote_port) {
    sctp_paddrparams path{};
    const sockaddr_conn remote = make_address(number_, remote_port);
    std::memcpy(&path.spp_address, &remote, sizeof remote);
    // ICE consent says whether the client is there.
    path.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_DISABLE;
    // Without the common header.
    path.spp_pathmtu = kPacketBytesMax - sizeof(sctp_common_header);
    return set_option(socket_, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, path);
}

void SctpSocket::handle_packet(std::span<const std::byte> packet) {
    if (socket_ != nullptr) {
        usrsctp_conninput(
            SctpLibrary::address_of(number_), packet.data(), packet.size(), /*ecn_bits=*/0);
    }
}

StreamSender::Outcome SctpSocket::send(const StreamMessage& message) {
    if (socket_ == nullptr) {
        return Outcome::kGone;
    }
    sctp_sendv_spa info = send_info(message);
    const auto sent = usrsctp_sendv(socket_,
                                    message.bytes.data(),
                                    message.bytes.size(),
                                    nullptr,
                                    0,
                                    &info,
                                    sizeof info,
                                    SCTP_SENDV_SPA,
                                    0);
    if (sent >= 0) {
        return Outcome::kTaken;
    }
    // A stream that is being reset answers EAGAIN until the client has confirmed.
    return errno == EWOULDBLOCK ? Outcome::kFull : Outcome::kGone;
}

bool SctpSocket::reset(std::uint16_t stream) {
    if (socket_ == nullptr) {
        return false;
    }
    alignas(sctp_reset_streams) std::array<std::byte, sizeof(sctp_reset_streams) + sizeof stream>
        request{};
    sctp_reset_streams head{};
    head.srs_flags = SCTP_STREAM_RESET_OUTGOING;
    head.srs_number_streams = 1;
    std::memcpy(request.data(), &head, sizeof head);
    std::memcpy(request.data() + sizeof head, &stream, sizeof stream);
    return set_option(socket_, IPPROTO_SCTP, SCTP_RESET_STREAMS, request);
}

void SctpSocket::abort() {
    if (socket_ != nullptr) {
        usrsctp_close(std::exchange(socket_, nullptr));
    }
}

void SctpSocket::on_output(std::span<const std::byte> packet) {
    packets_.emplace_back(packet.begin(), packet.end());
}

void SctpSocket::on_received(const Received& received) {
    if (received.notification) {
        on_notification(received.bytes);
    } else {
        on_data(received);
    }
}

void SctpSocket::on_data(const Received& received) {
    if (partial_.size() + received.bytes.size() > limits_.message_bytes_max) {
        partial_.clear();
        events_.emplace_back(SctpEnded{.reason = FailureReason::kMessageTooLong});
        return;
    }
    partial_.insert(partial_.end(), received.bytes.begin(), received.bytes.end());
    if (received.last) {
        events_.emplace_back(
            SctpMessage{.stream = received.stream,
                        .protocol = static_cast<PayloadProtocol>(received.protocol),
                        .bytes = std::exchange(partial_, {})});
    }
}

void SctpSocket::on_notification(std::span<const std::byte> bytes) {
    sctp_notification::sctp_tlv head{};
    if (bytes.size() < sizeof head) {
        return;
    }
    std::memcpy(&head, bytes.data(), sizeof head);
    switch (head.sn_type) {
        case SCTP_ASSOC_CHANGE: {
            sctp_assoc_change change{};
            if (bytes.size() >= sizeof change) {
                std::memcpy(&change, bytes.data(), sizeof change);
                on_association_change(change.sac_state);
            }
            return;
        }
        case SCTP_SHUTDOWN_EVENT:
            events_.emplace_back(SctpEnded{.reason = FailureReason::kShutdown});
            return;
        case SCTP_PARTIAL_DELIVERY_EVENT:  // the rest of a message was given up
            partial_.clear();
            return;
        case SCTP_STREAM_RESET_EVENT:
            on_stream_reset(bytes);
            return;
        default:
            return;
    }
}

void SctpSocket::on_association_change(std::uint16_t state) {
    switch (state) {
        case SCTP_COMM_UP:
            events_.emplace_back(SctpConnected{});
            return;
        case SCTP_COMM_LOST:
        case SCTP_CANT_STR_ASSOC:
            events_.emplace_back(SctpEnded{.reason = FailureReason::kAborted});
            return;
        case SCTP_SHUTDOWN_COMP:
            events_.emplace_back(SctpEnded{.reason = FailureReason::kShutdown});
            return;
        case SCTP_RESTART:
            events_.emplace_back(SctpEnded{.reason = FailureReason::kRestarted});
            return;
        default:
            return;
    }
}

void SctpSocket::on_stream_reset(std::span<const std::byte> bytes) {
    sctp_stream_reset_event head{};
    if (bytes.size() < sizeof head) {
        return;
    }
    std::memcpy(&head, bytes.data(), sizeof head);
    std::vector<std::uint16_t> streams;
    for (auto rest = bytes.subspan(sizeof head); rest.size() >= sizeof streams[0];
         rest = rest.subspan(sizeof streams[0])) {
        std::memcpy(&streams.emplace_back(), rest.data(), sizeof streams[0]);
    }
    if (streams.empty()) {  // all
        for (std::uint16_t stream = 0; stream < kStreams; ++stream) {
            streams.push_back(stream);
        }
    }
    const std::uint16_t flags = head.strreset_flags;
    const bool refused = (flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0;
    if ((flags & SCTP_STREAM_RESET_OUTGOING_SSN) != 0 || refused) {
        events_.emplace_back(SctpStreamReset{.incoming = false, .streams = streams});
    }
    if ((flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0 && !refused) {
        events_.emplace_back(SctpStreamReset{.incoming = true, .streams = std::move(streams)});
    }
}

std::vector<std::vector<std::byte>> SctpSocket::take_packets() {
    return std::exchange(packets_, {});
}

std::vector<SctpEvent> SctpSocket::take_events() {
    return std::exchange(events_, {});
}

}  // namespace isthmus::media::data
