#define _GNU_SOURCE
#include "uiodrv_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct uiodrv_record) == 32, "a record is 32 bytes");
_Static_assert(sizeof(struct uiodrv_range) == 16, "a range is 16 bytes");
_Static_assert(sizeof(struct uiodrv_command) == 24, "a command is 24 bytes");
_Static_assert(sizeof(struct uiodrv_message) == UIODRV_MESSAGE_BYTES, "a message is 64 bytes");

// An SPSC ring: the producer's counter, the consumer's in the next cache line, then the entries.
#define RING_TAIL 0u
#define RING_HEAD 64u
#define RING_ENTRIES 128u

static _Atomic uint32_t *word32(const struct uiodrv_client *client, size_t offset) {
    return (_Atomic uint32_t *)(client->channel + offset);
}

static _Atomic uint64_t *word64(const struct uiodrv_client *client, size_t offset) {
    return (_Atomic uint64_t *)(client->channel + offset);
}

// MARK: the control socket

static int send_message(const struct uiodrv_client *client, const struct uiodrv_message *message) {
    ssize_t n = send(client->socket, message, sizeof *message, MSG_NOSIGNAL);
    return n == (ssize_t)sizeof *message ? 0 : n < 0 ? -errno : -EPROTO;
}

static int receive_message(const struct uiodrv_client *client, struct uiodrv_message *message, int *fd, int flags) {
    struct iovec vector = {.iov_base = message, .iov_len = sizeof *message};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do n = recvmsg(client->socket, &header, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    *fd = -1;
    if (n < 0) return -errno;
    if (n == 0) return -EPIPE;
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(c), sizeof(int));
    if (n != (ssize_t)sizeof *message) {
        if (*fd >= 0) close(*fd);
        *fd = -1;
        return -EPROTO;
    }
    return 0;
}

// Maps what came with a notice, unless it could become shorter under the mapping (SIGBUS).
static uint8_t *map_descriptor(int fd, uint64_t offset, uint64_t size) {
    struct stat status;
    if (fd < 0 || size == 0 || fstat(fd, &status) < 0) return NULL;
    if (S_ISREG(status.st_mode)) {
        int seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0 || !(seals & F_SEAL_SHRINK) || (uint64_t)status.st_size < offset + size) return NULL;
    }
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
    return bytes == MAP_FAILED ? NULL : bytes;
}

static int is_power(uint32_t value) { return value != 0 && (value & (value - 1)) == 0; }

// Whether rings of these sizes and places fit the channel: its first words are the other side's.
static int check_shape(const struct uiodrv_shape *shape, size_t bytes) {
    uint64_t end = shape->bytes;
    if (end > bytes || !is_power(shape->record_capacity) || !is_power(shape->return_capacity) ||
        !is_power(shape->command_capacity) || !is_power(shape->linear_bytes) || !is_power(shape->send_bytes) ||
        shape->return_lanes == 0)
        return -EPROTO;
    if (shape->records + RING_ENTRIES + (uint64_t)shape->record_capacity * sizeof(struct uiodrv_record) > end ||
        shape->returns + RING_ENTRIES + (uint64_t)shape->return_capacity * sizeof(struct uiodrv_range) > end ||
        shape->commands + RING_ENTRIES + (uint64_t)shape->command_capacity * sizeof(struct uiodrv_command) > end ||
        shape->linear + (uint64_t)shape->linear_bytes > end || shape->sends + (uint64_t)shape->send_bytes > end)
        return -EPROTO;
    return 0;
}

static int take_channel(struct uiodrv_client *client, const struct uiodrv_message *message, int fd) {
    uint64_t magic;
    uint32_t version;
    if (client->channel || message->operands[0] < UIODRV_AT_RINGS) return -EPROTO;
    client->channel_bytes = message->operands[0];
    client->channel = map_descriptor(fd, 0, client->channel_bytes);
    if (!client->channel) return -EPROTO;
    memcpy(&magic, client->channel, sizeof magic);
    memcpy(&version, client->channel + 8, sizeof version);
    memcpy(&client->shape, client->channel + 12, sizeof client->shape);
    if (magic != UIODRV_CHANNEL_MAGIC || version != UIODRV_CHANNEL_VERSION) return -EPROTO;
    return check_shape(&client->shape, client->channel_bytes);
}

static int take_region(struct uiodrv_client *client, const struct uiodrv_message *message, int fd) {
    for (int i = 0; i < UIODRV_REGIONS; i++) {
        struct uiodrv_region *region = &client->regions[i];
        if (region->bytes) continue;
        region->bytes = map_descriptor(fd, message->operands[3], message->operands[1]);
        if (!region->bytes) return -EPROTO;
        region->number = (uint32_t)message->operands[0];
        region->size = message->operands[1];
        region->slot_size = message->operands[2];
        return 0;
    }
    return -ENOSPC;
}

static void drop_region(struct uiodrv_client *client, uint64_t number) {
    for (int i = 0; i < UIODRV_REGIONS; i++) {
        struct uiodrv_region *region = &client->regions[i];
        if (!region->bytes || region->number != number) continue;
        munmap(region->bytes, region->size);
        region->bytes = NULL;
    }
}

static int take_notice(struct uiodrv_client *client, const struct uiodrv_message *message, int fd) {
    int result = 0;
    switch (message->operation) {
    case UIODRV_OP_CHANNEL: result = take_channel(client, message, fd); break;
    case UIODRV_OP_REGION: result = take_region(client, message, fd); break;
    case UIODRV_OP_REGION_GONE: drop_region(client, message->operands[0]); break;
    case UIODRV_OP_GOODBYE: client->is_over = 1; break;
    case UIODRV_OP_LINE: {
        int *line = message->operands[0] == 0 ? &client->engine_line : &client->bell;
        if (*line >= 0) close(*line);
        *line = fd;
        return fd < 0 ? -EPROTO : 0;
    }
    default: break;
    }
    if (fd >= 0) close(fd);
    return result;
}

static int ask(struct uiodrv_client *client, struct uiodrv_message *message) {
    struct uiodrv_message answer;
    int fd, result;
    message->reference = ++client->reference;
    result = send_message(client, message);
    while (result == 0) {
        result = receive_message(client, &answer, &fd, 0);
        if (result != 0) break;
        if (answer.reference == message->reference && answer.operation == message->operation) {
            if (fd >= 0) close(fd);
            *message = answer;
            return answer.status;
        }
        result = take_notice(client, &answer, fd);
    }
    if (result == -EPIPE || result == -ECONNRESET) client->is_over = 1;
    return result;
}

int uiodrv_connect(struct uiodrv_client *client, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memset(client, 0, sizeof *client);
    client->socket = client->engine_line = client->bell = -1;
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    client->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (client->socket < 0) return -errno;
    if (connect(client->socket, (struct sockaddr *)&address, sizeof address) < 0) return -errno;
    struct uiodrv_message hello = {
        .operation = UIODRV_OP_HELLO, .operands = {UIODRV_CHANNEL_MAGIC, UIODRV_CHANNEL_VERSION}};
    int result = ask(client, &hello);
    if (result == 0) client->number = (uint32_t)hello.operands[1];
    return result;
}

int uiodrv_attach(struct uiodrv_client *client, uint64_t slot_size, uint64_t bytes, uint64_t flags) {
    return uiodrv_attach_to_send(client, slot_size, bytes, flags, 0);
}

int uiodrv_attach_to_send(struct uiodrv_client *client, uint64_t slot_size, uint64_t bytes, uint64_t flags,
                          uint64_t send_bytes) {
    struct uiodrv_message message = {
        .operation = UIODRV_OP_ATTACH, .operands = {slot_size, bytes, flags, 0, send_bytes}};
    int result = ask(client, &message);
    return result == 0 && !client->channel ? -EPROTO : result;
}

int uiodrv_listen(struct uiodrv_client *client, uint16_t port, uint32_t slots) {
    struct uiodrv_message message = {.operation = UIODRV_OP_LISTEN, .operands = {port, slots, 0}};
    return ask(client, &message);
}

void uiodrv_close(struct uiodrv_client *client) {
    if (client->channel) munmap(client->channel, client->channel_bytes);
    for (int i = 0; i < UIODRV_REGIONS; i++)
        if (client->regions[i].bytes) munmap(client->regions[i].bytes, client->regions[i].size);
    if (client->engine_line >= 0) close(client->engine_line);
    if (client->bell >= 0) close(client->bell);
    if (client->socket >= 0) close(client->socket);
    memset(client, 0, sizeof *client);
    client->socket = client->engine_line = client->bell = -1;
}

// MARK: records

uint8_t *uiodrv_payload(const struct uiodrv_client *client, const struct uiodrv_record *record) {
    for (int i = 0; i < UIODRV_REGIONS; i++) {
        const struct uiodrv_region *region = &client->regions[i];
        if (!region->bytes || region->number != record->region) continue;
        if (record->offset > region->size || record->length > region->size - record->offset) return NULL;
        return region->bytes + record->offset;
    }
    return NULL;
}

const uint8_t *uiodrv_linear(const struct uiodrv_client *client, const struct uiodrv_record *record) {
    uint32_t position = (uint32_t)record->offset & (client->shape.linear_bytes - 1);
    if (record->length > client->shape.linear_bytes - position) return NULL;
    return client->channel + client->shape.linear + position;
}

void uiodrv_consumed(struct uiodrv_client *client, const struct uiodrv_record *record) {
    client->linear_consumed = record->offset + record->length;
    client->dirty = 1;
}

static int pop(struct uiodrv_client *client, struct uiodrv_record *record) {
    size_t ring = client->shape.records;
    uint32_t capacity = client->shape.record_capacity;
    if (client->record_tail == client->record_head)
        client->record_tail = atomic_load_explicit(word32(client, ring + RING_TAIL), memory_order_acquire);
    // A producer's counter that makes no sense brings nothing.
    if (client->record_tail - client->record_head - 1 >= capacity) return 0;
    size_t entry = ring + RING_ENTRIES + (size_t)(client->record_head & (capacity - 1)) * sizeof *record;
    memcpy(record, client->channel + entry, sizeof *record);
    client->record_head++;
    client->dirty = 1;
    return 1;
}

const struct uiodrv_record *uiodrv_next(struct uiodrv_client *client, struct uiodrv_record *record) {
    while (client->channel && pop(client, record)) {
        if (record->kind == UIODRV_PLACE) {
            client->place = *record;
            continue;
        }
        if (record->kind != UIODRV_LINEAR || client->place.token == 0) return record;
        struct uiodrv_record place = client->place;
        client->place.token = 0;
        place.length = record->length;
        uint8_t *to = uiodrv_payload(client, &place);
        const uint8_t *from = uiodrv_linear(client, record);
        if (!to || !from) return record;
        memcpy(to, from, record->length);
        uiodrv_consumed(client, record);
        record->kind = UIODRV_DEVICE;
        record->flags |= UIODRV_MOVED;
        record->token = place.token;
        record->offset = place.offset;
        record->region = place.region;
        return record;
    }
    return NULL;
}

static int push(struct uiodrv_client *client, size_t ring, uint32_t capacity, uint32_t *tail, const void *entry,
                size_t size) {
    uint32_t head = atomic_load_explicit(word32(client, ring + RING_HEAD), memory_order_acquire);
    if (*tail - head >= capacity) return -EAGAIN;
    memcpy(client->channel + ring + RING_ENTRIES + (size_t)(*tail & (capacity - 1)) * size, entry, size);
    ++*tail;
    return 0;
}

int uiodrv_give_back(struct uiodrv_client *client, uint64_t token) {
    struct uiodrv_range *pending = &client->pending;
    if (pending->count != 0 && pending->start + pending->count == token && pending->count < 1024) {
        pending->count++;
        return 0;
    }
    if (pending->count != 0 && push(client, client->shape.returns, client->shape.return_capacity, &client->return_tail,
                                    pending, sizeof *pending) != 0)
        return -EAGAIN;
    *pending = (struct uiodrv_range){.start = token, .count = 1};
    client->dirty = 1;
    return 0;
}

void uiodrv_give_back_through(struct uiodrv_client *client, uint64_t token) {
    _Atomic uint64_t *reached = word64(client, UIODRV_AT_CONSUMED_THROUGH);
    if (token > atomic_load_explicit(reached, memory_order_relaxed))
        atomic_store_explicit(reached, token, memory_order_release);
    client->dirty = 1;
}

int uiodrv_command(struct uiodrv_client *client, uint32_t kind, uint32_t connection, uint32_t length) {
    struct uiodrv_command command = {.kind = kind, .connection = connection, .length = length};
    client->dirty = 1;
    return push(client, client->shape.commands, client->shape.command_capacity, &client->command_tail, &command,
                sizeof command);
}

int uiodrv_send_region(struct uiodrv_client *client, uint16_t region, uint64_t offset, uint32_t length,
                       uint32_t connection) {
    struct uiodrv_command command = {
        .kind = UIODRV_SEND_REGION, .connection = connection, .length = length, .region = region, .offset = offset};
    client->dirty = 1;
    return push(client, client->shape.commands, client->shape.command_capacity, &client->command_tail, &command,
                sizeof command);
}

void uiodrv_flush(struct uiodrv_client *client) {
    if (!client->dirty) return;
    client->dirty = 0;
    if (client->pending.count != 0) {
        if (push(client, client->shape.returns, client->shape.return_capacity, &client->return_tail, &client->pending,
                 sizeof client->pending) == 0)
            client->pending.count = 0;
        else
            client->dirty = 1;
    }
    atomic_store_explicit(word32(client, client->shape.returns + RING_TAIL), client->return_tail, memory_order_release);
    atomic_store_explicit(word32(client, client->shape.commands + RING_TAIL), client->command_tail,
                          memory_order_release);
    atomic_store_explicit(word32(client, client->shape.records + RING_HEAD), client->record_head, memory_order_release);
    atomic_store_explicit(word64(client, UIODRV_AT_LINEAR_CONSUMED), client->linear_consumed, memory_order_release);
    // Store, then load the other's word, both sequentially consistent: with the engine doing the same, at least one sees the
    // other, and a sleeper is not missed.
    _Atomic uint32_t *published = word32(client, UIODRV_AT_ENGINE_PUBLISHED);
    atomic_store(published, atomic_load_explicit(published, memory_order_relaxed) + 1);
    if (atomic_load(word32(client, UIODRV_AT_ENGINE_NEEDED)) != 0) eventfd_write(client->engine_line, 1);
}

int uiodrv_wait(struct uiodrv_client *client, uint64_t nanoseconds) {
    struct pollfd entries[2] = {{.fd = client->bell, .events = POLLIN}, {.fd = client->socket, .events = POLLIN}};
    if (client->channel) {
        atomic_store(word32(client, UIODRV_AT_CLIENT_NEEDED), 1);
        (void)atomic_load(word32(client, UIODRV_AT_CLIENT_PUBLISHED));
        uint32_t tail = atomic_load_explicit(word32(client, client->shape.records + RING_TAIL), memory_order_acquire);
        if (tail == client->record_head) {
            struct timespec limit = {
                .tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
            (void)ppoll(entries, 2, &limit, NULL);
        }
        atomic_store_explicit(word32(client, UIODRV_AT_CLIENT_NEEDED), 0, memory_order_relaxed);
        eventfd_t rung;
        if (entries[0].revents) (void)eventfd_read(client->bell, &rung);
    }
    for (;;) {
        struct uiodrv_message message;
        int fd;
        int result = receive_message(client, &message, &fd, MSG_DONTWAIT);
        if (result == -EAGAIN || result == -EWOULDBLOCK) return 0;
        if (result == -EPIPE || result == -ECONNRESET) {
            client->is_over = 1;
            return 0;
        }
        if (result == 0) result = take_notice(client, &message, fd);
        if (result != 0) return result;
    }
}

const char *uiodrv_explain(int result) {
    static const char *const words[] = {
        "done",
        "the controller does not know such a request",
        "the controller speaks another version",
        "binding queues is the controller's own",
        "there is no region yet: attach first",
        "there is a region already",
        "every receive queue is taken",
        "the controller has no memory for such a region",
        "a slot must have 2K to 2M, a power of two that the device can fill",
        "a slot must hold a whole frame",
        "the region must have more slots than the queue has descriptors",
        "the descriptor is not shared memory of which a region can be made",
        "a region of one's own must be sealed against shrinking",
        "the descriptor's memory is shorter than the region that was asked for",
        "somebody listens on this port already",
        "the device has no steering rule left for this port",
        "at most 128 ranges can be returned in one call",
        "too many regions of this client wait for their tokens",
        "the controller serves as many clients as it can",
        "fewer slots are left than the connection would be guaranteed",
        "there is no route to the address",
        "the device is gone",
        "the device did not do what binding needs",
        "this controller sends from no region",
    };
    if (result < 0) return strerror(-result);
    return (size_t)result < sizeof words / sizeof *words ? words[result] : "the controller gave an unknown status";
}
