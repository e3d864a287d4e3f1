// Enrolment and renewal against a hub that the test plays, over HTTP on loopback, with the messages
// of control-agent/channel.
#include "control-agent/registration/enrollment.h"

#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http/base64url.h"
#include "control-agent/registration/renewal.h"
#include "tests/base/http/server_fixture.h"
#include "tests/temporary_folder.h"
#include "tools/hub/identity/authority.h"

namespace isthmus::registration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'800'000'000;

// On the server's thread, but for what is set before the first request.
struct PlayedHub {
    SystemRandom random;
    channel::SigningKey key = channel::SigningKey::generate(random);
    hub::Authority authority = hub::Authority::make(key, random, kNow).value();
    channel::Bytes secret = channel::random_bytes(random, channel::kCodeSecretBytes);
    channel::Bytes nonce = channel::random_bytes(random, channel::kNonceBytes);
    std::optional<channel::SigningKey> signs_with;   // instead of its own key
    std::optional<http::Response> refusal;           // of enroll and renew
    std::function<void(channel::Enrolled&)> change;  // of what it answers
    int enrolled = 0;

    [[nodiscard]] channel::Enrolled enroll(const channel::PublicKey& node) {
        ++enrolled;
        channel::Enrolled answer{
            .node = "node-1",
            .cluster = "c1",
            .cluster_name = "hq",
            .organisation = "o1",
            .certificate = authority.issue_node("node-1", node, random, kNow)->pem,
            .authorities = authority.certificate_pem()};
        if (change) {
            change(answer);
        }
        return answer;
    }

    void add_routes(http::Router& router) {
        router.add("GET",
                   "/v1/enrollment/hello",
                   [this](const http::Request& request, http::Responder respond) {
                       const auto agent_nonce =
                           http::decode_base64url(request.query.at("nonce")).value();
                       const std::vector<channel::HubKeyLink> links = {
                           {.key = key.public_key(), .signature = {}}};
                       respond(http::Response::json(
                           200,
                           channel::write_hello(
                               signs_with ? *signs_with : key, links, agent_nonce, nonce, kNow)));
                   });
        router.add(
            "POST", "/v1/enroll", [this](const http::Request& request, http::Responder respond) {
                const auto read = channel::read_enroll(request.body);
                if (refusal || !read || !channel::proves_secret(*read, secret) ||
                    !channel::proves_key(*read)) {
                    respond(refusal ? *refusal : http::Response::problem(403, "no proof"));
                    return;
                }
                respond(http::Response::json(
                    200, channel::write_enrolled(key, nonce, enroll(read->key))));
            });
        router.add(
            "POST", "/v1/renew", [this](const http::Request& request, http::Responder respond) {
                const auto read = channel::read_renew(request.body);
                const auto old = channel::read_certificate(read->certificate);
                if (refusal || !read->proves(old->key)) {
                    respond(refusal ? *refusal : http::Response::problem(403, "no proof"));
                    return;
                }
                respond(http::Response::json(
                    200, channel::write_enrolled(key, nonce, enroll(old->key))));
            });
    }
};

class EnrollmentTest : public testing::Test {
  protected:
    using End = std::expected<NodeIdentity, EnrollmentFailure>;

    [[nodiscard]] End enroll(std::string code, bool replace = false) {
        boost::asio::io_context io(1);
        SystemRandom random;
        Enrollment enrollment(io,
                              random,
                              {.code = std::move(code),
                               .state_directory = folder_.path() / "state",
                               .name = "branch",
                               .replace = replace});
        std::optional<End> end;
        steps_.clear();
        enrollment.start([this](EnrollmentStep step) { steps_.push_back(step); },
                         [&](End answer) { end = std::move(answer); });
        io.run();
        return std::move(end).value();
    }

    [[nodiscard]] std::string code() const {
        return channel::write_code(
            {.url = "https://127.0.0.1:" + std::to_string(server_->port(true)),
             .fingerprint = hub_.key.public_key().fingerprint(),
             .id = "code-1",
             .secret = hub_.secret});
    }

    void start_tls_hub() {
        http::ServerConfig config = http::loopback_config();
        config.tls_listen = {{.ip = "127.0.0.1", .port = 0}};
        config.tls = http::make_self_signed({"another.name"}, kNow).value();
        server_.emplace(std::move(config),
                        [this](http::Router& router) { hub_.add_routes(router); });
    }

    PlayedHub hub_;
    TemporaryFolder folder_;
    std::vector<EnrollmentStep> steps_;
    std::optional<http::RunningServer> server_;
};

TEST_F(EnrollmentTest, MakesANodeOfAMachine) {
    start_tls_hub();
    const End end = enroll(code());
    ASSERT_TRUE(end) << end.error().text();
    EXPECT_EQ(end->node, "node-1");
    EXPECT_THAT(steps_,
                ElementsAre(EnrollmentStep::kCode,
                            EnrollmentStep::kKeys,
                            EnrollmentStep::kHub,
                            EnrollmentStep::kProof,
                            EnrollmentStep::kStore));
    const auto stored = load_identity(identity_path(folder_.path() / "state"));
    ASSERT_TRUE(stored);
    EXPECT_TRUE(stored->trust().trusts(hub_.key.public_key()));
    EXPECT_EQ(channel::read_certificate(stored->certificate)->key, stored->key.public_key());
}

TEST_F(EnrollmentTest, IsNotDoneTwiceByMistake) {
    start_tls_hub();
    ASSERT_TRUE(enroll(code()));
    const End again = enroll(code());
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().step, EnrollmentStep::kKeys);
    EXPECT_THAT(again.error().text(), HasSubstr("What to do: "));
    EXPECT_EQ(hub_.enrolled, 1) << "the code is not spent";
    EXPECT_TRUE(enroll(code(), true));
}

TEST_F(EnrollmentTest, SaysWhichStepFailedAndWhatToDo) {
    start_tls_hub();
    EXPECT_EQ(enroll("nonsense").error().step, EnrollmentStep::kCode);

    std::ofstream(folder_.path() / "state") << "a file where a folder should be";
    const End no_folder = enroll(code());
    EXPECT_EQ(no_folder.error().step, EnrollmentStep::kKeys);
    std::filesystem::remove(folder_.path() / "state");

    http::Response gone = http::Response::json(
        410, R"({"detail":"the code was used already","advice":"make another"})");
    hub_.refusal = gone;
    const End refused = enroll(code());
    EXPECT_EQ(refused.error().step, EnrollmentStep::kProof);
    EXPECT_EQ(refused.error().text(),
              "Step 4 of 5, proving the code and the keys to the hub, failed: the code was used "
              "already\nWhat to do: make another");
    hub_.refusal.reset();

    const std::string lost = code();
    server_.reset();
    const End nobody = enroll(lost);
    EXPECT_EQ(nobody.error().step, EnrollmentStep::kHub);
    EXPECT_THAT(nobody.error().advice, HasSubstr("firewall"));
}

TEST_F(EnrollmentTest, BelievesNobodyInTheHubsPlace) {
    start_tls_hub();
    SystemRandom random;
    hub_.signs_with = channel::SigningKey::generate(random);
    const End other = enroll(code());
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().step, EnrollmentStep::kHub);
    EXPECT_EQ(hub_.enrolled, 0);
    hub_.signs_with.reset();

    hub_.change = [&](channel::Enrolled& answer) {
        answer.certificate =
            hub_.authority
                .issue_node("node-1",
                            channel::SigningKey::generate(hub_.random).public_key(),
                            hub_.random,
                            kNow)
                ->pem;
    };
    const End foreign = enroll(code());
    ASSERT_FALSE(foreign) << "a certificate over another key";
    EXPECT_EQ(foreign.error().step, EnrollmentStep::kProof);
}

TEST_F(EnrollmentTest, IsRenewedByProofOfTheKey) {
    start_tls_hub();
    const End end = enroll(code());
    ASSERT_TRUE(end);
    EXPECT_FALSE(renewal_due(end->certificate, kNow));
    const auto dates = channel::read_certificate(end->certificate);
    EXPECT_TRUE(renewal_due(end->certificate, dates->renew_at_unix_s()));
    EXPECT_TRUE(renewal_due("nonsense", kNow));

    const auto renew = [&] {
        boost::asio::io_context io(1);
        auto renewal = Renewal::make(io, hub_.random, *end, {});
        std::optional<std::expected<NodeIdentity, HubFault>> renewed;
        (*renewal)->start(
            [&](std::expected<NodeIdentity, HubFault> answer) { renewed = std::move(answer); });
        io.run();
        return std::move(renewed).value();
    };
    const auto renewed = renew();
    ASSERT_TRUE(renewed) << renewed.error().why;
    EXPECT_NE(renewed->certificate, end->certificate);
    EXPECT_EQ(channel::read_certificate(renewed->certificate)->key, end->key.public_key());

    hub_.refusal = http::Response::problem(403, "this node is revoked");
    const auto revoked = renew();
    ASSERT_FALSE(revoked);
    EXPECT_EQ(revoked.error().why, "this node is revoked");
    EXPECT_TRUE(revoked.error().refused);
}

TEST_F(EnrollmentTest, TakesOnlyItsOwnCertificateOnTheChannel) {
    start_tls_hub();
    End end = enroll(code());
    ASSERT_TRUE(end);
    const std::string before = end->certificate;
    const auto issue = [&](const std::string& node, const channel::PublicKey& key) {
        return hub_.authority.issue_node(node, key, hub_.random, kNow)->pem;
    };
    EXPECT_FALSE(take_certificate(*end, issue("node-2", end->key.public_key())));
    EXPECT_FALSE(take_certificate(*end, issue("node-1", hub_.key.public_key())));
    EXPECT_FALSE(take_certificate(*end, ""));
    EXPECT_EQ(end->certificate, before);
    EXPECT_TRUE(take_certificate(*end, issue("node-1", end->key.public_key())));
    EXPECT_NE(end->certificate, before);
}

}  // namespace
}  // namespace isthmus::registration
