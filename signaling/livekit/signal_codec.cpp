#include "signaling/livekit/signal_codec.h"

#include <array>
#include <optional>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wire_format_lite.h>
#include <signaling/livekit/proto/rtc.pb.h>
#include <zlib.h>

#include "base/http/base64url.h"

namespace isthmus::signaling::livekit {
namespace {

namespace json_util = google::protobuf::util;
namespace pb = ::livekit;

std::unexpected<Error> refuse(std::string message) {
    return make_error(ErrorCode::kInvalidArgument, std::move(message));
}

// Nothing where it is no gzip, is cut short, or has more than `bytes_max` in it.
std::optional<std::string> gunzip(std::string_view compressed, std::size_t bytes_max) {
    z_stream stream{};
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&stream, kGzipOnly) != Z_OK) {
        return std::nullopt;
    }
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());
    std::string out;
    std::array<char, 16384> piece{};
    int state = Z_OK;
    while (state == Z_OK && out.size() <= bytes_max) {
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = static_cast<uInt>(piece.size());
        state = inflate(&stream, Z_NO_FLUSH);
        out.append(piece.data(), piece.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    if (state != Z_STREAM_END || out.size() > bytes_max) {
        return std::nullopt;
    }
    return out;
}

}  // namespace

Result<void> decode_signal(std::string_view frame, SignalForm form, pb::SignalRequest& into) {
    if (form == SignalForm::kBinary) {
        if (!into.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
            return refuse("the message is no SignalRequest");
        }
        return {};
    }
    json_util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    if (!json_util::JsonStringToMessage({frame.data(), frame.size()}, &into, options).ok()) {
        return refuse("the message is no SignalRequest in JSON");
    }
    return {};
}

std::string encode_signal(const pb::SignalResponse& response, SignalForm form) {
    if (form == SignalForm::kBinary) {
        return response.SerializeAsString();
    }
    std::string text;
    // Fails only for messages with Any in them.
    static_cast<void>(json_util::MessageToJsonString(response, &text));
    return text;
}

std::string encode_join(const pb::SignalResponse& response,
                        std::string_view others,
                        SignalForm form) {
    if (form == SignalForm::kText) {
        pb::SignalResponse whole = response;
        pb::JoinResponse rest;
        rest.ParseFromArray(others.data(), static_cast<int>(others.size()));
        whole.mutable_join()->MergeFrom(rest);
        return encode_signal(whole, form);
    }
    // A message may come in pieces, one after the other.
    using google::protobuf::internal::WireFormatLite;
    std::string join = response.join().SerializeAsString();
    std::string frame;
    {
        google::protobuf::io::StringOutputStream stream(&frame);
        google::protobuf::io::CodedOutputStream out(&stream);
        out.WriteTag(WireFormatLite::MakeTag(pb::SignalResponse::kJoinFieldNumber,
                                             WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
        out.WriteVarint32(static_cast<std::uint32_t>(join.size() + others.size()));
    }
    frame.reserve(frame.size() + join.size() + others.size());
    return frame.append(join).append(others);
}

Result<void> decode_join_request(std::string_view base64url, pb::JoinRequest& into) {
    // Clients pad it.
    const std::string_view unpadded = base64url.substr(0, base64url.find_last_not_of('=') + 1);
    const auto wrapped_bytes = http::decode_base64url(unpadded);
    pb::WrappedJoinRequest wrapped;
    if (!wrapped_bytes || !wrapped.ParseFromString(*wrapped_bytes)) {
        return refuse("join_request is no base64url of a WrappedJoinRequest");
    }
    if (wrapped.compression() == pb::WrappedJoinRequest::NONE) {
        if (wrapped.join_request().size() > kJoinRequestBytesMax ||
            !into.ParseFromString(wrapped.join_request())) {
            return refuse("join_request holds no JoinRequest");
        }
        return {};
    }
    if (wrapped.compression() != pb::WrappedJoinRequest::GZIP) {
        return refuse("join_request is compressed in a way that this node does not know");
    }
    const auto plain = gunzip(wrapped.join_request(), kJoinRequestBytesMax);
    if (!plain || !into.ParseFromString(*plain)) {
        return refuse("join_request holds no gzip of a JoinRequest, or one of over 1 MiB");
    }
    return {};
}

}  // namespace isthmus::signaling::livekit
