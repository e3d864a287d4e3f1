// How one asks an explicit proxy for a way through (CONNECT), and reads its answer. No socket here.
//
// Each try has a connection of its own: the answers that refuse are not read to their end. The
// proxy finds the host by its name, so that a machine without DNS can call through it.
// Specification: RFC 9110 section 9.3.6, RFC 7616, RFC 7617.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/http/credentials.h"

namespace isthmus::http {

struct ProxyConfig {
    std::string host;
    std::string port = "3128";
    std::optional<Credentials> credentials;
    // Basic shows the password to everybody between here and the proxy.
    bool basic_allowed = true;
};

// "http://[user:password@]host[:port]", percent-encoded where needed.
[[nodiscard]] Result<ProxyConfig> parse_proxy_url(const std::string& url);

class ProxyTunnel {
  public:
    enum class Next : std::uint8_t {
        kReadMore,      // the answer is not whole yet
        kOpen,          // what is sent now goes to the host
        kConnectAgain,  // with a new connection, and request() anew
        kRefused,       // see refusal()
    };

    // `name`: "host:port" of whom to reach. `random` outlives it.
    ProxyTunnel(const ProxyConfig& config, std::string name, RandomSource& random)
        : config_(config), name_(std::move(name)), random_(&random) {}

    // What a new connection begins with.
    [[nodiscard]] std::string request();
    // What the proxy sends, in any pieces.
    [[nodiscard]] Next handle_bytes(std::string_view bytes);

    // A sentence for the operator.
    [[nodiscard]] const std::string& refusal() const { return refusal_; }

  private:
    Next refuse(std::string why);
    Next on_status(unsigned status, const Headers& headers);
    Next on_challenge(const Headers& headers);

    ProxyConfig config_;
    std::string name_;
    RandomSource* random_;
    std::string answer_;  // what has come on this connection
    std::string authorization_;
    std::string refusal_;
    int tries_ = 0;
};

}  // namespace isthmus::http
