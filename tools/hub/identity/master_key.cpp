#include "tools/hub/identity/master_key.h"

#include <utility>

#include <spdlog/fmt/fmt.h>

#include "base/http/base64url.h"
#include "control-agent/channel/crypto.h"
#include "control-agent/channel/gcm.h"
#include "control-agent/channel/key_file.h"
#include "tools/hub/identity/password.h"

namespace isthmus::hub {

Result<MasterKey> MasterKey::load(const std::filesystem::path& path) {
    auto text = channel::read_private_file(path);
    if (!text) {
        return std::unexpected(text.error());
    }
    auto key = from_text(*text);
    if (!key) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("{} holds no master key; restore it from a backup, for "
                                      "without it the keys in the database cannot be read",
                                      path.string()));
    }
    return std::move(*key);
}

Result<MasterKey> MasterKey::load_or_make(const std::filesystem::path& path, RandomSource& random) {
    auto loaded = load(path);
    if (loaded || loaded.error().code != ErrorCode::kNotFound) {
        return loaded;
    }
    MasterKey made(channel::random_bytes(random, channel::kGcmKeyBytes));
    if (const auto written = channel::write_private_file(path, made.text() + "\n"); !written) {
        return std::unexpected(written.error());
    }
    return made;
}

std::optional<MasterKey> MasterKey::from_text(std::string_view text) {
    while (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    auto bytes = http::decode_base64url(text);
    if (!bytes || bytes->size() != channel::kGcmKeyBytes) {
        return std::nullopt;
    }
    return MasterKey(std::move(*bytes));
}

MasterKey MasterKey::from_passphrase(std::string_view passphrase, std::string_view salt) {
    return MasterKey(derive_key(passphrase, salt));
}

std::string MasterKey::text() const {
    return http::encode_base64url(bytes_);
}

std::string MasterKey::seal(RandomSource& random,
                            std::string_view context,
                            std::string_view secret) const {
    const std::string nonce = channel::random_bytes(random, channel::kGcmNonceBytes);
    return http::encode_base64url(nonce + channel::encrypt_gcm(bytes_, nonce, context, secret));
}

Result<std::string> MasterKey::open(std::string_view context, std::string_view sealed) const {
    const auto bytes = http::decode_base64url(sealed);
    std::optional<std::string> text;
    if (bytes && bytes->size() > channel::kGcmNonceBytes) {
        text = channel::decrypt_gcm(bytes_,
                                    std::string_view(*bytes).substr(0, channel::kGcmNonceBytes),
                                    context,
                                    bytes->substr(channel::kGcmNonceBytes));
    }
    if (!text) {
        return make_error(ErrorCode::kPermissionDenied,
                          "what lies in the database is sealed under another master key; put the "
                          "master.key that belongs to it into the data directory");
    }
    return std::move(*text);
}

}  // namespace isthmus::hub
