// How a client reaches a server: directly or through a proxy, and whom it believes. No socket here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/http/proxy_tunnel.h"
#include "base/time.h"

namespace isthmus::http {

// What is done one after the other; what a fault happened at.
enum class ConnectStep : std::uint8_t {
    kAddress,      // of the server, or of the proxy
    kConnection,   // TCP
    kProxy,        // it lets through
    kTls,          // some TLS, whoever it is with
    kCertificate,  // it is with whom it should be
    kAnswer,       // HTTP
};

struct ConnectFault {
    ConnectStep step = ConnectStep::kAddress;
    std::string message;  // for the operator
};

// kUnauthenticated for a certificate, so that a caller can tell it from a server that is not there;
// kUnavailable for the rest.
[[nodiscard]] Error error_of(const ConnectFault& fault);

struct ConnectConfig {
    // Plain requests go through it too, by CONNECT, which many proxies allow to port 443 only.
    std::optional<ProxyConfig> proxy;
    std::string authorities_file;  // PEM; beside the machine's own
    // Asked where the server's certificate is not signed by a known authority or for another name,
    // with what is wrong: whether to go on nevertheless. For those who know the server by a key and
    // a signature above TLS. Not set: no.
    std::function<bool(const std::string& what)> accept_certificate;
    // Told of each step that went well: "192.0.2.1", "TLSv1.3".
    std::function<void(ConnectStep step, const std::string& what)> on_step;
};

}  // namespace isthmus::http
