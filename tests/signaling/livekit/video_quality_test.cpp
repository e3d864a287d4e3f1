#include "signaling/livekit/video_quality.h"

#include <gtest/gtest.h>

namespace isthmus::signaling::livekit {
namespace {

void add_layer(proto::TrackInfo& track,
               proto::VideoQuality quality,
               std::uint32_t width,
               std::uint32_t height) {
    proto::VideoLayer& layer = *track.add_layers();
    layer.set_quality(quality);
    layer.set_width(width);
    layer.set_height(height);
}

// SVC announces the largest first.
proto::TrackInfo three_layers() {
    proto::TrackInfo track;
    track.set_sid("TR_V");
    track.set_mime_type("video/VP8");
    add_layer(track, proto::HIGH, 1280, 720);
    add_layer(track, proto::MEDIUM, 640, 360);
    add_layer(track, proto::LOW, 320, 180);
    return track;
}

std::uint8_t spatial_for(std::uint32_t width, std::uint32_t height, const proto::TrackInfo& track) {
    proto::UpdateTrackSettings settings;
    settings.set_width(width);
    settings.set_height(height);
    return wish_of(settings, track).max_spatial;
}

TEST(VideoQuality, TakesTheSmallestLayerThatIsNotSmallerThanTheElement) {
    const proto::TrackInfo track = three_layers();
    const std::uint8_t top = media::sfu::LayerWish{}.max_spatial;
    EXPECT_EQ(spatial_for(100, 50, track), 0);
    EXPECT_EQ(spatial_for(320, 180, track), 0);
    EXPECT_EQ(spatial_for(321, 180, track), 1);
    EXPECT_EQ(spatial_for(640, 360, track), 1);
    EXPECT_EQ(spatial_for(641, 360, track), top);
    EXPECT_EQ(spatial_for(4000, 3000, track), top);
}

TEST(VideoQuality, RanksQualitiesByIndex) {
    proto::UpdateTrackSettings settings;
    settings.set_quality(proto::LOW);
    EXPECT_EQ(wish_of(settings, three_layers()).max_spatial, 0);
    settings.set_quality(proto::MEDIUM);
    EXPECT_EQ(wish_of(settings, three_layers()).max_spatial, 1);
    settings.set_quality(proto::HIGH);
    EXPECT_EQ(wish_of(settings, three_layers()).max_spatial, media::sfu::LayerWish{}.max_spatial);
}

TEST(VideoQuality, BoundsNothingWhereThereIsOneLayer) {
    proto::TrackInfo track;
    add_layer(track, proto::HIGH, 1280, 720);
    proto::UpdateTrackSettings settings;
    settings.set_quality(proto::LOW);
    settings.set_fps(15);
    EXPECT_EQ(wish_of(settings, track).max_spatial, media::sfu::LayerWish{}.max_spatial);
    EXPECT_EQ(wish_of(settings, track).max_fps, 15);
    EXPECT_FALSE(wish_of(settings, track).paused);
    settings.set_disabled(true);
    EXPECT_TRUE(wish_of(settings, track).paused);
}

PublishedTrack published() {
    PublishedTrack track;
    track.info = three_layers();
    track.info.set_sid("TR_V");
    return track;
}

TEST(VideoQuality, TellsAPublisherWhichOfItsEncodingsAreWanted) {
    PublishedTrack track = published();
    track.wanted = {.connection = {},
                    .track_id = "TR_V",
                    .layers = {{.rid = "q", .spatial = 0, .wanted = true},
                               {.rid = "h", .spatial = 1, .wanted = false},
                               {.rid = "f", .spatial = 2, .wanted = false}}};
    const auto update = quality_update_of(track);
    EXPECT_EQ(update.track_sid(), "TR_V");
    ASSERT_EQ(update.subscribed_codecs_size(), 1);
    EXPECT_EQ(update.subscribed_codecs(0).codec(), "vp8");
    ASSERT_EQ(update.subscribed_codecs(0).qualities_size(), 3);
    EXPECT_TRUE(update.subscribed_codecs(0).qualities(0).enabled());
    EXPECT_FALSE(update.subscribed_codecs(0).qualities(1).enabled());
    EXPECT_FALSE(update.subscribed_codecs(0).qualities(2).enabled());
}

TEST(VideoQuality, KeepsTheOnlyLayerOn) {
    PublishedTrack track = published();
    track.wanted = {.connection = {}, .track_id = "TR_V", .layers = {{.wanted = false}}};
    EXPECT_TRUE(quality_update_of(track).subscribed_codecs(0).qualities(0).enabled());
}

TEST(VideoQuality, NamesABackupOnceItIsAskedFor) {
    PublishedTrack track = published();
    track.backup.emplace();
    track.backup->codec = "H264";
    EXPECT_EQ(quality_update_of(track).subscribed_codecs_size(), 1);
    track.backup->asked_for = true;
    const auto update = quality_update_of(track);
    ASSERT_EQ(update.subscribed_codecs_size(), 2);
    EXPECT_EQ(update.subscribed_codecs(1).codec(), "h264");
    EXPECT_TRUE(update.subscribed_codecs(1).qualities(2).enabled());
}

}  // namespace
}  // namespace isthmus::signaling::livekit
