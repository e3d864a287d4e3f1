#include "media/data/sctp_library.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <usrsctp.h>

#include "base/check.h"
#include "media/data/sctp_socket.h"

namespace isthmus::media::data {
namespace {

// What leads from usrsctp, which is global and calls back with an address alone, to what is ours.
struct Process {
    SctpLibrary* library = nullptr;  // the data thread's
    bool started = false;
    std::uint32_t registered = 0;  // how many addresses usrsctp has been told of
};

Process& process() {
    static Process one;
    return one;
}

}  // namespace

SctpLibrary::SctpLibrary() {
    CHECK(process().library == nullptr);
    process().library = this;
    start_once();
}

SctpLibrary::~SctpLibrary() {
    CHECK(free_.size() == sockets_.size());
    process().library = nullptr;
}

void SctpLibrary::start_once() {
    if (std::exchange(process().started, true)) {
        return;
    }
    usrsctp_init_nothreads(0, &SctpLibrary::on_output, nullptr);
    // usrsctp computes and verifies the CRC32c: nobody below it does.
    usrsctp_disable_crc32c_offload();

    // What WebRTC has no use for.
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    // Packets that belong to nothing are not answered.
    usrsctp_sysctl_set_sctp_blackhole(2);

    // RFC 9260 waits a second at least; data of meetings is small and wanted soon. Above the 200 ms
    // for which a receiver may delay its acknowledgement.
    usrsctp_sysctl_set_sctp_rto_min_default(400);
    usrsctp_sysctl_set_sctp_rto_initial_default(500);
    usrsctp_sysctl_set_sctp_rto_max_default(10'000);
    usrsctp_sysctl_set_sctp_init_rto_max_default(2000);
    usrsctp_sysctl_set_sctp_init_rtx_max_default(20);  // DataLimits::handshake_max ends it
    // A client that hears nothing any more fails ICE consent long before that.
    usrsctp_sysctl_set_sctp_assoc_rtx_max_default(10);
    usrsctp_sysctl_set_sctp_path_rtx_max_default(10);
    // RFC 6928's initial window; packets leave through a pacer or not at all.
    usrsctp_sysctl_set_sctp_initial_cwnd(10);
    usrsctp_sysctl_set_sctp_max_burst_default(10);

    // Chunks queued in either direction in one association; the buffers bound the bytes.
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(4096);
    // Freed chunks kept for later: of one association, of all.
    usrsctp_sysctl_set_sctp_asoc_free_resc_limit(32);
    usrsctp_sysctl_set_sctp_system_free_resc_limit(4096);
}

void* SctpLibrary::address_of(std::uint32_t number) {
    // Null means any address.
    // NOLINTNEXTLINE(performance-no-int-to-ptr): never followed, and void* is what usrsctp takes
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(number) + 1);
}

std::uint32_t SctpLibrary::attach(SctpSocket& socket) {
    std::uint32_t number = static_cast<std::uint32_t>(sockets_.size());
    if (free_.empty()) {
        sockets_.push_back(&socket);
    } else {
        std::ranges::pop_heap(free_, std::greater{});
        number = free_.back();
        free_.pop_back();
        sockets_[number] = &socket;
    }
    if (number >= process().registered) {
        usrsctp_register_address(address_of(number));
        process().registered = number + 1;
    }
    return number;
}

void SctpLibrary::detach(std::uint32_t number) {
    CHECK(sockets_.at(number) != nullptr);
    sockets_[number] = nullptr;
    std::erase(touched_, number);
    free_.push_back(number);
    std::ranges::push_heap(free_, std::greater{});
}

void SctpLibrary::pass_time(std::uint32_t milliseconds) {
    usrsctp_handle_timers(milliseconds);
}

std::vector<std::uint32_t> SctpLibrary::take_touched() {
    for (const std::uint32_t number : touched_) {
        sockets_[number]->touched_ = false;
    }
    return std::exchange(touched_, {});
}

SctpSocket* SctpLibrary::touch(void* address) {
    const auto number = reinterpret_cast<std::uintptr_t>(address) - 1;
    SctpLibrary* const library = process().library;
    if (library == nullptr || number >= library->sockets_.size()) {
        return nullptr;
    }
    SctpSocket* socket = library->sockets_[number];
    if (socket != nullptr && !std::exchange(socket->touched_, true)) {
        library->touched_.push_back(static_cast<std::uint32_t>(number));
    }
    return socket;
}

int SctpLibrary::on_output(void* address,
                           void* buffer,
                           std::size_t length,
                           std::uint8_t /*tos*/,
                           std::uint8_t /*set_df*/) {
    if (SctpSocket* socket = touch(address)) {
        socket->on_output({static_cast<const std::byte*>(buffer), length});
    }
    return 0;
}

}  // namespace isthmus::media::data
