// The other side of a DTLS association, by OpenSSL alone: what a client's own stack may be.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "media/transport/dtls_bio.h"
#include "media/transport/dtls_identity.h"

using SSL = struct ssl_st;

namespace isthmus::media::transport {

enum class CertificateKind : bool { kEcdsa, kRsa };

struct OpenSslPeerOptions {
    DtlsRole role = DtlsRole::kClient;
    const char* ciphers = "ECDHE+AESGCM";
    CertificateKind certificate = CertificateKind::kEcdsa;
};

class OpenSslPeer {
  public:
    using Bytes = std::vector<std::byte>;

    explicit OpenSslPeer(const OpenSslPeerOptions& options);
    ~OpenSslPeer();
    OpenSslPeer(const OpenSslPeer&) = delete;
    OpenSslPeer& operator=(const OpenSslPeer&) = delete;

    [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }

    // Client: sends its first flight.
    void start() { drive(); }

    // Goes on with the handshake, or reads all that there is.
    void handle_datagram(std::span<const std::byte> datagram);
    // Its last flight again, as if nobody had answered. False where this OpenSSL hides its timer.
    [[nodiscard]] bool repeat_flight();
    [[nodiscard]] bool write(std::span<const std::byte> data);
    void send_close_notify();
    // Asks for another handshake.
    void renegotiate();

    [[nodiscard]] std::optional<Bytes> poll_datagram() { return queues_.outgoing.pop(); }

    [[nodiscard]] bool connected() const { return connected_; }

    [[nodiscard]] bool failed() const { return failed_; }

    // The peer's close_notify came.
    [[nodiscard]] bool told_goodbye() const;

    [[nodiscard]] std::optional<Bytes> poll_data() { return data_.pop(); }

    // "ECDHE-ECDSA-AES128-GCM-SHA256"
    [[nodiscard]] const char* cipher() const;

    [[nodiscard]] SSL* ssl() { return ssl_.get(); }

    [[nodiscard]] const DtlsSentRecords& sent() const { return bio_.sent; }

  private:
    struct Deleter {
        void operator()(SSL* ssl) const;
        void operator()(SSL_CTX* context) const;
    };

    void drive();
    void read_all();

    DtlsQueues queues_;
    DtlsBio bio_{queues_};
    DrainedQueue<Bytes> data_;
    Fingerprint fingerprint_;
    std::unique_ptr<SSL_CTX, Deleter> context_;
    std::unique_ptr<SSL, Deleter> ssl_;
    bool connected_ = false;
    bool failed_ = false;
};

}  // namespace isthmus::media::transport
