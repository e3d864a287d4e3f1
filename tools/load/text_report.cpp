#include "tools/load/text_report.h"

#include <iterator>

#include <spdlog/fmt/fmt.h>

namespace isthmus::load {

namespace {

using Out = std::back_insert_iterator<std::string>;

void write_durations(Out out, const char* name, const DurationHistogram& histogram) {
    if (histogram.count() == 0) {
        return;
    }
    fmt::format_to(out,
                   "  {:22} p50 {:8.2f} ms   p95 {:8.2f} ms   p99 {:8.2f} ms   max {:8.2f} ms   "
                   "({} samples)\n",
                   name,
                   to_ms(histogram.percentile(0.5)),
                   to_ms(histogram.percentile(0.95)),
                   to_ms(histogram.percentile(0.99)),
                   to_ms(histogram.max()),
                   histogram.count());
}

void write_media(Out out, const RunReport& report) {
    const MediaCounts& media = report.media;
    const double seconds = report.measured_s > 0 ? report.measured_s : 1;
    fmt::format_to(out,
                   "  received and authenticated {} packets, {:.0f} a second, {:.1f} Mbit/s of "
                   "payload\n",
                   media.packets,
                   static_cast<double>(media.packets) / seconds,
                   static_cast<double>(media.media_bytes) * 8 / seconds / 1e6);
    fmt::format_to(out,
                   "  lost {} ({:.4f} %), repaired {}, lost for good {:.4f} %, out of order {}, "
                   "twice {}\n",
                   media.lost,
                   report.loss_ratio() * 100,
                   media.repaired,
                   report.unrepaired_ratio() * 100,
                   media.reordered,
                   media.duplicates);
    fmt::format_to(out,
                   "  frames {}, freezes {} ({:.1f} s in all), key frames asked for {}, NACKed {}, "
                   "jitter at most {:.2f} ms\n",
                   media.frames,
                   media.freezes,
                   static_cast<double>(media.frozen.count()) / 1e9,
                   media.key_frame_requests,
                   media.nacks,
                   media.jitter_max_seconds * 1e3);
    fmt::format_to(out,
                   "  published {} packets, {} frames, {} again because the node asked\n",
                   media.sent_packets,
                   media.sent_frames,
                   media.retransmitted);
    if (media.srtp_errors + media.bad + media.unknown > 0) {
        fmt::format_to(out,
                       "  not authentic or repeated {}, malformed {}, of no stream {}\n",
                       media.srtp_errors,
                       media.bad,
                       media.unknown);
    }
}

void write_node(Out out, const NodeFigures& node) {
    fmt::format_to(out,
                   "node\n  {:.0f} packets per CPU-second ({:.0f} ns a packet); by its busiest "
                   "thread alone {:.0f}\n",
                   node.packets_per_cpu_s,
                   node.packets_per_cpu_s > 0 ? 1e9 / node.packets_per_cpu_s : 0,
                   node.worker_packets_per_cpu_s);
    for (const NodeThread& thread : node.threads) {
        if (thread.cpu_ns > 1'000'000) {
            fmt::format_to(out,
                           "  thread {:16} {:8.3f} s of CPU\n",
                           thread.name,
                           static_cast<double>(thread.cpu_ns) / 1e9);
        }
    }
    if (node.joined > 0) {
        const auto grown =
            static_cast<double>(node.rss_after_bytes) - static_cast<double>(node.rss_before_bytes);
        fmt::format_to(
            out,
            "  while {} viewers joined {:.3f} s of CPU: {:.0f} joins per CPU-second, "
            "forwarding included\n",
            node.joined,
            node.join_cpu_s,
            node.join_cpu_s > 0 ? static_cast<double>(node.joined) / node.join_cpu_s : 0);
        fmt::format_to(out,
                       "  memory {:.1f} MiB, {:.1f} KiB for each viewer that joined\n",
                       static_cast<double>(node.rss_after_bytes) / (1024.0 * 1024.0),
                       grown / 1024.0 / static_cast<double>(node.joined));
    }
}

}  // namespace

std::string describe_load(const LoadOptions& options) {
    std::string text = fmt::format("{}{} publishers, {} viewers",
                                   options.livekit ? "LiveKit: " : "",
                                   options.publishers,
                                   options.viewers);
    if (options.conferences > 1) {
        text += fmt::format(" in each of {} conferences", options.conferences);
    }
    if (options.audio) {
        text += fmt::format("; Opus {} kbit/s{}",
                            options.audio_bitrate_bps / 1000,
                            options.talk_spurts ? " in talk spurts" : "");
    }
    if (options.video) {
        text += fmt::format("; {} {} fps{}, ",
                            media::rtp::name_of(options.codec),
                            options.fps,
                            options.simulcast ? " simulcast" : "");
        text += options.packets_per_frame > 0
                    ? fmt::format("{} packets of {} bytes a frame",
                                  options.packets_per_frame,
                                  options.packet_bytes)
                    : fmt::format("recorded at {} kbit/s", options.video_bitrate_bps / 1000);
    }
    return text + (options.gro ? "; receives with UDP_GRO" : "; receives without UDP_GRO");
}

std::string write_text_report(const RunReport& report) {
    std::string text;
    const Out out = std::back_inserter(text);
    fmt::format_to(out, "load\n  {}\n", describe_load(report.options));
    fmt::format_to(out,
                   "  {} connected, {} receiving, {} failed; measured for {:.1f} s\n",
                   report.participants.connected,
                   report.participants.receiving,
                   report.participants.failed,
                   report.measured_s);
    if (report.options.livekit) {
        fmt::format_to(out, "  {} subscriptions to tracks\n", report.participants.tracks);
    }
    fmt::format_to(out, "media\n");
    write_media(out, report);
    fmt::format_to(out, "end to end latency\n");
    write_durations(out, "video, whole frames", report.durations.video_latency);
    write_durations(out, "audio", report.durations.audio_latency);
    fmt::format_to(out, "jitter of streams, each second\n");
    write_durations(out, "audio and video", report.durations.jitter);
    fmt::format_to(out, "joins, from the request on\n");
    write_durations(out, "answer", report.durations.signaling);
    write_durations(out, "ICE and DTLS", report.durations.connect);
    write_durations(out, "first packet", report.durations.first_media);
    write_durations(out, "first key frame", report.durations.first_frame);
    write_durations(out, "wait for a key frame", report.durations.key_frame_wait);
    if (report.trickled > 0) {
        fmt::format_to(out,
                       "  candidates trickled {}, refused {}\n",
                       report.trickled,
                       report.trickles_refused);
    }
    if (report.node) {
        write_node(out, *report.node);
    }
    fmt::format_to(out,
                   "isthmus-load\n  {:.0f} ns of CPU per packet received and authenticated, some "
                   "{:.0f} of them the kernel's; busiest second {:.0f} %, datagrams dropped by its "
                   "sockets {}\n",
                   report.load_ns_per_packet,
                   report.load_kernel_ns_per_packet,
                   report.load_cpu_peak * 100,
                   report.socket_drops);
    if (report.viewers_within_limits) {
        fmt::format_to(out,
                       "limit\n  {} viewers within all limits{}{}\n",
                       *report.viewers_within_limits,
                       report.limit_broken.empty() ? "" : "; then ",
                       report.limit_broken);
    }
    for (const std::string& remark : report.remarks) {
        fmt::format_to(out, "note: {}\n", remark);
    }
    for (const std::string& reason : report.invalid) {
        fmt::format_to(out, "INVALID: {}\n", reason);
    }
    return text;
}

}  // namespace isthmus::load
