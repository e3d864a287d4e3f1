// POST on a viewer's layer URL.
#include <expected>
#include <utility>

#include "signaling/whip/layer_request.h"
#include "signaling/whip/media_types.h"
#include "signaling/whip/whip_endpoint.h"

namespace isthmus::signaling::whip {

using http::Request;
using http::Responder;
using http::Response;

void WhipEndpoint::handle_layer(const Request& request, Responder respond) {
    const std::expected<Session*, Response> found = find_session(sdp::Role::kViewer, request);
    if (!found) {
        send(std::move(respond), found.error());
        return;
    }
    if (!is_media_type(request.header("Content-Type"), kJsonType)) {
        Response response =
            Response::problem(415, std::string("the body must have Content-Type: ") + kJsonType);
        response.headers.emplace("Accept-Post", kJsonType);
        send(std::move(respond), std::move(response));
        return;
    }
    if (request.body.size() > kLayerRequestBytesMax) {
        send(std::move(respond), Response::problem(413, "the request is too long"));
        return;
    }
    Result<LayerRequest> wanted = parse_layer_request(request.body);
    if (!wanted) {
        send(std::move(respond), problem(wanted.error()));
        return;
    }
    switchboard_.set_layer_wish(
        (*found)->connection,
        std::move(wanted->mid),
        wanted->wish,
        [this, respond = std::move(respond)](Result<void> done) mutable {
            send(std::move(respond),
                 done ? Response{.status = 204, .headers = {}, .body = {}} : problem(done.error()));
        });
}

}  // namespace isthmus::signaling::whip
