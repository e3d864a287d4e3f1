#include "signaling/whip/session_table.h"

#include <gtest/gtest.h>

namespace isthmus::signaling::whip {
namespace {

Session session_of(sdp::Role role, std::uint64_t connection) {
    Session session;
    session.role = role;
    session.connection = {.value = connection};
    return session;
}

TEST(SessionTable, FindsByNameAndForgetsByEither) {
    SessionTable table;
    table.add("a", session_of(sdp::Role::kPublisher, 1));
    table.add("b", session_of(sdp::Role::kViewer, 2));
    table.add("c", session_of(sdp::Role::kViewer, 3));
    EXPECT_EQ(table.size(), 3U);
    EXPECT_EQ(table.count(sdp::Role::kPublisher), 1U);
    EXPECT_EQ(table.count(sdp::Role::kViewer), 2U);
    ASSERT_NE(table.find("b"), nullptr);
    EXPECT_EQ(table.find("b")->connection.value, 2U);

    EXPECT_TRUE(table.erase(media::ConnectionId{.value = 2}));
    EXPECT_EQ(table.find("b"), nullptr);
    EXPECT_FALSE(table.erase(media::ConnectionId{.value = 2}));

    table.erase("a");
    EXPECT_EQ(table.find("a"), nullptr);
    EXPECT_FALSE(table.erase(media::ConnectionId{.value = 1}));
    EXPECT_EQ(table.count(sdp::Role::kPublisher), 0U);

    table.erase("nobody");
    EXPECT_EQ(table.size(), 1U);
}

}  // namespace
}  // namespace isthmus::signaling::whip
