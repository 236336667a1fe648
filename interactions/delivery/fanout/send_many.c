/* One frame to many sockets: what send_queue.write_all does, without Python's objects between one send and the next.

   A handle below 0 is left out. taken[i]: how many bytes the kernel took (0: it is full), or -1 (left out), or -2 (the peer is gone).
   Never waits. Returns how many did not take the whole frame. */

#include <errno.h>
#include <sys/socket.h>

int liveroom_send_many(const int *handles, int count, const char *frame, long size, long *taken)
{
    int others = 0;
    for (int i = 0; i < count; i++) {
        long sent = -1;
        if (handles[i] >= 0) {
            do
                sent = send(handles[i], frame, size, MSG_DONTWAIT | MSG_NOSIGNAL);
            while (sent < 0 && errno == EINTR);
            if (sent < 0)
                sent = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM ? 0 : -2;
        }
        taken[i] = sent;
        others += sent != size;
    }
    return others;
}
