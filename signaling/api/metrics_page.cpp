#include "signaling/api/metrics_page.h"

#include <array>

#include "base/metrics.h"

namespace isthmus::signaling::api {
namespace {

using media::data::DataCounters;
using media::data::DataThreadCounters;
using media::sfu::WorkerStats;

template <typename Owner>
struct Metric {
    std::string_view name;
    std::string_view help;
    std::uint64_t Owner::* value;
};

constexpr std::array kWorkerCounters = {
    Metric<WorkerStats>{"isthmus_datagrams_received_total",
                        "Datagrams and ICE-TCP frames received.",
                        &WorkerStats::datagrams_received},
    Metric<WorkerStats>{
        "isthmus_received_bytes_total", "Bytes of them.", &WorkerStats::bytes_received},
    Metric<WorkerStats>{"isthmus_datagrams_sent_total",
                        "Datagrams and ICE-TCP frames sent.",
                        &WorkerStats::datagrams_sent},
    Metric<WorkerStats>{"isthmus_sent_bytes_total", "Bytes of them.", &WorkerStats::bytes_sent},
    Metric<WorkerStats>{"isthmus_datagrams_unknown_total",
                        "Datagrams from no known path, or of no known kind.",
                        &WorkerStats::datagrams_unknown},
    Metric<WorkerStats>{"isthmus_rtp_packets_received_total",
                        "Authentic RTP packets received.",
                        &WorkerStats::rtp_received},
    Metric<WorkerStats>{"isthmus_rtp_packets_malformed_total",
                        "Authentic RTP packets that do not parse.",
                        &WorkerStats::rtp_malformed},
    Metric<WorkerStats>{"isthmus_rtp_packets_unroutable_total",
                        "RTP packets that belong to no media section, or exceed the stream limit.",
                        &WorkerStats::rtp_unroutable},
    Metric<WorkerStats>{"isthmus_rtp_packets_duplicate_total",
                        "RTP packets that had come already, also as retransmissions.",
                        &WorkerStats::rtp_duplicates},
    Metric<WorkerStats>{"isthmus_rtp_sequence_jumps_total",
                        "Restarts of the sequence numbers of publishers' streams.",
                        &WorkerStats::rtp_jumps},
    Metric<WorkerStats>{
        "isthmus_rtp_payloads_bad_total",
        "RTP packets whose payload or dependency descriptor, or RED, contradicts itself.",
        &WorkerStats::rtp_bad_payloads},
    Metric<WorkerStats>{"isthmus_rtp_packets_forwarded_total",
                        "RTP packets sent on, counted for each receiver.",
                        &WorkerStats::rtp_forwarded},
    Metric<WorkerStats>{"isthmus_rtp_packets_oversized_total",
                        "RTP packets not sent because they became too long for a datagram.",
                        &WorkerStats::rtp_oversized},
    Metric<WorkerStats>{"isthmus_audio_packets_gated_total",
                        "Audio packets of participants who were not among the loudest.",
                        &WorkerStats::audio_gated},
    Metric<WorkerStats>{"isthmus_dominant_speaker_changes_total",
                        "Times that another participant became the dominant speaker.",
                        &WorkerStats::dominant_speaker_changes},
    Metric<WorkerStats>{"isthmus_audio_ranking_changes_total",
                        "Times that the loudest participants, or their order, changed.",
                        &WorkerStats::audio_ranking_changes},
    Metric<WorkerStats>{"isthmus_rtcp_packets_received_total",
                        "Authentic RTCP packets received.",
                        &WorkerStats::rtcp_received},
    Metric<WorkerStats>{"isthmus_rtcp_packets_malformed_total",
                        "Authentic RTCP packets that do not parse.",
                        &WorkerStats::rtcp_malformed},
    Metric<WorkerStats>{"isthmus_rtcp_messages_unknown_total",
                        "RTCP messages of no known kind.",
                        &WorkerStats::rtcp_unknown},
    Metric<WorkerStats>{"isthmus_retransmissions_total",
                        "RTP packets sent again because a receiver asked.",
                        &WorkerStats::retransmissions},
    Metric<WorkerStats>{
        "isthmus_red_packets_total",
        "Audio packets with earlier frames that the node put in (RED), for receivers "
        "that lose packets.",
        &WorkerStats::red_packets},
    Metric<WorkerStats>{"isthmus_repair_packets_total",
                        "FlexFEC packets sent to receivers that lose packets.",
                        &WorkerStats::repair_packets},
    Metric<WorkerStats>{"isthmus_nacks_received_total",
                        "Sequence numbers that receivers asked for.",
                        &WorkerStats::nacks_received},
    Metric<WorkerStats>{"isthmus_nacks_ignored_total",
                        "Of them, those beyond what is looked into.",
                        &WorkerStats::nacks_ignored},
    Metric<WorkerStats>{"isthmus_nacks_sent_total",
                        "Sequence numbers that publishers were asked for.",
                        &WorkerStats::nacks_sent},
    Metric<WorkerStats>{"isthmus_key_frame_requests_received_total",
                        "PLI and FIR from receivers.",
                        &WorkerStats::key_frame_requests_received},
    Metric<WorkerStats>{"isthmus_key_frame_requests_ignored_total",
                        "Of them, those not passed on because their receiver asks too often.",
                        &WorkerStats::key_frame_requests_ignored},
    Metric<WorkerStats>{"isthmus_key_frame_requests_sent_total",
                        "PLI and FIR sent to publishers.",
                        &WorkerStats::key_frame_requests_sent},
    Metric<WorkerStats>{
        "isthmus_frames_undecodable_total",
        "Video frames withheld from receivers because what they refer to was not sent.",
        &WorkerStats::undecodable},
    Metric<WorkerStats>{"isthmus_pacer_packets_total",
                        "RTP packets that waited for a receiver's pacer.",
                        &WorkerStats::paced},
    Metric<WorkerStats>{"isthmus_pacer_dropped_full_total",
                        "RTP packets dropped because too many waited.",
                        &WorkerStats::pacer_dropped_full},
    Metric<WorkerStats>{
        "isthmus_pacer_dropped_expired_total",
        "RTP packets dropped because they were no longer kept when their time came.",
        &WorkerStats::pacer_dropped_expired},
    Metric<WorkerStats>{"isthmus_probe_padding_packets_total",
                        "RTP packets sent only to find out how much a receiver can take.",
                        &WorkerStats::probe_padding},
    Metric<WorkerStats>{"isthmus_feedback_unknown_total",
                        "Packets that receivers report on and that were never sent, or long ago.",
                        &WorkerStats::feedback_unknown},
    Metric<WorkerStats>{"isthmus_feedback_repeated_total",
                        "Packets that receivers report on again.",
                        &WorkerStats::feedback_repeated},
    Metric<WorkerStats>{
        "isthmus_feedback_refused_total",
        "Bandwidth feedback messages that tell of more than was sent, or are cut off.",
        &WorkerStats::feedback_refused},
    Metric<WorkerStats>{"isthmus_stun_refused_total",
                        "STUN messages that are malformed, not authentic or for nobody.",
                        &WorkerStats::stun_bad},
    Metric<WorkerStats>{"isthmus_dtls_unverified_total",
                        "DTLS records from paths without a valid ICE check.",
                        &WorkerStats::dtls_unverified},
    Metric<WorkerStats>{"isthmus_dtls_refused_total",
                        "DTLS records that are not authentic, seen before, too old or cut off.",
                        &WorkerStats::dtls_refused},
    Metric<WorkerStats>{"isthmus_dtls_dropped_total",
                        "DTLS datagrams in or out that were more than is held.",
                        &WorkerStats::dtls_dropped},
    Metric<WorkerStats>{"isthmus_srtp_auth_failures_total",
                        "SRTP and SRTCP packets whose tag is wrong.",
                        &WorkerStats::srtp_auth_failures},
    Metric<WorkerStats>{"isthmus_srtp_replays_total",
                        "SRTP and SRTCP packets seen before, or too old.",
                        &WorkerStats::srtp_replays},
    Metric<WorkerStats>{"isthmus_srtp_malformed_total",
                        "SRTP and SRTCP packets that are no RTP or RTCP.",
                        &WorkerStats::srtp_malformed},
    Metric<WorkerStats>{"isthmus_srtp_unverified_total",
                        "SRTP and SRTCP packets before there were keys.",
                        &WorkerStats::srtp_unverified},
    Metric<WorkerStats>{"isthmus_connections_timed_out_total",
                        "Connections closed because the peer fell silent.",
                        &WorkerStats::connections_closed_by_timeout},
    Metric<WorkerStats>{"isthmus_bitrate_limit_drops_total",
                        "RTP packets dropped above limits.publish_bitrate_bps_max.",
                        &WorkerStats::limit_bitrate_drops},
    Metric<WorkerStats>{
        "isthmus_rtp_send_batches_total",
        "Encryption passes; isthmus_rtp_packets_forwarded_total divided by this is their fill.",
        &WorkerStats::output_batches},
    Metric<WorkerStats>{"isthmus_receive_batches_total",
                        "Reads of sockets that brought something.",
                        &WorkerStats::input_batches},
    Metric<WorkerStats>{"isthmus_relay_packets_sent_total",
                        "RTP packets sent to other workers, for conferences that span several.",
                        &WorkerStats::relay_packets_sent},
    Metric<WorkerStats>{"isthmus_relay_packets_received_total",
                        "RTP packets received from other workers.",
                        &WorkerStats::relay_packets_received},
    Metric<WorkerStats>{
        "isthmus_relay_packets_dropped_total",
        "RTP packets between workers dropped: the reader was too slow, or the track is gone.",
        &WorkerStats::relay_packets_dropped},
    Metric<WorkerStats>{"isthmus_data_packets_received_total",
                        "SCTP packets of data channels received from clients.",
                        &WorkerStats::data_packets_received},
    Metric<WorkerStats>{"isthmus_data_packets_sent_total",
                        "SCTP packets of data channels sent to clients.",
                        &WorkerStats::data_packets_sent},
    Metric<WorkerStats>{"isthmus_data_messages_received_total",
                        "Messages that clients sent on data channels.",
                        &WorkerStats::data_messages_received},
    Metric<WorkerStats>{
        "isthmus_data_associations_failed_total",
        "SCTP associations that ended by themselves: the client fell silent, or read too slowly.",
        &WorkerStats::data_associations_failed},
    Metric<WorkerStats>{"isthmus_socket_receive_drops_total",
                        "Datagrams lost because the kernel's receive buffer was full.",
                        &WorkerStats::socket_receive_drops},
    Metric<WorkerStats>{"isthmus_socket_ecn_capable_total",
                        "Datagrams received whose sender takes part in ECN (ECT or CE).",
                        &WorkerStats::socket_ecn_capable},
    Metric<WorkerStats>{"isthmus_socket_ecn_congested_total",
                        "Datagrams received that a queue on the way marked as congested (CE).",
                        &WorkerStats::socket_ecn_congested},
    Metric<WorkerStats>{"isthmus_socket_send_drops_total",
                        "Datagrams that the kernel did not take.",
                        &WorkerStats::socket_send_drops},
    Metric<WorkerStats>{"isthmus_socket_send_messages_total",
                        "Messages sent; fewer than datagrams where the kernel segments.",
                        &WorkerStats::socket_send_messages},
    Metric<WorkerStats>{"isthmus_socket_segmentation_refused_total",
                        "Segmented messages that were sent datagram by datagram instead.",
                        &WorkerStats::socket_segmentation_refused},
    Metric<WorkerStats>{"isthmus_tcp_connections_accepted_total",
                        "ICE-TCP connections accepted.",
                        &WorkerStats::tcp_accepted},
    Metric<WorkerStats>{"isthmus_tcp_connections_refused_total",
                        "ICE-TCP connections beyond the limits.",
                        &WorkerStats::tcp_refused},
    Metric<WorkerStats>{"isthmus_tcp_frames_dropped_total",
                        "ICE-TCP frames dropped because the client reads too slowly.",
                        &WorkerStats::tcp_frames_dropped},
};

constexpr std::array kWorkerGauges = {
    Metric<WorkerStats>{"isthmus_conferences", "Conferences now.", &WorkerStats::conferences},
    Metric<WorkerStats>{"isthmus_participants", "Participants now.", &WorkerStats::participants},
    Metric<WorkerStats>{"isthmus_connections",
                        "Connections of participants now: some have two, one to publish and one "
                        "to subscribe.",
                        &WorkerStats::connections},
    Metric<WorkerStats>{"isthmus_tracks", "Published tracks now.", &WorkerStats::tracks},
    Metric<WorkerStats>{"isthmus_subscriptions", "Subscriptions now.", &WorkerStats::subscriptions},
    Metric<WorkerStats>{
        "isthmus_tcp_connections", "ICE-TCP connections now.", &WorkerStats::tcp_connections},
    Metric<WorkerStats>{
        "isthmus_data_channels", "Data channels open now.", &WorkerStats::data_channels},
    Metric<WorkerStats>{"isthmus_relay_queue_bytes",
                        "Bytes waiting in the fullest ring from another worker.",
                        &WorkerStats::relay_queue_bytes},
    Metric<WorkerStats>{
        "isthmus_mailbox_jobs", "Requests waiting for the worker.", &WorkerStats::mailbox_jobs},
    Metric<WorkerStats>{"isthmus_worker_connections_admitted",
                        "Connections placed on the worker, also those that have not come yet.",
                        &WorkerStats::connections_admitted},
};

// What the data channels of all workers count together.
constexpr std::array kDataGauges = {
    Metric<DataCounters>{"isthmus_data_associations",
                         "SCTP associations now: clients with data channels.",
                         &DataCounters::associations},
    Metric<DataCounters>{
        "isthmus_data_queued_bytes",
        "Bytes that wait for clients which read slowly, beside SCTP's own buffers.",
        &DataCounters::queued_bytes},
};

constexpr std::array kDataCounters = {
    Metric<DataCounters>{"isthmus_data_packets_refused_total",
                         "SCTP packets refused: too many from one client, or of nobody.",
                         &DataCounters::packets_refused},
    Metric<DataCounters>{"isthmus_data_messages_received_bytes_total",
                         "Bytes of the messages that clients sent on data channels.",
                         &DataCounters::messages_received_bytes},
    Metric<DataCounters>{"isthmus_data_messages_sent_total",
                         "Messages sent on data channels, counted for each receiver.",
                         &DataCounters::messages_sent},
    Metric<DataCounters>{"isthmus_data_messages_sent_bytes_total",
                         "Bytes of them.",
                         &DataCounters::messages_sent_bytes},
    Metric<DataCounters>{"isthmus_data_messages_rate_limited_total",
                         "Messages of clients that sent more than they may in a second; dropped.",
                         &DataCounters::messages_rate_limited},
    Metric<DataCounters>{
        "isthmus_data_messages_dropped_total",
        "Messages for unreliable channels dropped because their receiver reads too slowly.",
        &DataCounters::messages_dropped},
    Metric<DataCounters>{"isthmus_data_messages_unroutable_total",
                         "Messages for channels that are not open, or too long for them.",
                         &DataCounters::messages_unroutable},
    Metric<DataCounters>{"isthmus_data_protocol_errors_total",
                         "Malformed messages that open channels, and payloads of unknown kinds.",
                         &DataCounters::protocol_errors},
    Metric<DataCounters>{"isthmus_data_channels_refused_total",
                         "Data channels that clients opened beyond the limit.",
                         &DataCounters::channels_refused},
};

constexpr std::array kDataThreadGauges = {
    Metric<DataThreadCounters>{"isthmus_data_thread_jobs",
                               "Jobs waiting for the thread of the data channels.",
                               &DataThreadCounters::waiting_jobs},
    Metric<DataThreadCounters>{"isthmus_data_thread_waiting_bytes",
                               "Bytes of packets and messages among them.",
                               &DataThreadCounters::waiting_bytes},
};

constexpr std::array kDataThreadCounters = {
    Metric<DataThreadCounters>{"isthmus_data_thread_jobs_refused_total",
                               "Jobs refused because too many waited for that thread.",
                               &DataThreadCounters::jobs_refused},
    Metric<DataThreadCounters>{"isthmus_data_packets_undelivered_total",
                               "SCTP packets for clients lost because a worker took nothing.",
                               &DataThreadCounters::packets_undelivered},
    Metric<DataThreadCounters>{"isthmus_data_messages_undelivered_total",
                               "Messages of clients lost because a worker took nothing.",
                               &DataThreadCounters::messages_undelivered},
};

constexpr std::array kHttpCounters = {
    Metric<http::ServerCounters>{"isthmus_http_connections_accepted_total",
                                 "HTTP connections accepted.",
                                 &http::ServerCounters::connections_accepted},
    Metric<http::ServerCounters>{"isthmus_http_connections_refused_total",
                                 "HTTP connections closed at once, over a limit.",
                                 &http::ServerCounters::connections_refused},
    Metric<http::ServerCounters>{"isthmus_http_tls_handshakes_failed_total",
                                 "TLS handshakes that failed or took too long.",
                                 &http::ServerCounters::tls_handshakes_failed},
    Metric<http::ServerCounters>{"isthmus_http_requests_total",
                                 "HTTP requests that reached a route or none.",
                                 &http::ServerCounters::requests},
    Metric<http::ServerCounters>{"isthmus_http_requests_refused_total",
                                 "HTTP requests that are malformed or over a limit.",
                                 &http::ServerCounters::requests_refused},
    Metric<http::ServerCounters>{"isthmus_http_requests_timed_out_total",
                                 "HTTP requests that were begun and not finished in time.",
                                 &http::ServerCounters::requests_timed_out},
    Metric<http::ServerCounters>{"isthmus_web_sockets_opened_total",
                                 "WebSockets that clients opened.",
                                 &http::ServerCounters::web_sockets_opened},
    Metric<http::ServerCounters>{"isthmus_web_sockets_refused_total",
                                 "WebSockets refused, for a bad token or over a limit.",
                                 &http::ServerCounters::web_sockets_refused},
    Metric<http::ServerCounters>{"isthmus_web_sockets_cut_off_total",
                                 "WebSockets closed because their clients did not read.",
                                 &http::ServerCounters::web_sockets_cut_off},
    Metric<http::ServerCounters>{"isthmus_web_socket_messages_received_total",
                                 "Messages that came on WebSockets.",
                                 &http::ServerCounters::web_socket_messages_received},
    Metric<http::ServerCounters>{"isthmus_web_socket_messages_sent_total",
                                 "Messages sent on WebSockets.",
                                 &http::ServerCounters::web_socket_messages_sent},
};

constexpr std::array kSignalingCounters = {
    Metric<SignalingStats>{"isthmus_whip_sessions_created_total",
                           "WHIP and WHEP sessions made.",
                           &SignalingStats::sessions_created},
    Metric<SignalingStats>{"isthmus_whip_sessions_refused_total",
                           "WHIP and WHEP offers refused.",
                           &SignalingStats::sessions_refused},
    Metric<SignalingStats>{"isthmus_whip_ice_restarts_total",
                           "ICE restarts that clients asked for.",
                           &SignalingStats::ice_restarts},
    Metric<SignalingStats>{"isthmus_livekit_joins_total",
                           "Participants let into rooms by the LiveKit protocol.",
                           &SignalingStats::livekit_joins},
    Metric<SignalingStats>{"isthmus_livekit_resumes_total",
                           "Participants that came back after their socket broke.",
                           &SignalingStats::livekit_resumes},
    Metric<SignalingStats>{"isthmus_livekit_refused_total",
                           "Joins refused although the token was good.",
                           &SignalingStats::livekit_refused},
    Metric<SignalingStats>{"isthmus_livekit_malformed_total",
                           "Signaling messages that are none.",
                           &SignalingStats::livekit_malformed},
    Metric<SignalingStats>{"isthmus_maintenance_conferences_ended_total",
                           "Conferences ended at the deadline of a maintenance.",
                           &SignalingStats::maintenance_conferences_ended},
};

constexpr std::array kSignalingGauges = {
    Metric<SignalingStats>{
        "isthmus_whip_publishers", "WHIP sessions now.", &SignalingStats::publishers},
    Metric<SignalingStats>{"isthmus_whip_viewers", "WHEP sessions now.", &SignalingStats::viewers},
    Metric<SignalingStats>{"isthmus_rooms", "Rooms now.", &SignalingStats::rooms},
    Metric<SignalingStats>{"isthmus_room_participants",
                           "Participants of rooms now, by whatever door they came.",
                           &SignalingStats::room_participants},
    Metric<SignalingStats>{"isthmus_livekit_sessions",
                           "Participants that speak the LiveKit protocol now.",
                           &SignalingStats::livekit_sessions},
    Metric<SignalingStats>{"isthmus_maintenance_mode",
                           "0 off, 1 pending: conferences go on, 2 on: nothing runs any more.",
                           &SignalingStats::maintenance_mode},
};

template <typename Metrics>
void write_workers(MetricsWriter& writer,
                   const Metrics& metrics,
                   const std::vector<WorkerStats>& workers,
                   void (MetricsWriter::*open)(std::string_view, std::string_view)) {
    for (const auto& metric : metrics) {
        (writer.*open)(metric.name, metric.help);
        for (std::size_t i = 0; i < workers.size(); ++i) {
            writer.sample(workers[i].*metric.value, {{"worker", std::to_string(i)}});
        }
    }
}

template <typename Metrics, typename Owner>
void write_one(MetricsWriter& writer,
               const Metrics& metrics,
               const Owner& owner,
               void (MetricsWriter::*open)(std::string_view, std::string_view)) {
    for (const auto& metric : metrics) {
        (writer.*open)(metric.name, metric.help);
        writer.sample(owner.*metric.value);
    }
}

void write_http(MetricsWriter& writer, const http::ServerCounters& http) {
    write_one(writer, kHttpCounters, http, &MetricsWriter::counter);
    writer.counter("isthmus_http_responses_total", "HTTP responses by class of status.");
    writer.sample(http.responses_2xx, {{"status", "2xx"}});
    writer.sample(http.responses_3xx, {{"status", "3xx"}});
    writer.sample(http.responses_4xx, {{"status", "4xx"}});
    writer.sample(http.responses_5xx, {{"status", "5xx"}});
    writer.gauge("isthmus_http_connections", "HTTP connections now.");
    writer.sample(http.connections_open);
    writer.gauge("isthmus_web_sockets", "WebSockets now.");
    writer.sample(http.web_sockets_open);
}

void write_seconds_or_shares(MetricsWriter& writer,
                             const std::vector<WorkerStats>& workers,
                             double WorkerStats::* value) {
    for (std::size_t i = 0; i < workers.size(); ++i) {
        writer.sample(workers[i].*value, {{"worker", std::to_string(i)}});
    }
}

void write_data(MetricsWriter& writer, const media::DataStats& data) {
    write_one(writer, kDataGauges, data.thread.stack, &MetricsWriter::gauge);
    write_one(writer, kDataCounters, data.thread.stack, &MetricsWriter::counter);
    write_one(writer, kDataThreadGauges, data.thread, &MetricsWriter::gauge);
    write_one(writer, kDataThreadCounters, data.thread, &MetricsWriter::counter);
    writer.counter("isthmus_data_thread_cpu_seconds_total",
                   "CPU time of the thread of the data channels.");
    writer.sample(data.thread.cpu_seconds);
    writer.gauge("isthmus_data_backlog_bytes",
                 "Bytes of clients' messages that wait for the signaling thread.");
    writer.sample(std::uint64_t{data.backlog_bytes});
    writer.counter("isthmus_data_backlog_dropped_total",
                   "Messages of clients dropped because too much waited for it.");
    writer.sample(data.backlog_dropped);
}

// The names that Prometheus's own client libraries use.
void write_process(MetricsWriter& writer, const ProcessStats& process) {
    writer.counter("process_cpu_seconds_total", "User and system CPU time of the process.");
    writer.sample(process.cpu_seconds);
    writer.gauge("process_resident_memory_bytes", "Memory of the process in RAM.");
    writer.sample(process.resident_bytes);
    writer.gauge("process_start_time_seconds", "Start of the process since 1970.");
    writer.sample(process.start_time_unix_seconds);
    writer.gauge("process_open_fds", "File descriptors in use.");
    writer.sample(process.open_fds);
    writer.gauge("process_max_fds", "File descriptors that may be in use.");
    writer.sample(process.max_fds);
    writer.gauge("process_threads", "Threads of the process.");
    writer.sample(process.threads);
}

}  // namespace

std::string write_metrics(const MetricsInput& input) {
    MetricsWriter writer;
    writer.gauge("isthmus_build_info", "Always 1; the version is a label.");
    writer.sample(std::uint64_t{1}, {{"version", input.version}});
    write_workers(writer, kWorkerGauges, input.workers, &MetricsWriter::gauge);
    write_workers(writer, kWorkerCounters, input.workers, &MetricsWriter::counter);
    writer.gauge("isthmus_worker_load_cpu_share",
                 "Share of its core that the worker's thread uses, smoothed over 5 s.");
    write_seconds_or_shares(writer, input.workers, &WorkerStats::load_cpu_share);
    writer.gauge(
        "isthmus_worker_load_estimate",
        "Share of its core that the worker will need: measured, and admitted but not seen.");
    write_seconds_or_shares(writer, input.workers, &WorkerStats::load_estimate);
    writer.counter("isthmus_worker_cpu_seconds_total", "CPU time of the worker's thread.");
    write_seconds_or_shares(writer, input.workers, &WorkerStats::cpu_seconds);
    write_data(writer, input.data);
    write_one(writer, kSignalingGauges, input.signaling, &MetricsWriter::gauge);
    write_one(writer, kSignalingCounters, input.signaling, &MetricsWriter::counter);
    write_http(writer, input.http);
    write_process(writer, input.process);
    return writer.text();
}

}  // namespace isthmus::signaling::api
