#include "signaling/livekit/published_tracks.h"

#include <string>

#include <gtest/gtest.h>

namespace isthmus::signaling::livekit {
namespace {

using media::rtp::MediaKind;

proto::AddTrackRequest camera(const std::string& cid) {
    proto::AddTrackRequest request;
    request.set_cid(cid);
    request.set_type(proto::VIDEO);
    request.set_source(proto::CAMERA);
    return request;
}

class PublishedTracksTest : public testing::Test {
  protected:
    SeededRandom random_{1};
    PublishedTracks tracks_{random_};
};

TEST_F(PublishedTracksTest, NamesATrackAsClientsExpect) {
    const PublishedTrack* const track = tracks_.announce(camera("c1"));
    ASSERT_NE(track, nullptr);
    EXPECT_TRUE(track->info.sid().starts_with("TR_VC"));
    EXPECT_FALSE(track->live);
    EXPECT_EQ(tracks_.announce(camera("c1")), track) << "the same again is the same track";
    EXPECT_EQ(stream_of("PA_x", track->info), "PA_x|camera");
}

TEST_F(PublishedTracksTest, PutsTheScreenAndItsSoundInOneStream) {
    proto::AddTrackRequest request = camera("c1");
    request.set_source(proto::SCREEN_SHARE);
    EXPECT_EQ(stream_of("PA_x", tracks_.announce(request)->info), "PA_x|screen");
    request.set_cid("c2");
    request.set_stream("mine");
    EXPECT_EQ(stream_of("PA_x", tracks_.announce(request)->info), "PA_x|mine");
}

TEST_F(PublishedTracksTest, RefusesWhatWouldBreakAnAnswer) {
    proto::AddTrackRequest request = camera("c1");
    request.set_stream("a b\r\na=evil");
    EXPECT_EQ(tracks_.announce(request), nullptr);
    request.set_stream("two|bars");
    EXPECT_EQ(tracks_.announce(request), nullptr);
    EXPECT_EQ(tracks_.announce(camera("")), nullptr);
    EXPECT_EQ(tracks_.announce(camera(std::string(2000, 'x'))), nullptr);
}

TEST_F(PublishedTracksTest, BoundsWhatIsAnnouncedAndNeverSent) {
    int taken = 0;
    for (int i = 0; i < 1000; ++i) {
        taken += tracks_.announce(camera("c" + std::to_string(i))) != nullptr ? 1 : 0;
    }
    EXPECT_EQ(taken, 64);
}

TEST_F(PublishedTracksTest, MatchesASectionByCidThenByMidThenByKind) {
    const std::string first = tracks_.announce(camera("c1"))->info.sid();
    const std::string second = tracks_.announce(camera("c2"))->info.sid();
    EXPECT_EQ(tracks_.match("c2", MediaKind::kVideo, "4").track->info.sid(), second);
    EXPECT_EQ(tracks_.match("other", MediaKind::kVideo, "4").track->info.sid(), second);
    EXPECT_EQ(tracks_.match("other", MediaKind::kVideo, "5").track->info.sid(), first);
    EXPECT_EQ(tracks_.match("other", MediaKind::kVideo, "6").track, nullptr);
    EXPECT_EQ(tracks_.match("c1", MediaKind::kAudio, "7").track, nullptr);
}

// A camera in VP9 that can be had in VP8.
proto::AddTrackRequest camera_with_backup() {
    proto::AddTrackRequest request = camera("c1");
    proto::SimulcastCodec& codec = *request.add_simulcast_codecs();
    codec.set_codec("vp9");
    codec.set_cid("c1");
    request.add_simulcast_codecs()->set_codec("vp8");
    return request;
}

TEST_F(PublishedTracksTest, GivesABackupASectionOfItsOwn) {
    const std::string sid = tracks_.announce(camera_with_backup())->info.sid();
    proto::AddTrackRequest backup = camera("c2");
    backup.set_sid(sid);
    ASSERT_NE(tracks_.announce(backup), nullptr);
    EXPECT_EQ(tracks_.all().size(), 1U) << "to clients it is the same track";
    const SectionTrack own = tracks_.match("c1", MediaKind::kVideo, "1");
    const SectionTrack other = tracks_.match("c2", MediaKind::kVideo, "2");
    EXPECT_EQ(own.track, other.track);
    EXPECT_EQ(own.backup, nullptr);
    ASSERT_NE(other.backup, nullptr);
    EXPECT_NE(tracks_.match("", MediaKind::kVideo, "2").backup, nullptr) << "by its section";
    EXPECT_EQ(tracks_.match("c1", MediaKind::kVideo, "2").backup, nullptr)
        << "the cid counts more than the section";
    EXPECT_EQ(tracks_.find_backup(other.backup->id).track, own.track);
}

TEST_F(PublishedTracksTest, TakesNoBackupThatWasNotAnnounced) {
    proto::AddTrackRequest backup = camera("c2");
    backup.set_sid(tracks_.announce(camera("c1"))->info.sid());
    EXPECT_EQ(tracks_.announce(backup), nullptr);
    backup.set_sid("TR_nobody");
    EXPECT_EQ(tracks_.announce(backup), nullptr);
    proto::AddTrackRequest odd = camera("c3");
    odd.add_simulcast_codecs()->set_codec("x\r\na=evil");
    EXPECT_FALSE(tracks_.announce(odd)->backup.has_value());
}

TEST_F(PublishedTracksTest, SendsTheBackupToAllOrToThoseWhoNeedIt) {
    PublishedTrack& track = *tracks_.announce(camera_with_backup());
    EXPECT_EQ(forms_of(track).size(), 1U) << "not sent yet";
    track.backup->live = true;
    EXPECT_EQ(forms_of(track).front().codec, media::rtp::Codec::kVp8) << "all";
    track.info.set_backup_codec_policy(proto::SIMULCAST);
    EXPECT_EQ(forms_of(track).front().codec, media::rtp::Codec::kVp9);
    EXPECT_EQ(forms_of(track).back().id, track.backup->id);
}

TEST_F(PublishedTracksTest, TakesInTracksOfOtherDoors) {
    PublishedTrack& track = tracks_.publish({.connection = {},
                                             .track_id = "TR_whip",
                                             .mid = "0",
                                             .kind = MediaKind::kAudio,
                                             .codec = "opus"});
    EXPECT_TRUE(track.live);
    EXPECT_EQ(track.info.source(), proto::MICROPHONE);
    EXPECT_EQ(track.info.mime_type(), "audio/opus");
    EXPECT_EQ(tracks_.count_live(), 1U);
    EXPECT_TRUE(tracks_.remove("TR_whip"));
    EXPECT_FALSE(tracks_.remove("TR_whip"));
}

}  // namespace
}  // namespace isthmus::signaling::livekit
