#include "tools/hub/identity/password.h"

#include <algorithm>
#include <array>

#include <argon2.h>
#include <spdlog/fmt/fmt.h>

#include "base/check.h"
#include "control-agent/channel/crypto.h"

namespace isthmus::hub {

std::string hash_password(std::string_view password, RandomSource& random) {
    constexpr std::size_t kSaltBytes = 16;
    constexpr std::size_t kOutBytes = 32;
    const std::string salt = channel::random_bytes(random, kSaltBytes);
    std::array<char, 256> encoded{};
    CHECK(argon2id_hash_encoded(kArgonPasses,
                                kArgonKib,
                                1,
                                password.data(),
                                password.size(),
                                salt.data(),
                                salt.size(),
                                kOutBytes,
                                encoded.data(),
                                encoded.size()) == ARGON2_OK);
    return encoded.data();
}

bool password_matches(std::string_view password, const std::string& hash) {
    return password.size() <= kPasswordBytesMax &&
           argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

std::string derive_key(std::string_view passphrase, std::string_view salt) {
    constexpr std::size_t kSaltBytesMin = 8;  // Argon2 takes no less
    std::string padded(salt);
    padded.resize(std::max(padded.size(), kSaltBytesMin));
    std::string key(32, '\0');
    CHECK(argon2id_hash_raw(kArgonPasses,
                            kArgonKib,
                            1,
                            passphrase.data(),
                            passphrase.size(),
                            padded.data(),
                            padded.size(),
                            key.data(),
                            key.size()) == ARGON2_OK);
    return key;
}

std::string fault_of_password(std::string_view password, std::string_view name) {
    if (password.size() < kPasswordBytesMin) {
        return fmt::format("a password has at least {} characters", kPasswordBytesMin);
    }
    if (password.size() > kPasswordBytesMax) {
        return fmt::format("a password has at most {} bytes", kPasswordBytesMax);
    }
    if (!name.empty() && password.contains(name)) {
        return "a password must not contain the name";
    }
    return {};
}

}  // namespace isthmus::hub
