// How to reach NATS: what the command line and the environment said, checked before anything
// starts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace isthmus::hub {

struct NatsOptions {
    std::vector<std::string> servers{};  // nats://host:4222 or tls://..., user:password@ allowed
    std::string user{};                  // where the servers' addresses name none
    std::string password{};
    std::filesystem::path credentials{};  // a user's JWT and seed, as nsc writes them
    std::filesystem::path nkey{};         // a user's seed alone: "SU..."
    std::filesystem::path ca{};           // PEM; empty: the machine's
    std::filesystem::path certificate{};  // ours, PEM, where the servers want one
    std::filesystem::path key{};
    std::string subject = "isthmus.hub";  // the same on all instances of one hub

    // Whether the connection is to be encrypted: one tls:// is enough, for a server that we are
    // handed on to must not be worse.
    [[nodiscard]] bool wants_tls() const;
};

// kInvalidArgument with what is wrong and what to write.
[[nodiscard]] Result<void> check_nats_options(const NatsOptions& options);

// Without user and password.
[[nodiscard]] std::string shown_server(std::string_view url);

}  // namespace isthmus::hub
