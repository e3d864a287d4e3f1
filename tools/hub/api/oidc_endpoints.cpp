#include "tools/hub/api/oidc_endpoints.h"

#include <optional>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/http/percent_encoding.h"
#include "control-agent/channel/json_fields.h"
#include "tools/hub/api/oidc_pages.h"
#include "tools/hub/fleet/node_status.h"
#include "tools/hub/oidc/id_token.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyBytesMax = 8192;
constexpr std::size_t kReturnStateBytesMax = 128;
constexpr std::size_t kNonceCharacters = 43;
constexpr std::size_t kVerifierCharacters = 64;  // RFC 7636 section 4.1: 43 to 128
// Each is a browser that came back with a sealed state; a provider that hangs holds its
// organisation's for the client's time.
constexpr std::size_t kCallsOfAnOrganisationMax = 16;

http::Response bad_request(std::string what) {
    return http::Response::problem(
        Error{.code = ErrorCode::kInvalidArgument, .message = std::move(what)});
}

std::string query_of(const http::Request& request, std::string_view name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
}

http::Response session_response(const Login& login) {
    http::Response response =
        http::Response::json(200,
                             json::serialize(json::object{
                                 {"token", login.token}, {"expires", timestamp(login.expires_s)}}));
    response.headers.emplace("Cache-Control", "no-store");
    return response;
}

Caller stranger(const http::Request& request) {
    Caller nobody;
    nobody.remote = request.remote_address;
    return nobody;
}

}  // namespace

struct OidcEndpoints::Attempt {
    Caller caller;  // nobody, from somewhere
    oidc::SignIn sign_in;
    oidc::Provider provider;
    oidc::Discovery discovery;
    std::string code;  // of the provider
    oidc::Tokens tokens;
    std::string subject;  // once it is proven
    json::object claims;
    http::Responder respond;
};

OidcEndpoints::OidcEndpoints(Work& work, oidc::Fetch fetch, std::function<std::string()> url)
    : work_(&work),
      fetch_(std::move(fetch)),
      url_(std::move(url)),
      directory_(fetch_, [&work] { return work.now_ms(); }) {}

OidcCounters OidcEndpoints::counters() const {
    OidcCounters out = counters_;
    out.fetches = directory_.fetches();
    out.fetches_failed = directory_.fetches_failed();
    return out;
}

void OidcEndpoints::add_routes(http::Router& router) {
    router.add(
        "POST", "/v1/oidc/sign-ins", [this](const http::Request& request, http::Responder respond) {
            begin(request, std::move(respond));
        });
    router.add("GET",
               "/v1/oidc/callback/{organization}",
               [this](const http::Request& request, http::Responder respond) {
                   come_back(request, std::move(respond));
               });
    router.add(
        "POST", "/v1/oidc/tokens", [this](const http::Request& request, http::Responder respond) {
            redeem(request, std::move(respond));
        });
}

// --- the first step --------------------------------------------------------------------------

void OidcEndpoints::begin(const http::Request& request, http::Responder respond) {
    const auto body = channel::parse_json(request.body, kBodyBytesMax);
    const auto challenge = body ? channel::text_field(*body, "challenge") : std::nullopt;
    if (!challenge || !oidc::is_challenge(*challenge)) {
        respond(
            bad_request("the body needs \"challenge\", the SHA-256 of a verifier as base64url "
                        "(RFC 7636)"));
        return;
    }
    auto attempt = std::make_shared<Attempt>();
    attempt->sign_in = {.organisation = channel::text_field(*body, "organization").value_or(""),
                        .nonce = work_->random().next_token(kNonceCharacters),
                        .verifier = work_->random().next_token(kVerifierCharacters),
                        .challenge = *challenge,
                        .return_to = channel::text_field(*body, "returnTo").value_or(""),
                        .return_state = channel::text_field(*body, "state").value_or("")};
    const oidc::SignIn& sign_in = attempt->sign_in;
    if ((!sign_in.return_to.empty() && !oidc::is_loopback_address(sign_in.return_to)) ||
        sign_in.return_state.size() > kReturnStateBytesMax) {
        respond(
            bad_request("\"returnTo\" is http://127.0.0.1:PORT/... or http://[::1]:PORT/..., "
                        "\"state\" at most 128 bytes"));
        return;
    }
    attempt->respond = std::move(respond);
    work_->run<oidc::Provider>(
        std::nullopt,
        [attempt](const Context& context) {
            return oidc::find_provider(context, attempt->sign_in.organisation);
        },
        [this, attempt](Result<oidc::Provider> provider) {
            if (!provider) {
                attempt->respond(http::Response::problem(provider.error()));
                return;
            }
            attempt->provider = std::move(*provider);
            send_to_provider(attempt);
        });
}

void OidcEndpoints::send_to_provider(const AttemptPtr& attempt) {
    using Found = Result<std::shared_ptr<const oidc::Discovery>>;
    directory_.discover(attempt->provider.issuer, [this, attempt](const Found& discovery) {
        if (!discovery) {
            attempt->respond(http::Response::problem(discovery.error()));
            return;
        }
        attempt->discovery = **discovery;
        attempt->sign_in.organisation = attempt->provider.organisation;
        // The master key is the database thread's to use.
        work_->run<std::string>(
            std::nullopt,
            [attempt](const Context& context) -> Result<std::string> {
                attempt->sign_in.begun_s = context.now_s();
                return oidc::seal_sign_in(*context.master, *context.random, attempt->sign_in);
            },
            [this, attempt](const Result<std::string>& state) {
                if (!state) {
                    attempt->respond(http::Response::problem(state.error()));
                    return;
                }
                ++counters_.begun;
                const std::string url = oidc::authorization_url(
                    attempt->discovery,
                    {.client_id = attempt->provider.client_id,
                     .redirect_uri = oidc::redirect_uri(url_(), attempt->provider.organisation),
                     .scopes = attempt->provider.scopes,
                     .state = *state,
                     .nonce = attempt->sign_in.nonce,
                     .challenge = oidc::challenge_of(attempt->sign_in.verifier)});
                http::Response response = http::Response::json(
                    201,
                    json::serialize(json::object{{"url", url},
                                                 {"issuer", attempt->provider.issuer},
                                                 {"seconds", oidc::kSignInSeconds}}));
                response.headers.emplace("Cache-Control", "no-store");
                attempt->respond(std::move(response));
            });
    });
}

// --- the browser is back ---------------------------------------------------------------------

void OidcEndpoints::come_back(const http::Request& request, http::Responder respond) {
    auto attempt = std::make_shared<Attempt>();
    attempt->caller = stranger(request);
    attempt->code = query_of(request, "code");
    attempt->respond = std::move(respond);
    const std::string error = query_of(request, "error");
    const std::string issuer = query_of(request, "iss");
    work_->run<bool>(
        attempt->caller,
        [attempt,
         state = query_of(request, "state"),
         organisation =
             request.parameters.at("organization")](const Context& context) -> Result<bool> {
            const auto sign_in = oidc::open_sign_in(*context.master, state, context.now_s());
            if (!sign_in || sign_in->organisation != organisation) {
                return make_error(ErrorCode::kInvalidArgument,
                                  "This sign-in is none of this hub's, or it took longer than ten "
                                  "minutes. Begin anew: isthmusctl hub login --oidc.");
            }
            auto provider = oidc::find_provider(context, sign_in->organisation);
            if (!provider) {
                return std::unexpected(provider.error());
            }
            attempt->sign_in = *sign_in;
            attempt->provider = std::move(*provider);
            return true;
        },
        [this, attempt, error, issuer](const Result<bool>& known) {
            if (!known) {
                ++counters_.refused;
                attempt->respond(refusal_page(http::Response::problem(known.error()).status,
                                              known.error().message));
            } else if (!issuer.empty() && issuer != attempt->provider.issuer) {
                refuse(attempt, "the answer came from another provider");  // RFC 9207
            } else if (!error.empty() || attempt->code.empty()) {
                refuse(attempt, fmt::format("the provider refused: {}", oidc::plain_text(error)));
            } else {
                exchange_code(attempt);
            }
        });
}

void OidcEndpoints::exchange_code(const AttemptPtr& attempt) {
    using Found = Result<std::shared_ptr<const oidc::Discovery>>;
    directory_.discover(attempt->provider.issuer, [this, attempt](const Found& discovery) {
        if (!discovery) {
            refuse(attempt, discovery.error().message);
            return;
        }
        attempt->discovery = **discovery;
        call_provider(attempt,
                      oidc::token_request(attempt->discovery,
                                          {.client_id = attempt->provider.client_id,
                                           .client_secret = attempt->provider.client_secret,
                                           .redirect_uri = oidc::redirect_uri(
                                               url_(), attempt->provider.organisation),
                                           .code = attempt->code,
                                           .verifier = attempt->sign_in.verifier}),
                      [this, attempt](Result<http::Response> response) {
                          auto tokens = response ? oidc::read_tokens(*response)
                                                 : std::unexpected(response.error());
                          if (!tokens) {
                              refuse(attempt, tokens.error().message);
                              return;
                          }
                          attempt->tokens = std::move(*tokens);
                          check_token(attempt, false);
                      });
    });
}

void OidcEndpoints::call_provider(const AttemptPtr& attempt,
                                  http::ClientRequest request,
                                  http::Client::Answer done) {
    const std::string& organisation = attempt->provider.organisation;
    if (calls_[organisation] >= kCallsOfAnOrganisationMax) {
        refuse(attempt, "too many people sign in at this moment; try again");
        return;
    }
    ++calls_[organisation];
    fetch_(std::move(request),
           [this, organisation, done = std::move(done)](Result<http::Response> response) mutable {
               if (--calls_[organisation] == 0) {
                   calls_.erase(organisation);
               }
               done(std::move(response));
           });
}

void OidcEndpoints::check_token(const AttemptPtr& attempt, bool keys_anew) {
    using Found = Result<std::shared_ptr<const oidc::Jwks>>;
    directory_.find_keys(
        attempt->discovery.jwks_uri, keys_anew, [this, attempt, keys_anew](const Found& keys) {
            if (!keys) {
                refuse(attempt, keys.error().message);
                return;
            }
            auto token = oidc::read_id_token(attempt->tokens.id_token,
                                             **keys,
                                             {.issuer = attempt->provider.issuer,
                                              .client_id = attempt->provider.client_id,
                                              .nonce = attempt->sign_in.nonce,
                                              .begun_s = attempt->sign_in.begun_s,
                                              .now_s = work_->now_ms() / 1000});
            if (!token && token.error() == oidc::TokenFault::kUnknownKey && !keys_anew) {
                check_token(attempt, true);
                return;
            }
            if (!token) {
                refuse(attempt, std::string(oidc::to_string(token.error())));
                return;
            }
            attempt->subject = std::move(token->subject);
            attempt->claims = std::move(token->claims);
            ask_userinfo(attempt);
        });
}

// Providers that keep ID tokens small say groups in UserInfo only.
void OidcEndpoints::ask_userinfo(const AttemptPtr& attempt) {
    const std::string& claim = attempt->provider.mapping.claim;
    if (claim.empty() || oidc::find_claim(attempt->claims, claim) != nullptr ||
        attempt->discovery.userinfo_endpoint.empty() || attempt->tokens.access_token.empty()) {
        give_code(attempt);
        return;
    }
    call_provider(attempt,
                  oidc::userinfo_request(attempt->discovery, attempt->tokens.access_token),
                  [this, attempt](Result<http::Response> response) {
                      auto claims = response ? oidc::read_userinfo(*response, attempt->subject)
                                             : std::unexpected(response.error());
                      if (!claims) {
                          refuse(attempt, claims.error().message);
                          return;
                      }
                      for (auto& [name, value] : *claims) {
                          attempt->claims.emplace(name, value);  // what is signed counts first
                      }
                      give_code(attempt);
                  });
}

void OidcEndpoints::give_code(const AttemptPtr& attempt) {
    const auto role = oidc::map_role(attempt->provider.mapping, attempt->claims);
    if (!role) {
        refuse(attempt,
               "the provider knows who this is, and no rule of the organisation lets that person "
               "in; ask its administrator");
        return;
    }
    const oidc::Vouched vouched{.organisation = attempt->provider.organisation,
                                .issuer = attempt->provider.issuer,
                                .subject = attempt->subject,
                                .name = oidc::name_of(attempt->claims, attempt->subject),
                                .role = *role};
    work_->run<std::string>(
        attempt->caller,
        [attempt, vouched](const Context& context) -> Result<std::string> {
            return oidc::add_sign_in_code(context, vouched, attempt->sign_in.challenge);
        },
        [attempt](const Result<std::string>& code) {
            if (!code) {
                attempt->respond(refusal_page(503, code.error().message));
                return;
            }
            const std::string& return_to = attempt->sign_in.return_to;
            attempt->respond(return_to.empty()
                                 ? code_page(*code)
                                 : redirect_to(fmt::format(
                                       "{}?code={}&state={}",
                                       return_to,
                                       *code,
                                       http::percent_encode(attempt->sign_in.return_state))));
        });
}

void OidcEndpoints::refuse(const AttemptPtr& attempt, const std::string& why) {
    ++counters_.refused;
    const bool proven = !attempt->subject.empty();
    const bool noted = proven || strangers_refused_.take(work_->now_ms());
    work_->run<bool>(
        attempt->caller,
        [attempt, why, proven, noted](const Context& context) -> Result<bool> {
            if (noted) {
                oidc::record_refusal(
                    context, attempt->provider.organisation, attempt->subject, why);
            }
            if (proven) {
                oidc::end_sessions_of_identity(context,
                                               attempt->provider.organisation,
                                               attempt->provider.issuer,
                                               attempt->subject);
            }
            return true;
        },
        [attempt, why](const Result<bool>& /*noted*/) {
            const std::string& return_to = attempt->sign_in.return_to;
            attempt->respond(return_to.empty()
                                 ? refusal_page(403, why)
                                 : redirect_to(fmt::format(
                                       "{}?error={}&state={}",
                                       return_to,
                                       http::percent_encode(why),
                                       http::percent_encode(attempt->sign_in.return_state))));
        });
}

// --- the last step ---------------------------------------------------------------------------

void OidcEndpoints::redeem(const http::Request& request, http::Responder respond) {
    const auto body = channel::parse_json(request.body, kBodyBytesMax);
    const auto code = body ? channel::text_field(*body, "code") : std::nullopt;
    const auto verifier = body ? channel::text_field(*body, "verifier") : std::nullopt;
    if (!code || !verifier) {
        respond(bad_request("the body needs \"code\" and \"verifier\""));
        return;
    }
    using Outcome = std::expected<Login, Error>;
    const bool links = channel::bool_field(*body, "link").value_or(false);
    work_->run<Outcome>(
        stranger(request),
        [redemption = oidc::Redemption{.code = *code, .verifier = *verifier},
         links,
         token = std::string(request.bearer_token())](const Context& context) -> Result<Outcome> {
            oidc::Redemption own = redemption;
            if (links) {
                const auto caller = find_caller(context, token);
                if (!caller || caller->person.empty()) {
                    return Outcome(
                        make_error(ErrorCode::kUnauthenticated, "log in first, with the password"));
                }
                own.link_to = caller->person;
            }
            return oidc::redeem_sign_in_code(context, own);
        },
        [this, respond = std::move(respond)](const Result<Outcome>& outcome) mutable {
            if (!outcome || !*outcome) {
                ++counters_.refused;
                respond(http::Response::problem(!outcome ? outcome.error() : outcome->error()));
                return;
            }
            ++counters_.signed_in;
            respond(session_response(**outcome));
        });
}

}  // namespace isthmus::hub
