#include "signaling/livekit/subscriptions.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace isthmus::signaling::livekit {
namespace {

using media::rtp::MediaKind;
using media::sfu::Direction;
using media::sfu::MediaSection;

MediaSection receiving(std::string mid, MediaKind kind) {
    MediaSection section;
    section.mid = std::move(mid);
    section.kind = kind;
    section.direction = Direction::kSend;
    section.formats.resize(1);
    return section;
}

// Three of each kind, as browsers offer first.
std::vector<MediaSection> six_sections() {
    std::vector<MediaSection> sections;
    for (int i = 0; i < 6; ++i) {
        sections.push_back(
            receiving(std::to_string(i), i < 3 ? MediaKind::kAudio : MediaKind::kVideo));
    }
    return sections;
}

WantedTrack track(std::string sid, MediaKind kind) {
    return {.sid = std::move(sid), .stream = "PA_x|camera", .kind = kind, .wish = {}, .mid = {}};
}

TEST(Subscriptions, GivesTracksToFreeSectionsOfTheirKind) {
    Subscriptions subscriptions;
    EXPECT_TRUE(subscriptions.want(track("TR_V", MediaKind::kVideo)));
    EXPECT_TRUE(subscriptions.want(track("TR_A", MediaKind::kAudio)));
    EXPECT_FALSE(subscriptions.want(track("TR_A", MediaKind::kAudio)));
    auto sections = six_sections();
    EXPECT_EQ(subscriptions.assign(sections), (std::vector<std::string>{"0", "3"}));
    EXPECT_EQ(sections[0].wanted_track, "TR_A");
    EXPECT_EQ(sections[3].wanted_track, "TR_V");
    EXPECT_EQ(sections[0].direction, Direction::kSend);
    EXPECT_EQ(sections[1].direction, Direction::kInactive);
    EXPECT_FALSE(subscriptions.needs_offer());
    // They stay where they are.
    auto again = six_sections();
    EXPECT_TRUE(subscriptions.assign(again).empty());
    EXPECT_EQ(again[3].wanted_track, "TR_V");
}

TEST(Subscriptions, AsksForTheSectionsThatAreMissing) {
    Subscriptions subscriptions;
    auto sections = six_sections();
    subscriptions.assign(sections);
    for (int i = 0; i < 5; ++i) {
        subscriptions.want(track("TR_V" + std::to_string(i), MediaKind::kVideo));
    }
    EXPECT_TRUE(subscriptions.needs_offer());
    EXPECT_EQ(subscriptions.shortfall().videos, 2U);
    EXPECT_EQ(subscriptions.shortfall().audios, 0U);
    subscriptions.asked();
    EXPECT_FALSE(subscriptions.needs_offer());
    auto more = six_sections();
    more.push_back(receiving("6", MediaKind::kVideo));
    more.push_back(receiving("7", MediaKind::kVideo));
    EXPECT_EQ(subscriptions.assign(more).size(), 5U);
    EXPECT_FALSE(subscriptions.needs_offer());
}

TEST(Subscriptions, DoesNotAskForEverAClientThatOffersNoMore) {
    Subscriptions subscriptions;
    auto sections = six_sections();
    subscriptions.assign(sections);
    for (int i = 0; i < 5; ++i) {
        subscriptions.want(track("TR_V" + std::to_string(i), MediaKind::kVideo));
    }
    int asked = 0;
    while (subscriptions.needs_offer() && asked < 10) {
        ++asked;
        subscriptions.asked();
        auto same = six_sections();
        subscriptions.assign(same);
    }
    EXPECT_LE(asked, 2);
    // Something new is worth another question.
    subscriptions.want(track("TR_new", MediaKind::kVideo));
    EXPECT_TRUE(subscriptions.needs_offer());
}

// Twelve publishers who came at once kept half of their subscriptions: more tracks waited after the
// offer than before it, although it had brought what was asked for.
TEST(Subscriptions, AsksAgainWhereMoreTracksCameThanSections) {
    Subscriptions subscriptions;
    std::vector<MediaSection> none;
    subscriptions.assign(none);
    std::vector<MediaSection> sections;
    for (int round = 0; round < 5; ++round) {
        subscriptions.want(track("TR_first" + std::to_string(round), MediaKind::kVideo));
        ASSERT_TRUE(subscriptions.needs_offer());
        const std::uint32_t asked_for = subscriptions.shortfall().videos;
        subscriptions.asked();
        for (int late = 0; late < 3; ++late) {
            subscriptions.want(
                track("TR_" + std::to_string(round) + std::to_string(late), MediaKind::kVideo));
        }
        for (std::uint32_t i = 0; i < asked_for; ++i) {
            sections.push_back(receiving(std::to_string(sections.size()), MediaKind::kVideo));
        }
        auto offer = sections;
        subscriptions.assign(offer);
        EXPECT_TRUE(subscriptions.needs_offer()) << "three wait still";
    }
}

TEST(Subscriptions, AnswersASectionInactiveOnceBeforeItIsUsedAgain) {
    Subscriptions subscriptions;
    subscriptions.want(track("TR_V", MediaKind::kVideo));
    std::vector<MediaSection> one = {receiving("0", MediaKind::kVideo)};
    subscriptions.assign(one);
    EXPECT_TRUE(subscriptions.drop("TR_V"));
    EXPECT_FALSE(subscriptions.drop("TR_V"));
    subscriptions.want(track("TR_next", MediaKind::kVideo));
    EXPECT_TRUE(subscriptions.refresh(one));
    EXPECT_EQ(one[0].wanted_track, "");
    EXPECT_FALSE(subscriptions.refresh(one));
    EXPECT_TRUE(subscriptions.needs_offer());
    subscriptions.asked();
    one = {receiving("0", MediaKind::kVideo)};
    EXPECT_TRUE(subscriptions.assign(one).empty());
    EXPECT_EQ(one[0].direction, Direction::kInactive);
    one = {receiving("0", MediaKind::kVideo)};
    EXPECT_EQ(subscriptions.assign(one).size(), 1U);
    EXPECT_EQ(one[0].wanted_track, "TR_next");
}

TEST(Subscriptions, LetsATrackWaitWhereTheClientReceivesNoMore) {
    Subscriptions subscriptions;
    subscriptions.want(track("TR_V", MediaKind::kVideo));
    std::vector<MediaSection> one = {receiving("0", MediaKind::kVideo)};
    subscriptions.assign(one);
    one[0].direction = Direction::kInactive;
    subscriptions.assign(one);
    EXPECT_EQ(subscriptions.find("TR_V")->mid, "");
    EXPECT_TRUE(subscriptions.needs_offer());
    EXPECT_EQ(subscriptions.shortfall().videos, 1U);
}

TEST(Subscriptions, SendsNothingOfWhatIsDisabled) {
    Subscriptions subscriptions;
    subscriptions.want(track("TR_A", MediaKind::kAudio));
    auto sections = six_sections();
    subscriptions.assign(sections);
    subscriptions.find("TR_A")->disabled = true;
    EXPECT_TRUE(subscriptions.refresh(sections));
    EXPECT_EQ(sections[0].wanted_track, "");
    EXPECT_EQ(sections[0].direction, Direction::kSend);
    EXPECT_FALSE(subscriptions.needs_offer());
}

TEST(Subscriptions, CallsSendersByTheirTracks) {
    Subscriptions subscriptions;
    subscriptions.want(track("TR_A", MediaKind::kAudio));
    auto sections = six_sections();
    subscriptions.assign(sections);
    media::sfu::LocalDescription local;
    local.senders.push_back({.mid = "0", .ssrc = 1, .rtx_ssrc = {}});
    local.senders.push_back({.mid = "9", .ssrc = 2, .rtx_ssrc = {}});
    subscriptions.name_senders(local);
    EXPECT_EQ(local.senders[0].stream_id, "PA_x|camera");
    EXPECT_EQ(local.senders[0].track_id, "TR_A");
    EXPECT_EQ(local.senders[1].track_id, "");
}

}  // namespace
}  // namespace isthmus::signaling::livekit
