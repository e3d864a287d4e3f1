#include "tools/ctl/hub_login.h"

#include <cstdlib>
#include <system_error>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"

namespace isthmus::ctl {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

std::string environment(const char* name) {
    // One thread, before any other begins.
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value != nullptr ? value : "";
}

}  // namespace

fs::path hub_login_path() {
    const std::string config = environment("XDG_CONFIG_HOME");
    const fs::path folder =
        config.empty() ? fs::path(environment("HOME")) / ".config" : fs::path(config);
    return folder / "isthmus" / "hub.json";
}

Result<void> save_hub_login(const fs::path& path, const HubLogin& login) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) {
        return make_error(ErrorCode::kUnavailable,
                          "cannot make " + path.parent_path().string() + ": " + error.message());
    }
    return channel::write_private_file(path,
                                       json::serialize(json::object{{"url", login.url},
                                                                    {"token", login.token},
                                                                    {"ca_file", login.ca_file},
                                                                    {"insecure", login.insecure}}));
}

Result<HubLogin> load_hub_login(const fs::path& path) {
    constexpr std::size_t kBytesMax = 65'536;
    const auto text = channel::read_private_file(path, kBytesMax);
    if (!text) {
        return make_error(
            text.error().code == ErrorCode::kNotFound ? ErrorCode::kUnauthenticated
                                                      : text.error().code,
            text.error().code == ErrorCode::kNotFound
                ? "log in first: isthmusctl hub login --hub https://... --name ...; or set "
                  "ISTHMUS_HUB and ISTHMUS_HUB_TOKEN"
                : text.error().message);
    }
    const auto value = channel::parse_json(*text, kBytesMax);
    const auto url = value ? channel::text_field(*value, "url") : std::nullopt;
    const auto token = value ? channel::text_field(*value, "token") : std::nullopt;
    if (!url || !token) {
        return make_error(ErrorCode::kInvalidArgument, path.string() + " is damaged; log in again");
    }
    return HubLogin{.url = *url,
                    .token = *token,
                    .ca_file = channel::text_field(*value, "ca_file").value_or(""),
                    .insecure = channel::bool_field(*value, "insecure").value_or(false)};
}

void forget_hub_login(const fs::path& path) {
    std::error_code ignored;
    fs::remove(path, ignored);
}

}  // namespace isthmus::ctl
