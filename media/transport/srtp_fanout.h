// Encrypts each packet again for every receiver: what a media node exists for.
//
// One engine per worker, chosen once; one virtual call per batch. A job knows its roll-over counter
// (the caller keeps extended sequence numbers), so that a packet may be protected in any order and
// from any thread that owns the batch; no state but the expanded keys is kept. Header extensions
// are authenticated and not encrypted (RFC 6904 is never negotiated); no MKI.
//
// Every engine gives the bytes that libsrtp gives (tests/media/transport/srtp_fanout_test.cpp).
// Specification: RFC 3711, RFC 7714.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "media/transport/srtp_profile.h"

namespace isthmus::media::transport {

class SrtpCipher;

// The expanded keys of one direction of one connection. Made by an engine, for that engine. Must
// outlive the jobs that name it.
class SrtpExpandedKey {
  public:
    virtual ~SrtpExpandedKey() = default;

    [[nodiscard]] std::size_t tag_bytes() const { return sizes_of(profile_).tag_bytes; }

    [[nodiscard]] SrtpProfile profile() const { return profile_; }

  protected:
    explicit SrtpExpandedKey(SrtpProfile profile) : profile_(profile) {}

  private:
    SrtpProfile profile_;
};

using SrtpSendKey = SrtpExpandedKey;

struct SrtpJob {
    const SrtpSendKey* key = nullptr;
    // The whole RTP header: 12 bytes, CSRCs, extension block. Authenticated, sent in clear.
    std::span<const std::byte> header;
    // Encrypted, before the payload: what differs per receiver and would otherwise keep the payload
    // from being shared (a rewritten payload descriptor, RTX's original sequence number, RED's
    // headers). Usually empty.
    std::span<const std::byte> prefix{};
    // Encrypted; shared by all receivers, never changed.
    std::span<const std::byte> payload{};
    // Where header, ciphertext and tag go: out_bytes() bytes. Overlaps none of the above.
    std::byte* out = nullptr;
    // Roll-over counter of the packet's sequence number (RFC 3711 section 3.3.1).
    std::uint32_t roc = 0;
    // RTP padding to append (RFC 3550 section 5.1): zeros and then this count, encrypted. The
    // header's P bit is the caller's matter. The payload itself ends in no padding then.
    std::uint8_t padding_bytes = 0;

    // What is encrypted.
    [[nodiscard]] std::size_t plain_bytes() const {
        return prefix.size() + payload.size() + padding_bytes;
    }

    [[nodiscard]] std::size_t out_bytes() const {
        return header.size() + plain_bytes() + key->tag_bytes();
    }
};

class SrtpFanout {
  public:
    virtual ~SrtpFanout() = default;

    [[nodiscard]] virtual std::unique_ptr<SrtpSendKey> make_key(const SrtpMasterKey& master) = 0;

    // Writes every job's packet. The jobs' keys come from this engine.
    virtual void protect(std::span<const SrtpJob> jobs) = 0;

    // The same engine for single packets in place: what an SrtpSession works with. Lives as long as
    // this.
    [[nodiscard]] virtual SrtpCipher& cipher() = 0;

    [[nodiscard]] virtual std::string_view name() const = 0;
};

enum class SrtpEngine : std::uint8_t { kAuto, kIpsecMb, kOpenSsl };

// kAuto takes intel-ipsec-mb where it is built in and the CPU has AES-NI, else OpenSSL. Fails where
// the engine that was asked for by name cannot run here.
[[nodiscard]] Result<std::unique_ptr<SrtpFanout>> make_srtp_fanout(SrtpEngine engine);

}  // namespace isthmus::media::transport
