// A node's certificate (X.509, RFC 5280, over an Ed25519 key; the common name is the node's id):
// reading and checking it. Only the hub issues them (tools/hub).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "control-agent/channel/signing_key.h"

namespace isthmus::channel {

struct Certificate {
    std::string node;  // common name
    PublicKey key;
    std::string serial;  // hexadecimal
    std::int64_t not_before_unix_s = 0;
    std::int64_t not_after_unix_s = 0;

    [[nodiscard]] bool valid_at(std::int64_t unix_s) const {
        return unix_s >= not_before_unix_s && unix_s <= not_after_unix_s;
    }

    // When a node should ask for the next one: two thirds through.
    [[nodiscard]] std::int64_t renew_at_unix_s() const {
        return not_before_unix_s + (not_after_unix_s - not_before_unix_s) / 3 * 2;
    }
};

// What it says, unchecked.
[[nodiscard]] Result<Certificate> read_certificate(const std::string& pem);

// What it says, if one of the authorities (PEM) signed it. Its dates are the caller's to look at:
// one that ran out still proves who may renew.
[[nodiscard]] Result<Certificate> check_certificate(const std::string& pem,
                                                    std::span<const std::string> authorities);

}  // namespace isthmus::channel
