// Writes the header of an RTP packet as a publishing client does, with the extensions that only
// publishers send (rid, repaired-rid).
//
// One-byte extensions only: what does not fit them (ids above 14, values above 16 bytes) is left
// out. Specification: RFC 3550 section 5.1, RFC 8285 section 4.2, RFC 8852.
#pragma once

#include <cstddef>
#include <span>

#include "media/rtp/header_extension_kind.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/rtp_header_writer.h"

namespace isthmus::media::client {

// Of `values` those with an id in `ids` are written: mid, rid, repaired_rid, abs_send_time,
// transport_sequence, audio_level. Returns the bytes written; `out` has
// rtp::kRtpHeaderBytesMax.
[[nodiscard]] std::size_t write_outbound_header(const rtp::RtpHeaderFields& fields,
                                                const rtp::ExtensionIds& ids,
                                                const rtp::HeaderExtensions& values,
                                                std::span<std::byte> out);

}  // namespace isthmus::media::client
