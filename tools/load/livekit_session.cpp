#include "tools/load/livekit_session.h"

#include <array>
#include <chrono>
#include <utility>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/check.h"
#include "base/http/base64url.h"
#include "media/rtp/payload_format.h"
#include "signaling/sdp/answer.h"
#include "tools/load/gzip.h"

namespace isthmus::load {

namespace proto = ::livekit;
using media::rtp::MediaKind;

namespace {

constexpr std::int32_t kProtocol = 17;
constexpr std::uint32_t kHostPriority = (126U << 24U) | (65535U << 8U) | 255U;

struct Layer {
    proto::VideoQuality quality;
    std::uint32_t width;
    std::uint32_t height;
    double share;  // of the bit rate
};

// Those of recordings.cpp.
constexpr std::array<Layer, 3> kLayers = {{{proto::LOW, 320, 180, 1.0 / 9},
                                           {proto::MEDIUM, 640, 360, 1.0 / 3},
                                           {proto::HIGH, 1280, 720, 1}}};

}  // namespace

LivekitSession::LivekitSession(const LoadOptions& options,
                               Participant& participant,
                               const media::transport::SocketAddress& local,
                               media::transport::LinkId link)
    : options_(&options), participant_(&participant), local_(local), link_(link) {}

std::string LivekitSession::make_target(std::string_view token) {
    proto::JoinRequest join;
    proto::ClientInfo& client = *join.mutable_client_info();
    client.set_sdk(proto::ClientInfo::CPP);
    client.set_version("1.0.0");
    client.set_protocol(kProtocol);
    join.mutable_connection_settings()->set_auto_subscribe(true);
    fill_offer(*join.mutable_publisher_offer());
    for (std::size_t i = 0; i < participant_->tracks().size(); ++i) {
        describe_track(i, *join.add_add_track_requests());
    }
    proto::WrappedJoinRequest wrapped;
    wrapped.set_compression(proto::WrappedJoinRequest::GZIP);
    wrapped.set_join_request(gzip(join.SerializeAsString()));
    // A JWT's characters need no encoding in a query, and base64url's neither.
    return "/rtc/v1?access_token=" + std::string(token) +
           "&join_request=" + http::encode_base64url(wrapped.SerializeAsString());
}

void LivekitSession::describe_track(std::size_t index, proto::AddTrackRequest& request) const {
    const OfferedTrack& track = participant_->tracks()[index];
    const bool video = track.kind == MediaKind::kVideo;
    request.set_cid(track_id_of(track.kind, index));
    request.set_type(video ? proto::VIDEO : proto::AUDIO);
    request.set_source(video ? proto::CAMERA : proto::MICROPHONE);
    if (!video) {
        return;
    }
    request.set_width(kLayers.back().width);
    request.set_height(kLayers.back().height);
    for (std::size_t i = track.rids.empty() ? kLayers.size() - 1 : 0; i < kLayers.size(); ++i) {
        proto::VideoLayer& layer = *request.add_layers();
        layer.set_quality(kLayers.at(i).quality);
        layer.set_width(kLayers.at(i).width);
        layer.set_height(kLayers.at(i).height);
        layer.set_bitrate(
            static_cast<std::uint32_t>(kLayers.at(i).share * options_->video_bitrate_bps));
    }
    proto::SimulcastCodec& codec = *request.add_simulcast_codecs();
    for (const char letter : media::rtp::name_of(options_->codec)) {
        codec.mutable_codec()->push_back(
            letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter);
    }
    codec.set_cid(request.cid());
}

void LivekitSession::fill_offer(proto::SessionDescription& offer) {
    offer.set_type("offer");
    offer.set_sdp(participant_->make_offer());
    offer.set_id(++offer_id_);
    offer_open_ = true;
    offer_wanted_ = false;
}

void LivekitSession::offer_again() {
    proto::SignalRequest request;
    fill_offer(*request.mutable_offer());
    queue(request);
}

void LivekitSession::queue(const proto::SignalRequest& request) {
    requests_.push_back(request.SerializeAsString());
}

std::optional<std::string> LivekitSession::poll_request() {
    if (requests_.empty()) {
        return std::nullopt;
    }
    std::string request = std::move(requests_.front());
    requests_.pop_front();
    return request;
}

bool LivekitSession::fail(std::string why) {
    problem_ = std::move(why);
    return false;
}

bool LivekitSession::handle_message(Instant now, std::string_view payload) {
    proto::SignalResponse response;
    if (!response.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        return fail("the node sent what is no signaling");
    }
    switch (response.message_case()) {
        case proto::SignalResponse::kJoin:
            ping_interval_ = std::chrono::seconds(response.join().ping_interval());
            ping_at_ = ping_interval_ > Duration::zero() ? now + ping_interval_ : kNever;
            return true;
        case proto::SignalResponse::kAnswer:
            return handle_answer(now, response.answer());
        case proto::SignalResponse::kMediaSectionsRequirement:
            participant_->add_receive_sections(response.media_sections_requirement().num_audios(),
                                               response.media_sections_requirement().num_videos());
            offer_wanted_ = true;
            if (!offer_open_) {
                offer_again();
            }
            return true;
        case proto::SignalResponse::kLeave:
            return fail("the node told it to leave: " +
                        proto::DisconnectReason_Name(response.leave().reason()));
        default:
            return true;
    }
}

bool LivekitSession::handle_answer(Instant now, const proto::SessionDescription& answer) {
    if (answer.id() != offer_id_ || !offer_open_) {
        return true;  // of an offer before
    }
    offer_open_ = false;
    const auto taken = participant_->take_answer(now, answer.sdp(), local_, link_);
    if (!taken) {
        return fail(taken.error().message);
    }
    tracks_named_ = static_cast<std::size_t>(answer.mid_to_track_id_size());
    if (answers_++ == 0) {
        proto::SignalRequest trickle;
        const std::string candidate = signaling::sdp::write_candidate(
            {.address = local_, .priority = kHostPriority, .foundation = "1"});
        trickle.mutable_trickle()->set_candidateinit(
            R"({"candidate":"candidate:)" + candidate +
            R"(","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":")" + participant_->ufrag() +
            R"("})");
        queue(trickle);
        proto::SignalRequest permission;
        permission.mutable_subscription_permission()->set_all_participants(true);
        queue(permission);
    }
    if (offer_wanted_) {
        offer_again();
    }
    return true;
}

void LivekitSession::handle_timeout(Instant now) {
    if (now < ping_at_) {
        return;
    }
    ping_at_ = now + ping_interval_;
    proto::SignalRequest request;
    request.mutable_ping_req()->set_timestamp(
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
    queue(request);
}

void LivekitSession::leave() {
    proto::SignalRequest request;
    request.mutable_leave()->set_reason(proto::CLIENT_INITIATED);
    queue(request);
}

}  // namespace isthmus::load
