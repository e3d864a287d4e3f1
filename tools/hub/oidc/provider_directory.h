// What is known of identity providers: their discovery documents and keys, fetched when first
// needed, kept for an hour, and fetched anew where a token names a key that is not among them.
//
// Anybody may ask for a sign-in, so a provider that does not answer is asked once in some seconds,
// who asks meanwhile waits for that one answer, and how many wait is bounded. Where a provider is
// away, what was known of it goes on for a day. One thread; no socket in here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http/client.h"
#include "tools/hub/oidc/jwks.h"
#include "tools/hub/oidc/provider.h"

namespace isthmus::hub::oidc {

using Fetch = std::function<void(http::ClientRequest, http::Client::Answer)>;

inline constexpr std::int64_t kFreshMs = 3'600'000;
inline constexpr std::int64_t kUsableMs = 24 * kFreshMs;
inline constexpr std::int64_t kRetryMs = 5'000;      // after a failure
inline constexpr std::int64_t kKeysAnewMs = 30'000;  // between two looks for an unknown key
inline constexpr std::size_t kWaitingMax = 64;
inline constexpr std::size_t kDocumentsMax = 1000;

class ProviderDirectory {
  public:
    using DiscoveryDone =
        std::move_only_function<void(const Result<std::shared_ptr<const Discovery>>&)>;
    using KeysDone = std::move_only_function<void(const Result<std::shared_ptr<const Jwks>>&)>;

    // `clock`: UNIX milliseconds. `fetch` gives its answer later, and none after this has ended.
    ProviderDirectory(Fetch fetch, std::function<std::int64_t()> clock)
        : fetch_(std::move(fetch)), clock_(std::move(clock)) {}

    void discover(const std::string& issuer, DiscoveryDone done);
    // `anew`: a key was looked for in vain.
    void find_keys(const std::string& jwks_uri, bool anew, KeysDone done);

    [[nodiscard]] std::uint64_t fetches() const { return fetches_; }

    [[nodiscard]] std::uint64_t fetches_failed() const { return fetches_failed_; }

  private:
    template <typename T>
    struct Document {
        using Done = std::move_only_function<void(const Result<std::shared_ptr<const T>>&)>;

        std::shared_ptr<const T> value;  // null: never had one
        Error fault;                     // why the last try failed
        std::int64_t fetched_ms = 0;
        std::int64_t tried_ms = 0;
        std::int64_t anew_ms = 0;  // when last fetched although it was fresh
        bool fetching = false;
        std::vector<Done> waiting;
    };

    template <typename T>
    using Documents = std::map<std::string, Document<T>>;
    template <typename T>
    using Parse = std::function<Result<T>(const std::string& text)>;

    template <typename T>
    void ask(Documents<T>& documents,
             const std::string& url,
             bool anew,
             Parse<T> parse,
             typename Document<T>::Done done);
    template <typename T>
    void settle(Document<T>& document, Result<T> read);
    template <typename T>
    [[nodiscard]] Result<std::shared_ptr<const T>> known(const Document<T>& document) const;

    Fetch fetch_;
    std::function<std::int64_t()> clock_;
    Documents<Discovery> discoveries_;
    Documents<Jwks> keys_;
    std::uint64_t fetches_ = 0;
    std::uint64_t fetches_failed_ = 0;
};

}  // namespace isthmus::hub::oidc
