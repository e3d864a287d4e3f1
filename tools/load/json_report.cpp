#include "tools/load/json_report.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "tools/load/text_report.h"

namespace isthmus::load {

namespace json = boost::json;

namespace {

[[nodiscard]] json::object to_json(const DurationHistogram& histogram) {
    return {{"samples", histogram.count()},
            {"p50", to_ms(histogram.percentile(0.5))},
            {"p90", to_ms(histogram.percentile(0.9))},
            {"p95", to_ms(histogram.percentile(0.95))},
            {"p99", to_ms(histogram.percentile(0.99))},
            {"max", to_ms(histogram.max())}};
}

[[nodiscard]] json::object to_json(const ParticipantCounts& counts) {
    return {{"started", counts.started},
            {"connected", counts.connected},
            {"receiving", counts.receiving},
            {"tracks", counts.tracks},
            {"failed", counts.failed}};
}

[[nodiscard]] json::object options_to_json(const LoadOptions& options) {
    return {{"description", describe_load(options)},
            {"conferences", options.conferences},
            {"publishers", options.publishers},
            {"viewers", options.viewers},
            {"audio", options.audio},
            {"video", options.video},
            {"codec", media::rtp::name_of(options.codec)},
            {"fps", options.fps},
            {"packets_per_frame", options.packets_per_frame},
            {"packet_bytes", options.packet_bytes},
            {"simulcast", options.simulcast},
            {"gro", options.gro},
            {"threads", options.threads}};
}

[[nodiscard]] json::object media_to_json(const RunReport& report) {
    const MediaCounts& media = report.media;
    const double seconds = report.measured_s > 0 ? report.measured_s : 1;
    return {{"packets", media.packets},
            {"media_packets", media.media_packets},
            {"packets_per_s", static_cast<double>(media.packets) / seconds},
            {"bits_per_s", static_cast<double>(media.media_bytes) * 8 / seconds},
            {"lost", media.lost},
            {"loss_ratio", report.loss_ratio()},
            {"repaired", media.repaired},
            {"unrepaired_ratio", report.unrepaired_ratio()},
            {"reordered", media.reordered},
            {"duplicates", media.duplicates},
            {"nacks", media.nacks},
            {"key_frame_requests", media.key_frame_requests},
            {"frames", media.frames},
            {"freezes", media.freezes},
            {"frozen_ms", to_ms(media.frozen)},
            {"jitter_max_ms", media.jitter_max_seconds * 1e3},
            {"srtp_errors", media.srtp_errors},
            {"malformed", media.bad},
            {"unknown", media.unknown},
            {"sent_packets", media.sent_packets},
            {"sent_frames", media.sent_frames},
            {"retransmitted", media.retransmitted}};
}

[[nodiscard]] json::object node_to_json(const NodeFigures& node) {
    json::array threads;
    for (const NodeThread& thread : node.threads) {
        threads.push_back(json::object{{"name", thread.name},
                                       {"cpu_s", static_cast<double>(thread.cpu_ns) / 1e9}});
    }
    const double grown =
        static_cast<double>(node.rss_after_bytes) - static_cast<double>(node.rss_before_bytes);
    return {
        {"packets_per_cpu_s", node.packets_per_cpu_s},
        {"busiest_thread_packets_per_cpu_s", node.worker_packets_per_cpu_s},
        {"cpu_s", node.cpu_s},
        {"threads", std::move(threads)},
        {"rss_before_bytes", node.rss_before_bytes},
        {"rss_after_bytes", node.rss_after_bytes},
        {"rss_per_viewer_bytes", node.joined == 0 ? 0 : grown / static_cast<double>(node.joined)},
        {"joined", node.joined},
        {"join_cpu_s", node.join_cpu_s},
        {"joins_per_cpu_s",
         node.join_cpu_s > 0 ? static_cast<double>(node.joined) / node.join_cpu_s : 0}};
}

[[nodiscard]] json::array seconds_to_json(const std::vector<SecondSample>& seconds) {
    json::array array;
    for (const SecondSample& second : seconds) {
        array.push_back(json::object{{"at_s", second.at_s},
                                     {"measured", second.measured},
                                     {"connected", second.participants.connected},
                                     {"receiving", second.participants.receiving},
                                     {"packets_per_s", second.packets_per_s},
                                     {"bits_per_s", second.bits_per_s},
                                     {"unrepaired_ratio", second.loss_ratio},
                                     {"video_p50_ms", second.video_p50_ms},
                                     {"video_p99_ms", second.video_p99_ms},
                                     {"audio_p99_ms", second.audio_p99_ms},
                                     {"load_cpu", second.load_cpu},
                                     {"node_cpu", second.node_cpu},
                                     {"node_rss_mib", second.node_rss_mib}});
    }
    return array;
}

[[nodiscard]] json::array texts_to_json(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts) {
        array.push_back(json::string(text));
    }
    return array;
}

}  // namespace

std::string write_json_report(const RunReport& report) {
    json::object root{
        {"load", options_to_json(report.options)},
        {"valid", report.invalid.empty()},
        {"invalid", texts_to_json(report.invalid)},
        {"remarks", texts_to_json(report.remarks)},
        {"measured_s", report.measured_s},
        {"participants", to_json(report.participants)},
        {"media", media_to_json(report)},
        {"latency_ms",
         json::object{{"video", to_json(report.durations.video_latency)},
                      {"audio", to_json(report.durations.audio_latency)}}},
        {"join_ms",
         json::object{{"answer", to_json(report.durations.signaling)},
                      {"connected", to_json(report.durations.connect)},
                      {"first_packet", to_json(report.durations.first_media)},
                      {"first_key_frame", to_json(report.durations.first_frame)},
                      {"key_frame_wait", to_json(report.durations.key_frame_wait)}}},
        {"jitter_ms", to_json(report.durations.jitter)},
        {"trickle", json::object{{"sent", report.trickled}, {"refused", report.trickles_refused}}},
        {"isthmus_load",
         json::object{{"ns_per_packet", report.load_ns_per_packet},
                      {"kernel_ns_per_packet", report.load_kernel_ns_per_packet},
                      {"cpu_peak", report.load_cpu_peak},
                      {"socket_drops", report.socket_drops}}},
        {"seconds", seconds_to_json(report.seconds)}};
    if (report.node) {
        root["node"] = node_to_json(*report.node);
    }
    if (report.viewers_within_limits) {
        root["limit"] = json::object{{"viewers", *report.viewers_within_limits},
                                     {"broken", report.limit_broken}};
    }
    return json::serialize(root) + "\n";
}

}  // namespace isthmus::load
