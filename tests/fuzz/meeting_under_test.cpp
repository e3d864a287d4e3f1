#include "tests/fuzz/meeting_under_test.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>

#include "base/byte_order.h"
#include "base/check.h"
#include "base/log.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtp_packet.h"
#include "media/transport/peer_transport.h"

namespace isthmus::media {
namespace {

using rtp::Codec;
using rtp::ExtensionKind;
using simulator::IceClient;
using transport::DatagramKind;
using transport::DtlsIdentity;
using transport::Path;

constexpr std::uint32_t kSsrcMark = 0xface0000;
constexpr std::uint32_t kNackMark = 0xfacec000;
constexpr std::uint32_t kNackMarkMask = 0xfffff000;
// The next number and the one after the one after it, too.
constexpr std::uint16_t kNackFollowing = 5;
// What feedback, reports and handshakes may add to what came, and retransmission in each second
// (SfuLimits::retransmission_bytes_per_second, in packets without payload).
constexpr std::uint64_t kDatagramsAtStart = 1000;
constexpr std::uint64_t kDatagramsForEach = 8;
constexpr std::uint64_t kDatagramsPerSecond = 25'000;

const std::shared_ptr<const DtlsIdentity>& identity() {
    static const std::shared_ptr<const DtlsIdentity> kIdentity = [] {
        log::configure({.level = log::Level::kError});
        auto made = DtlsIdentity::make(transport::kSrtpProfilesByPreference);
        CHECK(made);
        return *made;
    }();
    return kIdentity;
}

Path path_of(std::uint8_t host) {
    return {.local = {.ip = transport::IpAddress::v4({192, 0, 2, 1}), .port = 5004},
            .remote = {.ip = transport::IpAddress::v4({198, 51, 100, host}), .port = 40000},
            .link = {}};
}

Path from_the_other_end(const Path& path) {
    Path turned = path;
    std::swap(turned.local, turned.remote);
    return turned;
}

rtp::PayloadFormat video_format(Codec codec, std::uint8_t payload_type) {
    return {.payload_type = payload_type,
            .codec = codec,
            .clock_hz = 90'000,
            .fmtp = {},
            .rtx_payload_type = static_cast<std::uint8_t>(payload_type + 1),
            .nack = true,
            .pli = true,
            .fir = true,
            .transport_cc = true};
}

// All codecs, payload types from `first_type` on, extension ids from `first_id` on.
std::vector<sfu::MediaSection> sections(sfu::Direction direction,
                                        std::uint8_t first_type,
                                        std::uint8_t first_id) {
    sfu::MediaSection audio{.mid = "0",
                            .kind = rtp::MediaKind::kAudio,
                            .direction = direction,
                            .formats = {{.payload_type = 111,
                                         .codec = Codec::kOpus,
                                         .clock_hz = 48'000,
                                         .channels = 2,
                                         .fmtp = {},
                                         .rtx_payload_type = {},
                                         .nack = true,
                                         .transport_cc = true},
                                        {.payload_type = 0,
                                         .codec = Codec::kPcmu,
                                         .clock_hz = 8'000,
                                         .fmtp = {},
                                         .rtx_payload_type = {}}}};
    sfu::MediaSection video{
        .mid = "1", .kind = rtp::MediaKind::kVideo, .direction = direction, .formats = {}};
    for (const Codec codec : {Codec::kVp8, Codec::kVp9, Codec::kAv1, Codec::kH264}) {
        video.formats.push_back(video_format(codec, first_type));
        first_type = static_cast<std::uint8_t>(first_type + 2);
    }
    for (std::size_t kind = 0; kind < rtp::kExtensionKinds; ++kind) {
        for (sfu::MediaSection* section : {&audio, &video}) {
            section->extensions.set(static_cast<ExtensionKind>(kind), first_id);
            section->rtcp_reduced_size = direction == sfu::Direction::kReceive;
        }
        ++first_id;
    }
    for (sfu::MediaSection* section : {&audio, &video}) {
        (direction == sfu::Direction::kReceive ? section->published_id : section->wanted_track) =
            "TR_" + section->mid;
    }
    return {audio, video};
}

// One section as it is, inactive, under another mid, or not there.
void vary(std::vector<sfu::MediaSection>& sections, std::size_t index, unsigned how) {
    sfu::MediaSection& section = sections[index];
    if (how == 1) {
        section.direction = sfu::Direction::kInactive;
    } else if (how == 2) {
        section.mid += "x";
    } else if (how == 3) {
        sections.erase(sections.begin() + static_cast<std::ptrdiff_t>(index));
    }
}

}  // namespace

void MeetingUnderTest::Sink::send(std::span<const transport::OutDatagram> datagrams) {
    for (const transport::OutDatagram& one : datagrams) {
        CHECK(!one.bytes.empty() && one.bytes.size() <= transport::kDatagramBytesMax);
        sent.push_back({*one.path, {one.bytes.begin(), one.bytes.end()}});
    }
}

MeetingUnderTest::MeetingUnderTest()
    : fanout_(*transport::make_srtp_fanout(transport::SrtpEngine::kAuto)),
      core_({.identity = identity(), .unix_ns_at_zero = 1'700'000'000'000'000'000},
            random_,
            *fanout_) {
    clients_[0].person = Person::kPublisher;
    clients_[0].identity = "alice";
    clients_[0].path = path_of(1);
    clients_[1].person = Person::kViewer;
    clients_[1].identity = "bob";
    clients_[1].path = path_of(2);
    for (Client& one : clients_) {
        join(one);
    }
    for (const Client& one : clients_) {
        CHECK(one.ice->connected());
    }
}

void MeetingUnderTest::join(Client& client) {
    const bool publishes = client.person == Person::kPublisher;
    client.credentials = {.ufrag = random_.next_token(4), .pwd = random_.next_token(24)};
    client.connection = {next_connection_++};
    const JoinRequest request{
        .conference = "demo",
        .identity = client.identity,
        .name = client.identity,
        .can_publish = publishes,
        .can_subscribe = !publishes,
        .watch_identity = {},
        .names_tracks = client.names_tracks,
        .description = {.remote_ice = client.credentials,
                        .remote_fingerprint = identity()->fingerprint(),
                        .local_role = transport::DtlsRole::kServer,
                        .sections = publishes ? sections(sfu::Direction::kReceive, 96, 1)
                                              : sections(sfu::Direction::kSend, 104, 3)}};
    const auto joined = core_.join(now_, client.connection, request, sink_);
    CHECK(joined);
    client.ssrcs.clear();
    client.rtp.clear();
    client.newest.clear();
    learn_senders(client, joined->local);
    client.ice = std::make_unique<IceClient>(
        now_,
        simulator::IceClientConfig{.local = client.credentials,
                                   .remote = joined->local.ice,
                                   .remote_fingerprint = joined->local.fingerprint,
                                   .identity = identity(),
                                   .fanout = fanout_.get()},
        random_);
    client.ice->add_path(now_, from_the_other_end(client.path));
    pass_time(std::chrono::milliseconds(100));
}

// What was sent on before may be on its way still.
void MeetingUnderTest::learn_senders(Client& client, const sfu::LocalDescription& local) {
    for (const sfu::SenderDescription& sender : local.senders) {
        for (const std::uint32_t ssrc : {sender.ssrc, sender.rtx_ssrc.value_or(sender.ssrc)}) {
            if (std::ranges::find(client.ssrcs, ssrc) == client.ssrcs.end()) {
                client.ssrcs.push_back(ssrc);
            }
        }
    }
}

MeetingUnderTest::Bytes MeetingUnderTest::fill_in(std::span<const std::byte> plain) {
    Bytes bytes(plain.begin(), plain.end());
    Client& viewer = client(Person::kViewer);
    const std::vector<std::uint32_t>& ssrcs = viewer.ssrcs;
    for (std::size_t at = 0; at + 4 <= bytes.size(); ++at) {
        const std::uint32_t word = load_be32(&bytes[at]);
        const std::uint32_t which = (word >> 8U) & 0xfU;
        if (word >= kSsrcMark && word < kSsrcMark + ssrcs.size()) {
            store_be32(&bytes[at], ssrcs[word - kSsrcMark]);
        } else if ((word & kNackMarkMask) == kNackMark && which < ssrcs.size()) {
            store_be16(&bytes[at],
                       static_cast<std::uint16_t>(viewer.newest[ssrcs[which]] - (word & 0xffU)));
            store_be16(&bytes[at + 2], kNackFollowing);
        }
    }
    return bytes;
}

void MeetingUnderTest::send_rtp(Person from, std::span<const std::byte> plain) {
    client(from).ice->send_rtp(fill_in(plain));
    collect(client(from));
}

void MeetingUnderTest::send_rtcp(Person from, std::span<const std::byte> plain) {
    client(from).ice->send_rtcp(fill_in(plain));
    collect(client(from));
}

void MeetingUnderTest::send_raw(Person from, std::span<const std::byte> bytes) {
    queue(client(from).path, bytes);
}

void MeetingUnderTest::send_from_stranger(std::span<const std::byte> bytes) {
    queue(path_of(99), bytes);
}

void MeetingUnderTest::send_again(Person from, std::size_t flipped) {
    Bytes again = client(from).last;
    if (flipped < again.size()) {
        again[flipped] ^= std::byte{1};
    }
    queue(client(from).path, again);
}

void MeetingUnderTest::queue(const Path& path, std::span<const std::byte> bytes) {
    if (waiting_.size() == WorkerCore::kBatchMax) {
        deliver();
    }
    waiting_.push_back({path, {bytes.begin(), bytes.end()}});
}

bool MeetingUnderTest::collect(Client& client) {
    bool any = false;
    if (client.ice == nullptr) {
        return false;
    }
    while (const auto datagram = client.ice->poll_datagram()) {
        any = true;
        client.last.assign(datagram->bytes.begin(), datagram->bytes.end());
        queue(client.path, datagram->bytes);
    }
    return any;
}

void MeetingUnderTest::deliver() {
    std::vector<transport::InDatagram> batch;
    batch.reserve(waiting_.size());
    for (Sent& one : waiting_) {
        batch.push_back({.path = &one.path, .bytes = one.bytes});
    }
    datagrams_in_ += batch.size();
    core_.handle_datagrams(now_, batch, sink_);
    waiting_.clear();
    static_cast<void>(core_.take_events());
    static_cast<void>(core_.take_data_work());
    while (core_.poll_gone()) {
    }
    for (const Sent& one : std::exchange(sink_.sent, {})) {
        receive(one);
    }
}

void MeetingUnderTest::settle() {
    bool talking = true;
    while (talking) {
        deliver();
        talking = false;
        for (Client& one : clients_) {
            talking = collect(one) || talking;
        }
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now_ - kBegin).count();
    CHECK(datagrams_out_ <= kDatagramsAtStart + kDatagramsForEach * datagrams_in_ +
                                kDatagramsPerSecond * static_cast<std::uint64_t>(seconds + 1));
}

void MeetingUnderTest::receive(const Sent& sent) {
    ++datagrams_out_;
    const auto found = std::ranges::find(clients_, sent.path, &Client::path);
    CHECK(found != clients_.end());
    if (transport::classify(sent.bytes) == DatagramKind::kRtp) {
        check_media(*found, sent.bytes);
    }
    // A client that joins again is not there yet when its old connection is said goodbye to.
    if (found->ice == nullptr) {
        return;
    }
    Bytes bytes = sent.bytes;
    found->ice->handle_datagram(now_, from_the_other_end(sent.path), bytes);
    check_plain(*found);
}

void MeetingUnderTest::check_media(Client& client, std::span<const std::byte> bytes) {
    const std::uint16_t seq = load_be16(&bytes[2]);
    const std::uint32_t ssrc = load_be32(&bytes[8]);
    CHECK(std::ranges::find(client.ssrcs, ssrc) != client.ssrcs.end());
    CHECK(client.rtp.emplace(ssrc, seq).second);
    client.newest[ssrc] = seq;
}

void MeetingUnderTest::check_plain(Client& client) {
    while (const auto packet = client.ice->poll_rtp()) {
        CHECK(rtp::RtpPacketView::parse(*packet));
    }
    while (const auto packet = client.ice->poll_rtcp()) {
        auto reader = rtp::RtcpReader::parse(*packet);
        CHECK(reader);
        while (reader->next()) {
        }
        CHECK(reader->malformed() == 0 && reader->unknown() == 0);
    }
}

void MeetingUnderTest::pass_time(Duration duration) {
    const Instant end = now_ + duration;
    settle();
    while (true) {
        Instant next = core_.next_timeout();
        for (const Client& one : clients_) {
            next = one.ice ? std::min(next, one.ice->next_timeout()) : next;
        }
        if (next > end) {
            break;
        }
        now_ = std::max(now_, next);
        for (const Client& one : clients_) {
            if (one.ice) {
                one.ice->handle_timeout(now_);
            }
        }
        core_.handle_timeout(now_, sink_);
        CHECK(core_.next_timeout() > now_);
        settle();
    }
    now_ = end;
}

// Bits 1 and 2: vary() of the video; 3 and 4: of the sound; 5: the formats in another order; 6: new
// credentials; 7: names change places; 8: encrypted; 9: all sections twice; 10: nothing is wanted
// for the moment.
void MeetingUnderTest::renegotiate(Person person, std::uint16_t how) {
    deliver();
    Client& one = client(person);
    const auto bit = [how](unsigned number) { return (how >> number & 1U) != 0; };
    auto changed = person == Person::kPublisher ? sections(sfu::Direction::kReceive, 96, 1)
                                                : sections(sfu::Direction::kSend, 104, 3);
    if (bit(7)) {
        std::swap(changed[0].published_id, changed[1].published_id);
        std::swap(changed[0].wanted_track, changed[1].wanted_track);
    }
    for (sfu::MediaSection& section : changed) {
        section.encrypted = bit(8);
        if (bit(5)) {
            std::ranges::reverse(section.formats);
        }
    }
    vary(changed, 1, how >> 1U & 3U);
    vary(changed, 0, how >> 3U & 3U);
    if (bit(9)) {
        const auto once = changed;
        changed.insert(changed.end(), once.begin(), once.end());
    }
    if (bit(6)) {
        one.credentials = {.ufrag = random_.next_token(4), .pwd = random_.next_token(24)};
    }
    const auto local = core_.renegotiate(now_,
                                         one.connection,
                                         {.remote_ice = one.credentials,
                                          .remote_fingerprint = identity()->fingerprint(),
                                          .local_role = transport::DtlsRole::kServer,
                                          .sections = std::move(changed)},
                                         sink_);
    if (local) {
        learn_senders(one, *local);
        if (bit(6)) {
            one.ice->restart_ice(now_, one.credentials, local->ice);
        }
        std::ignore = core_.set_layer_wish(now_, one.connection, "", {.paused = bit(10)}, sink_);
        std::ignore = core_.set_layer_wish(now_, one.connection, "0", {.paused = bit(10)}, sink_);
    }
    settle();
}

void MeetingUnderTest::rejoin(Person person, bool names_tracks) {
    deliver();
    client(person).ice = nullptr;
    client(person).names_tracks = names_tracks;
    join(client(person));
}

void MeetingUnderTest::restart_ice(Person person) {
    deliver();
    Client& one = client(person);
    one.credentials = {.ufrag = random_.next_token(4), .pwd = random_.next_token(24)};
    if (const auto local = core_.restart_ice(now_, one.connection, one.credentials)) {
        one.ice->restart_ice(now_, one.credentials, local->ice);
    }
    settle();
}

void MeetingUnderTest::close_notify(Person person) {
    client(person).ice->close();
    collect(client(person));
}

void MeetingUnderTest::close_path(Person person) {
    deliver();
    core_.handle_path_closed(now_, client(person).path);
}

void MeetingUnderTest::remove(Person person) {
    deliver();
    std::ignore = core_.remove_participant(now_, "demo", client(person).identity, sink_);
    settle();
}

void MeetingUnderTest::describe() {
    for (const sfu::ConferenceInfo& conference : core_.describe_all(now_, true)) {
        CHECK(conference.participants.size() >= conference.participant_count);
    }
    CHECK(core_.stats().participants <= clients_.size());
}

}  // namespace isthmus::media
