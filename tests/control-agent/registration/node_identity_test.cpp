#include "control-agent/registration/node_identity.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/temporary_folder.h"

namespace isthmus::registration {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

class NodeIdentityTest : public testing::Test {
  protected:
    SeededRandom random_{5};
    TemporaryFolder folder_;
    fs::path path_ = identity_path(folder_.path() / "state");
    channel::SigningKey hub_ = channel::SigningKey::generate(random_);
    NodeIdentity identity_{.hub_url = "https://hub:443",
                           .node = "node-1",
                           .cluster = "c1",
                           .cluster_name = "hq \"east\"",
                           .organisation = "o1",
                           .certificate = "PEM\n",
                           .authorities = "CA\n",
                           .hub_fingerprints = {hub_.public_key().fingerprint()},
                           .hub_keys = {hub_.public_key()},
                           .key = channel::SigningKey::generate(random_),
                           .sealing_key = channel::ExchangeKey::generate(random_)};
};

TEST_F(NodeIdentityTest, IsThereAgainAfterwards) {
    ASSERT_TRUE(save_identity(path_, identity_));
    EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    const auto again = load_identity(path_);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->hub_url, identity_.hub_url);
    EXPECT_EQ(again->node, identity_.node);
    EXPECT_EQ(again->cluster_name, identity_.cluster_name);
    EXPECT_EQ(again->certificate, identity_.certificate);
    EXPECT_EQ(again->key.public_key(), identity_.key.public_key());
    EXPECT_EQ(again->sealing_key.public_key(), identity_.sealing_key.public_key());
    const channel::HubTrust trust = again->trust();
    EXPECT_TRUE(trust.trusts(hub_.public_key()));
    EXPECT_NE(trust.find(hub_.public_key().id()), nullptr) << "commands can be verified at once";
}

TEST_F(NodeIdentityTest, LearnsTheHubsNewKeys) {
    const channel::SigningKey next = channel::SigningKey::generate(random_);
    channel::HubTrust trust = identity_.trust();
    const std::vector<channel::HubKeyLink> links = {{.key = hub_.public_key(), .signature = {}},
                                                    channel::link_hub_key(hub_, next.public_key())};
    ASSERT_TRUE(trust.learn(links));
    identity_.take(trust);
    ASSERT_TRUE(save_identity(path_, identity_));
    EXPECT_TRUE(load_identity(path_)->trust().trusts(next.public_key()));
}

TEST_F(NodeIdentityTest, SaysWhatToDoWhereItIsMissingOrDamaged) {
    const auto missing = load_identity(path_);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
    EXPECT_THAT(missing.error().message, HasSubstr("isthmus-agent enroll CODE"));
    ASSERT_TRUE(save_identity(path_, identity_));
    for (const std::string text : {"", "{}", "{", "{\"format\":2}"}) {
        std::ofstream(path_) << text;
        const auto damaged = load_identity(path_);
        ASSERT_FALSE(damaged) << text;
        EXPECT_THAT(damaged.error().message, HasSubstr("is damaged"));
        EXPECT_THAT(damaged.error().message, HasSubstr("--replace"));
    }
    ASSERT_TRUE(save_identity(path_, identity_));
    fs::permissions(path_, fs::perms::group_read, fs::perm_options::add);
    EXPECT_EQ(load_identity(path_).error().code, ErrorCode::kPermissionDenied)
        << "others could be this node";
}

}  // namespace
}  // namespace isthmus::registration
