// Rooms on a switchboard without media, and clients that are a socket and what came on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <signaling/livekit/proto/rtc.pb.h>

#include "base/random.h"
#include "signaling/livekit/permissions.h"
#include "signaling/livekit/rooms.h"
#include "tests/signaling/scripted_switchboard.h"
#include "tests/signaling/sdp/offers.h"

namespace isthmus::signaling::livekit {

// The client's end of a socket.
class FakeSink final : public http::WebSocketSink {
  public:
    void send(bool /*binary*/, http::WebSocketPayload payload) override {
        proto::SignalResponse response;
        EXPECT_TRUE(response.ParseFromString(*payload));
        received.push_back(std::move(response));
    }

    void close(std::uint16_t /*code*/, std::string_view /*reason*/) override { closed = true; }

    std::vector<proto::SignalResponse> received;
    bool closed = false;
};

class Client {
  public:
    Client(Rooms& rooms, Admission admission) : socket_(rooms, std::move(admission)) {
        socket_.on_open(sink_);
    }

    void request(const proto::SignalRequest& request) { raw(request.SerializeAsString()); }

    void raw(const std::string& frame) { socket_.on_message(true, frame); }

    void garbage() { raw("\xFF\xFF garbage"); }

    void lose_socket() { socket_.on_close(); }

    void offer(const std::string& sdp, std::uint32_t id) {
        proto::SignalRequest message;
        message.mutable_offer()->set_type("offer");
        message.mutable_offer()->set_sdp(sdp);
        message.mutable_offer()->set_id(id);
        request(message);
    }

    void add_track(const std::string& cid, proto::TrackSource source) {
        proto::SignalRequest message;
        proto::AddTrackRequest& track = *message.mutable_add_track();
        track.set_cid(cid);
        track.set_source(source);
        const bool video = source == proto::CAMERA || source == proto::SCREEN_SHARE;
        track.set_type(video ? proto::VIDEO : proto::AUDIO);
        request(message);
    }

    [[nodiscard]] std::vector<proto::SignalResponse> all(
        proto::SignalResponse::MessageCase kind) const {
        std::vector<proto::SignalResponse> found;
        for (const auto& response : sink_.received) {
            if (response.message_case() == kind) {
                found.push_back(response);
            }
        }
        return found;
    }

    [[nodiscard]] proto::SignalResponse last(proto::SignalResponse::MessageCase kind) const {
        const auto found = all(kind);
        EXPECT_FALSE(found.empty()) << "nothing of kind " << kind;
        return found.empty() ? proto::SignalResponse() : found.back();
    }

    // What it was told last of the participant; version 0 where nothing.
    [[nodiscard]] proto::ParticipantInfo told_of(const std::string& identity) const {
        proto::ParticipantInfo info;
        for (const auto& response : all(proto::SignalResponse::kUpdate)) {
            for (const auto& participant : response.update().participants()) {
                if (participant.identity() == identity) {
                    EXPECT_GT(participant.version(), info.version()) << "versions must grow";
                    info = participant;
                }
            }
        }
        return info;
    }

    [[nodiscard]] std::string sid() const {
        return all(proto::SignalResponse::kJoin).at(0).join().participant().sid();
    }

    void forget() { sink_.received.clear(); }

    [[nodiscard]] bool closed() const { return sink_.closed; }

    [[nodiscard]] const std::vector<proto::SignalResponse>& received() const {
        return sink_.received;
    }

  private:
    FakeSink sink_;
    SignalSocket socket_;
};

class RoomsFixture : public testing::Test {
  protected:
    RoomsFixture() {
        switchboard_.on_event([this](const auto& event) { rooms_.on_event(event); });
        switchboard_.on_connection_gone(
            [this](const auto& gone) { rooms_.on_connection_gone(gone); });
        rooms_.on_tick(now_);
    }

    [[nodiscard]] static access::AccessToken token(const std::string& identity) {
        access::AccessToken token;
        token.issuer = "key";
        token.identity = identity;
        token.name = identity;
        token.expires_unix_s = 2'000'000'000;
        token.video.room = "demo";
        token.video.room_join = true;
        return token;
    }

    [[nodiscard]] static Admission admission(access::AccessToken token) {
        Admission admission{.token = std::move(token), .join = {}};
        admission.join.mutable_connection_settings()->set_auto_subscribe(true);
        return admission;
    }

    Client& join(Admission admission) {
        return clients_.emplace_back(rooms_, std::move(admission));
    }

    Client& join(const std::string& identity) { return join(admission(token(identity))); }

    // Joins with an offer of three sections of each kind, as browsers do, and connects.
    Client& join_connected(const std::string& identity) {
        Admission with_offer = admission(token(identity));
        proto::SessionDescription& offer = *with_offer.join.mutable_publisher_offer();
        offer.set_type("offer");
        offer.set_id(1);
        offer.set_sdp(sdp::read_offer("chromium_six_recvonly_and_data_channel.sdp"));
        Client& client = join(std::move(with_offer));
        connect_last();
        return client;
    }

    // What the switchboard tells of the join that it was asked for last.
    media::ConnectionId connect_last() {
        switchboard_.answer_all();
        const media::JoinRequest& request = switchboard_.joins.back();
        const media::ConnectionId connection{.value = ++connections_};
        switchboard_.emit(media::ParticipantJoined{.connection = connection,
                                                   .conference = request.conference,
                                                   .conference_id = "RM_1",
                                                   .participant_id = request.participant_id,
                                                   .identity = request.identity,
                                                   .name = request.name,
                                                   .hidden = request.hidden});
        switchboard_.emit(media::ParticipantConnected{.connection = connection});
        return connection;
    }

    void publish(media::ConnectionId connection,
                 const std::string& track_id,
                 media::rtp::MediaKind kind) {
        switchboard_.emit(media::TrackPublished{.connection = connection,
                                                .track_id = track_id,
                                                .mid = "0",
                                                .kind = kind,
                                                .codec = "VP8"});
    }

    // A publisher that came by WHIP.
    media::ConnectionId whip(const std::string& identity) {
        const media::ConnectionId connection{.value = 1000 + connections_};
        switchboard_.emit(media::ParticipantJoined{.connection = connection,
                                                   .conference = "demo",
                                                   .conference_id = "RM_1",
                                                   .participant_id = "PA_" + identity,
                                                   .identity = identity,
                                                   .name = identity});
        switchboard_.emit(media::ParticipantConnected{.connection = connection});
        return connection;
    }

    void pass(Duration time) {
        now_ += time;
        rooms_.on_tick(now_);
    }

    ScriptedSwitchboard switchboard_;
    SeededRandom random_{1};
    std::vector<proto::WebhookEvent> told_;
    Rooms rooms_{{.keys = {{"key", "secret"}},
                  .room = {},
                  .ice_servers = {},
                  .tell = [this](const proto::WebhookEvent& event) { told_.push_back(event); }},
                 switchboard_,
                 random_,
                 [] { return std::int64_t{1'700'000'000'000}; }};
    Instant now_{std::chrono::seconds(100)};
    std::deque<Client> clients_;
    std::uint64_t connections_ = 0;
};

}  // namespace isthmus::signaling::livekit
