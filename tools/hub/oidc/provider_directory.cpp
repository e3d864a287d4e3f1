#include "tools/hub/oidc/provider_directory.h"

#include <utility>

#include <spdlog/fmt/fmt.h>

namespace isthmus::hub::oidc {
namespace {

Result<std::string> text_of(const std::string& url, Result<http::Response> response) {
    if (!response) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("the identity provider: {}", response.error().message));
    }
    if (response->status != 200) {
        return make_error(
            ErrorCode::kUnavailable,
            fmt::format("the identity provider answers {} with status {}", url, response->status));
    }
    return std::move(response->body);
}

}  // namespace

template <typename T>
Result<std::shared_ptr<const T>> ProviderDirectory::known(const Document<T>& document) const {
    if (document.value && clock_() - document.fetched_ms < kUsableMs) {
        return document.value;
    }
    return std::unexpected(document.fault);
}

template <typename T>
void ProviderDirectory::settle(Document<T>& document, Result<T> read) {
    document.fetching = false;
    if (read) {
        document.value = std::make_shared<const T>(std::move(*read));
        document.fetched_ms = clock_();
    } else {
        ++fetches_failed_;
        document.fault = read.error();
    }
    // Who is told may ask again.
    const auto outcome = known(document);
    for (auto& done : std::exchange(document.waiting, {})) {
        done(outcome);
    }
}

template <typename T>
void ProviderDirectory::ask(Documents<T>& documents,
                            const std::string& url,
                            bool anew,
                            Parse<T> parse,
                            typename Document<T>::Done done) {
    const std::int64_t now = clock_();
    if (!documents.contains(url) && documents.size() >= kDocumentsMax) {
        std::erase_if(documents, [](const auto& entry) { return !entry.second.fetching; });
    }
    Document<T>& document = documents[url];
    const bool fresh = document.value && now - document.fetched_ms < kFreshMs;
    const bool paused =
        fresh ? !anew || now - document.anew_ms < kKeysAnewMs : now - document.tried_ms < kRetryMs;
    if (!document.fetching && paused) {
        done(known(document));
        return;
    }
    if (document.waiting.size() >= kWaitingMax) {
        done(make_error(ErrorCode::kUnavailable, "the hub is busy; try again"));
        return;
    }
    document.waiting.push_back(std::move(done));
    if (document.fetching) {
        return;
    }
    document.fetching = true;
    document.tried_ms = now;
    document.anew_ms = fresh ? now : document.anew_ms;
    ++fetches_;
    // Maps keep their entries where they are, and one that is being fetched stays.
    fetch_({.method = "GET", .url = url, .headers = {{"Accept", "application/json"}}, .body = {}},
           [this, url, &document, parse = std::move(parse)](Result<http::Response> response) {
               auto text = text_of(url, std::move(response));
               settle(document, text ? parse(*text) : std::unexpected(text.error()));
           });
}

void ProviderDirectory::discover(const std::string& issuer, DiscoveryDone done) {
    ask<Discovery>(
        discoveries_,
        discovery_url(issuer),
        false,
        [issuer](const std::string& text) { return read_discovery(text, issuer); },
        std::move(done));
}

void ProviderDirectory::find_keys(const std::string& jwks_uri, bool anew, KeysDone done) {
    ask<Jwks>(
        keys_,
        jwks_uri,
        anew,
        [](const std::string& text) -> Result<Jwks> {
            auto keys = Jwks::parse(text);
            if (!keys) {
                return make_error(ErrorCode::kUnavailable,
                                  "what the identity provider gives as its keys is no JWK Set");
            }
            return std::move(*keys);
        },
        std::move(done));
}

}  // namespace isthmus::hub::oidc
