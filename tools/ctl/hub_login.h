// How isthmusctl reaches a hub: the address, its authority and a token, kept between calls in a
// file of the user's own (mode 0600), or taken from the environment in scripts.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace isthmus::ctl {

struct HubLogin {
    std::string url;
    std::string token;
    std::string ca_file;  // PEM; empty: the machine's authorities
    bool insecure = false;
};

// $XDG_CONFIG_HOME/isthmus/hub.json, or ~/.config/isthmus/hub.json.
[[nodiscard]] std::filesystem::path hub_login_path();

[[nodiscard]] Result<void> save_hub_login(const std::filesystem::path& path, const HubLogin& login);
// kUnauthenticated where there is none: log in first.
[[nodiscard]] Result<HubLogin> load_hub_login(const std::filesystem::path& path);
void forget_hub_login(const std::filesystem::path& path);

}  // namespace isthmus::ctl
