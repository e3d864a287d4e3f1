#include "signaling/livekit/signal_codec.h"

#include <gtest/gtest.h>
#include <signaling/livekit/proto/rtc.pb.h>
#include <zlib.h>

#include "base/http/base64url.h"

namespace isthmus::signaling::livekit {
namespace {

namespace pb = ::livekit;

std::string gzip(const std::string& text) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(
                  &stream, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
              Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 32, '\0');
    std::string in = text;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string wrap(const std::string& bytes, pb::WrappedJoinRequest::Compression compression) {
    pb::WrappedJoinRequest wrapped;
    wrapped.set_compression(compression);
    wrapped.set_join_request(bytes);
    return http::encode_base64url(wrapped.SerializeAsString());
}

TEST(SignalCodec, ReadsBothForms) {
    pb::SignalRequest request;
    request.mutable_mute()->set_sid("TR_1");
    request.mutable_mute()->set_muted(true);
    pb::SignalRequest read;
    ASSERT_TRUE(decode_signal(request.SerializeAsString(), SignalForm::kBinary, read));
    EXPECT_EQ(read.mute().sid(), "TR_1");
    read.Clear();
    ASSERT_TRUE(decode_signal(
        R"({"mute": {"sid": "TR_2", "muted": true}, "new": 1})", SignalForm::kText, read));
    EXPECT_EQ(read.mute().sid(), "TR_2");
    read.Clear();
    ASSERT_TRUE(decode_signal(R"({"trickle": {"candidateInit": "{}"}})", SignalForm::kText, read));
    EXPECT_EQ(read.trickle().candidateinit(), "{}");
    for (const std::string_view bad : {"", "nonsense", "[]", R"({"mute": 7})"}) {
        EXPECT_FALSE(decode_signal(bad, SignalForm::kText, read)) << bad;
    }
    EXPECT_FALSE(decode_signal("\xff\xff", SignalForm::kBinary, read));
}

TEST(SignalCodec, WritesBothForms) {
    pb::SignalResponse response;
    response.set_pong(7);
    pb::SignalResponse read;
    ASSERT_TRUE(read.ParseFromString(encode_signal(response, SignalForm::kBinary)));
    EXPECT_EQ(read.pong(), 7);
    EXPECT_EQ(encode_signal(response, SignalForm::kText), R"({"pong":"7"})");
}

TEST(SignalCodec, UnwrapsJoinRequests) {
    pb::JoinRequest request;
    request.set_metadata("m");
    pb::JoinRequest read;
    ASSERT_TRUE(
        decode_join_request(wrap(request.SerializeAsString(), pb::WrappedJoinRequest::NONE), read));
    EXPECT_EQ(read.metadata(), "m");
    read.Clear();
    const std::string zipped =
        wrap(gzip(request.SerializeAsString()), pb::WrappedJoinRequest::GZIP);
    ASSERT_TRUE(decode_join_request(zipped, read));
    EXPECT_EQ(read.metadata(), "m");
    // JavaScript's encoder pads.
    EXPECT_TRUE(decode_join_request(zipped + std::string((4 - zipped.size() % 4) % 4, '='), read));
}

TEST(SignalCodec, RefusesBombsAndNonsense) {
    pb::JoinRequest request;
    request.set_metadata(std::string(kJoinRequestBytesMax + 1, 'a'));
    pb::JoinRequest read;
    const std::string bomb = wrap(gzip(request.SerializeAsString()), pb::WrappedJoinRequest::GZIP);
    EXPECT_LT(bomb.size(), 4096U);
    EXPECT_FALSE(decode_join_request(bomb, read));
    EXPECT_FALSE(
        decode_join_request(wrap(request.SerializeAsString(), pb::WrappedJoinRequest::NONE), read));
    request.set_metadata("m");
    const std::string zipped = gzip(request.SerializeAsString());
    EXPECT_FALSE(decode_join_request(
        wrap(zipped.substr(0, zipped.size() - 9), pb::WrappedJoinRequest::GZIP), read));
    EXPECT_FALSE(decode_join_request(wrap("no gzip", pb::WrappedJoinRequest::GZIP), read));
    // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): what a client may send
    constexpr auto kUnknown = static_cast<pb::WrappedJoinRequest::Compression>(9);
    EXPECT_FALSE(decode_join_request(wrap("", kUnknown), read));
    EXPECT_FALSE(decode_join_request("!", read));
    EXPECT_FALSE(decode_join_request(wrap("\xff\xff", pb::WrappedJoinRequest::NONE), read));
}

TEST(SignalCodec, ContinuesAJoinWithWhatIsSerialisedAlready) {
    ::livekit::SignalResponse response;
    response.mutable_join()->mutable_participant()->set_identity("carol");
    ::livekit::JoinResponse part;
    part.add_other_participants()->set_identity("alice");
    const std::string alice = part.SerializeAsString();
    part.mutable_other_participants(0)->set_identity(std::string(300, 'b'));
    const std::string others = alice + part.SerializeAsString();
    ::livekit::SignalResponse read;
    ASSERT_TRUE(read.ParseFromString(encode_join(response, others, SignalForm::kBinary)));
    EXPECT_EQ(read.join().participant().identity(), "carol");
    ASSERT_EQ(read.join().other_participants_size(), 2);
    EXPECT_EQ(read.join().other_participants(0).identity(), "alice");
    EXPECT_EQ(read.join().other_participants(1).identity().size(), 300U);
    const std::string text = encode_join(response, alice, SignalForm::kText);
    EXPECT_NE(text.find("\"otherParticipants\":[{\"identity\":\"alice\"}]"), std::string::npos)
        << text;
}

}  // namespace
}  // namespace isthmus::signaling::livekit
