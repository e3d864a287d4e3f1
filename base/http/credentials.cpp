#include "base/http/credentials.h"

#include <algorithm>
#include <array>
#include <memory>

#include <openssl/evp.h>
#include <spdlog/fmt/fmt.h>

#include "base/check.h"
#include "base/random.h"

namespace isthmus::http {
namespace {

constexpr std::size_t kClientNonceLength = 24;

enum class Hash : std::uint8_t { kMd5, kSha256 };

struct Algorithm {
    Hash hash = Hash::kMd5;
    bool session = false;  // "-sess": the first hash takes the nonces in
};

std::string hex(Hash hash, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    // Where a policy forbids MD5 the fetch fails; then there is no answer to such a challenge.
    if (EVP_Digest(text.data(),
                   text.size(),
                   bytes.data(),
                   &size,
                   hash == Hash::kMd5 ? EVP_md5() : EVP_sha256(),
                   nullptr) != 1) {
        return {};
    }
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
        out += fmt::format("{:02x}", bytes[i]);
    }
    return out;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    return out;
}

std::optional<Algorithm> algorithm_of(const Challenge& challenge) {
    const std::string name = lower(challenge.parameter("algorithm"));
    if (name.empty() || name == "md5") {
        return Algorithm{.hash = Hash::kMd5, .session = false};
    }
    if (name == "md5-sess") {
        return Algorithm{.hash = Hash::kMd5, .session = true};
    }
    if (name == "sha-256") {
        return Algorithm{.hash = Hash::kSha256, .session = false};
    }
    if (name == "sha-256-sess") {
        return Algorithm{.hash = Hash::kSha256, .session = true};
    }
    return std::nullopt;
}

// RFC 7616 section 3.3: qop is a list of tokens.
bool offers_auth(std::string_view qop) {
    while (!qop.empty()) {
        const std::size_t comma = qop.find(',');
        std::string_view one = qop.substr(0, comma);
        one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
        one = one.substr(0, one.find_last_not_of(" \t") + 1);
        if (lower(one) == "auth") {
            return true;
        }
        qop.remove_prefix(comma == std::string_view::npos ? qop.size() : comma + 1);
    }
    return false;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + '"';
}

std::string base64(std::string_view text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

// How much one would rather answer this than another; 0: not at all.
int preference(const Challenge& challenge, bool basic_allowed) {
    if (challenge.is("Basic")) {
        return basic_allowed ? 1 : 0;
    }
    const auto algorithm = challenge.is("Digest") ? algorithm_of(challenge) : std::nullopt;
    const std::string_view qop = challenge.parameter("qop");
    if (!algorithm || challenge.parameter("nonce").empty() || (!qop.empty() && !offers_auth(qop))) {
        return 0;
    }
    return algorithm->hash == Hash::kSha256 ? 3 : 2;
}

}  // namespace

std::string basic_authorization(const Credentials& credentials) {
    return "Basic " + base64(credentials.user + ':' + credentials.password);
}

std::optional<std::string> digest_authorization(const Challenge& challenge,
                                                const Credentials& credentials,
                                                const AuthorizedRequest& request,
                                                std::string_view client_nonce,
                                                std::uint32_t count) {
    const auto algorithm = algorithm_of(challenge);
    const std::string_view qop = challenge.parameter("qop");
    const std::string_view realm = challenge.parameter("realm");
    const std::string_view nonce = challenge.parameter("nonce");
    if (!algorithm || nonce.empty() || (!qop.empty() && !offers_auth(qop))) {
        return std::nullopt;
    }
    // SPEC rfc7616#3.4.1
    std::string secret = hex(
        algorithm->hash, fmt::format("{}:{}:{}", credentials.user, realm, credentials.password));
    if (algorithm->session) {
        secret = hex(algorithm->hash, fmt::format("{}:{}:{}", secret, nonce, client_nonce));
    }
    const std::string asked =
        hex(algorithm->hash, fmt::format("{}:{}", request.method, request.uri));
    if (secret.empty() || asked.empty()) {
        return std::nullopt;
    }
    const std::string uses = fmt::format("{:08x}", count);
    // Without qop: RFC 2069, which proxies of old still speak.
    const std::string response = hex(
        algorithm->hash,
        qop.empty() ? fmt::format("{}:{}:{}", secret, nonce, asked)
                    : fmt::format("{}:{}:{}:{}:auth:{}", secret, nonce, uses, client_nonce, asked));
    std::string value =
        fmt::format("Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\"",
                    quoted(credentials.user),
                    quoted(realm),
                    quoted(nonce),
                    quoted(request.uri),
                    response);
    if (const std::string_view name = challenge.parameter("algorithm"); !name.empty()) {
        value += fmt::format(", algorithm={}", name);
    }
    if (!qop.empty() || algorithm->session) {
        value += fmt::format(", cnonce={}", quoted(client_nonce));
    }
    if (!qop.empty()) {
        value += fmt::format(", nc={}, qop=auth", uses);
    }
    if (const auto opaque = challenge.parameters.find("opaque");
        opaque != challenge.parameters.end()) {
        value += fmt::format(", opaque={}", quoted(opaque->second));
    }
    return value;
}

std::optional<std::string> answer_challenges(const std::vector<Challenge>& challenges,
                                             const Credentials& credentials,
                                             const AuthorizedRequest& request,
                                             bool basic_allowed,
                                             RandomSource& random) {
    const auto best = std::ranges::max_element(challenges, {}, [&](const Challenge& challenge) {
        return preference(challenge, basic_allowed);
    });
    if (best == challenges.end() || preference(*best, basic_allowed) == 0) {
        return std::nullopt;
    }
    if (best->is("Basic")) {
        return basic_authorization(credentials);
    }
    return digest_authorization(
        *best, credentials, request, random.next_token(kClientNonceLength), 1);
}

}  // namespace isthmus::http
