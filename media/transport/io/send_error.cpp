#include "media/transport/io/send_error.h"

#include <cerrno>

namespace isthmus::media::transport {

bool is_unreachable(int error) {
    switch (error) {
        case ECONNREFUSED:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EHOSTDOWN:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EPROTO:
        case EACCES:
        case EPERM:
            return true;
        default:
            return false;
    }
}

bool is_full(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

bool is_segmentation_refusal(int error) {
    return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP;
}

}  // namespace isthmus::media::transport
