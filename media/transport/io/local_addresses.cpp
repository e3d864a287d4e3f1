#include "media/transport/io/local_addresses.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>

#include <ifaddrs.h>
#include <net/if.h>

#include "media/transport/io/socket_address.h"

namespace isthmus::media::transport {

namespace {

[[nodiscard]] std::optional<IpAddress> address_of(const ifaddrs& entry) {
    if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0) {
        return std::nullopt;
    }
    KernelAddress address{};
    if (entry.ifa_addr->sa_family == AF_INET) {
        std::memcpy(&address.v4, entry.ifa_addr, sizeof address.v4);
    } else if (entry.ifa_addr->sa_family == AF_INET6) {
        std::memcpy(&address.v6, entry.ifa_addr, sizeof address.v6);
    } else {
        return std::nullopt;
    }
    return read_kernel_address(address).ip;
}

}  // namespace

Result<std::vector<IpAddress>> local_addresses(LoopbackAddresses loopback) {
    ifaddrs* head = nullptr;
    if (::getifaddrs(&head) != 0) {
        return make_error(ErrorCode::kUnavailable,
                          "The addresses of this machine cannot be listed (" +
                              std::system_category().message(errno) +
                              "): name the advertised addresses in the configuration.");
    }
    const std::unique_ptr<ifaddrs, decltype([](ifaddrs* list) { ::freeifaddrs(list); })> list(head);
    std::vector<IpAddress> found;
    std::vector<IpAddress> loopbacks;
    for (const ifaddrs* entry = head; entry != nullptr; entry = entry->ifa_next) {
        const std::optional<IpAddress> ip = address_of(*entry);
        if (!ip || ip->is_link_local() || ip->is_unspecified()) {
            continue;
        }
        std::vector<IpAddress>& into = ip->is_loopback() ? loopbacks : found;
        if (std::ranges::find(into, *ip) == into.end()) {
            into.push_back(*ip);
        }
    }
    if (found.empty() || loopback == LoopbackAddresses::kAlso) {
        found.insert(found.end(), loopbacks.begin(), loopbacks.end());
    }
    return found;
}

}  // namespace isthmus::media::transport
